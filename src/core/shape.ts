/** @file Shapes: what they hold, how they broadcast, how they are written. */

/** Sizes of a tensor's axes, outermost first: images are `[n, h, w, c]`. */
export type Shape = readonly number[];

/** A shape with an axis of unknown size (`null`), usually the batch. */
export type PartialShape = readonly (number | null)[];

/** Number of elements. */
export function sizeOf(shape: Shape): number {
  let size = 1;
  for (const extent of shape) size *= extent;
  return size;
}

export function sameShape(a: PartialShape, b: PartialShape): boolean {
  return a.length === b.length && a.every((extent, axis) => extent === b[axis]);
}

/** Distance, in elements, between neighbours along each axis of a row-major tensor. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis]!;
  }
  return strides;
}

/** NumPy's rule: align at the last axis, an extent of 1 stretches. `undefined` where the shapes do not fit. */
export function broadcastShapes(...shapes: Shape[]): number[] | undefined {
  const rank = Math.max(0, ...shapes.map((shape) => shape.length));
  const out = new Array<number>(rank).fill(1);
  for (const shape of shapes) {
    const lead = rank - shape.length;
    for (let axis = 0; axis < shape.length; axis++) {
      const extent = shape[axis]!;
      if (extent === 1 || extent === out[lead + axis]) continue;
      if (out[lead + axis] !== 1) return undefined;
      out[lead + axis] = extent;
    }
  }
  return out;
}

/** `-1` is the last axis. Returns `undefined` where `axis` is no axis of `rank`. */
export function normalizeAxis(axis: number, rank: number): number | undefined {
  const normalized = axis < 0 ? axis + rank : axis;
  return Number.isInteger(axis) && normalized >= 0 && normalized < rank ? normalized : undefined;
}

/** `(None, 26, 26, 32)`, as Keras writes it. */
export function showShape(shape: PartialShape): string {
  const items = shape.map((extent) => (extent === null ? 'None' : String(extent)));
  return items.length === 1 ? `(${items[0]},)` : `(${items.join(', ')})`;
}
