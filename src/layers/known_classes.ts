/**
 * @file Layers by class name, for files: the built-in classes, which the registry puts in, and classes of yours. Nothing
 * else is ever made from a file. It knows no layer, so that layers made of others can be read from their configs.
 */
import { show, TsunoError } from '../core/errors.ts';
import { classNameOf, type Layer, type LayerClass } from './layer.ts';
import type { Config, Serialized } from './serialized.ts';

const classes = new Map<string, LayerClass>();
const custom = new Map<string, LayerClass>();

/** Keras's second names. */
const aliases: Record<string, string> = {
  AvgPool1D: 'AveragePooling1D',
  AvgPool2D: 'AveragePooling2D',
  Convolution1D: 'Conv1D',
  Convolution1DTranspose: 'Conv1DTranspose',
  Convolution2D: 'Conv2D',
  Convolution2DTranspose: 'Conv2DTranspose',
  GlobalAvgPool1D: 'GlobalAveragePooling1D',
  GlobalAvgPool2D: 'GlobalAveragePooling2D',
  GlobalMaxPool1D: 'GlobalMaxPooling1D',
  GlobalMaxPool2D: 'GlobalMaxPooling2D',
  MaxPool1D: 'MaxPooling1D',
  MaxPool2D: 'MaxPooling2D',
  SeparableConvolution1D: 'SeparableConv1D',
  SeparableConvolution2D: 'SeparableConv2D',
};

/** Makes a class of tsuno's own known under its name. */
export function addBuiltIn(type: LayerClass): void {
  classes.set(classNameOf(type), type);
}

/** Names of the built-in classes. */
export function layerNames(): string[] {
  return [...classes.keys()];
}

/**
 * Makes a layer class of yours known to files, under its `className` (default: its name).
 *
 * @param registeredName what files call it; Keras writes `package>Class`.
 * @example
 * ```ts
 * class Twice extends Layer {
 *   static readonly className = 'Twice';
 *   override call(x: Value) {
 *     return ops.mul(x, 2);
 *   }
 * }
 * registerLayer(Twice);
 * layerFromConfig({ class_name: 'Twice', config: { name: 'twice' } }).name; // 'twice'
 * ```
 */
export function registerLayer(type: LayerClass, registeredName = classNameOf(type)): void {
  custom.set(registeredName, type);
}

/** Whether files may hold the layer: a built-in class, or one that was registered. */
export function isRegistered(layer: Layer): boolean {
  const type = layer.constructor as unknown as LayerClass;
  return classes.get(classNameOf(type)) === type || [...custom.values()].includes(type);
}

/** The name under which a class of yours was registered. */
export function registeredName(layer: Layer): string | undefined {
  const type = layer.constructor as unknown as LayerClass;
  return [...custom].find(([, known]) => known === type)?.[0];
}

/** Runs `body` with these classes, by the names of files, known beside those that are registered. */
export function withLayers<T>(types: Readonly<Record<string, LayerClass>>, body: () => T): T {
  const before = new Map(custom);
  for (const [name, type] of Object.entries(types)) custom.set(name, type);
  try {
    return body();
  } finally {
    custom.clear();
    for (const [name, type] of before) custom.set(name, type);
  }
}

type Described = Pick<Serialized, 'class_name'> & Partial<Serialized>;

/** The class of which a config of Keras describes a layer, where it is known. */
export function layerClassOf({
  class_name: name,
  registered_name,
}: Described): LayerClass | undefined {
  const builtIn = Object.hasOwn(aliases, name) ? aliases[name]! : name;
  return custom.get(registered_name ?? '') ?? custom.get(name) ?? classes.get(builtIn);
}

/**
 * Makes the layer that a config of Keras describes; its weights come when it is built.
 *
 * @throws TsunoError `UNSUPPORTED_LAYER` for a class that is not known, by name.
 */
export function layerFromConfig(
  given: Pick<Serialized, 'class_name' | 'config'> & Partial<Serialized>,
): Layer {
  const { class_name: name, config } = given;
  const type = layerClassOf(given);
  if (type) return type.fromConfig(config as Config);
  throw new TsunoError('UNSUPPORTED_LAYER', {
    where: `layer ${show(config?.name ?? name)}`,
    what: 'class',
    expected: 'a layer of tsuno or one given to registerLayer',
    found: show(name),
  });
}

/** A layer that is no network as files hold it. */
export function serializePlainLayer(layer: Layer): Serialized & { build_config?: Config } {
  const built = layer.buildShape ? { build_config: { input_shape: layer.buildShape } } : {};
  const entry = { class_name: layer.className, config: layer.config() };
  const custom = registeredName(layer);
  return custom === undefined
    ? { module: 'keras.layers', ...entry, registered_name: null, ...built }
    : { module: 'tsuno', ...entry, registered_name: custom, ...built };
}
