/** @file Names: Keras's snake case for classes, unique names for layers, camelCase spellings of identifiers. */

/** `MaxPooling2D` → `max_pooling2d`, `ReLU` → `re_lu`, as Keras derives layer names from classes. */
export function snakeCase(name: string): string {
  return name
    .replace(/\W+/g, '')
    .replace(/(.)([A-Z][a-z]+)/g, '$1_$2')
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase();
}

/** `sparseCategoricalCrossentropy` and `sparse_categorical_crossentropy` are one identifier; the latter is kept. */
export function identifier(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase();
}

const counts = new Map<string, number>();

/** `conv2d`, `conv2d_1`, … a counter a base name, as in Keras; {@link clearNames} starts over. */
export function uniqueName(base: string): string {
  const used = counts.get(base) ?? 0;
  counts.set(base, used + 1);
  return used === 0 ? base : `${base}_${used}`;
}

export function clearNames(): void {
  counts.clear();
}
