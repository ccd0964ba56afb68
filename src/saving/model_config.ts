/**
 * @file A model as the description that `config.json` holds, and back. A description is data: every class it names must be
 * a layer, loss, metric, optimizer … of tsuno, or one that the caller gives; nothing in it is ever run.
 */
import { show, TsunoError } from '../core/errors.ts';
import { Layer, type LayerClass } from '../layers/layer.ts';
import {
  isRegistered,
  layerClassOf,
  layerFromConfig,
  layerNames,
  withLayers,
} from '../layers/registry.ts';
import { type Config, isSerialized, optionsOf, type Serialized } from '../layers/serialized.ts';
import { withWeightAllowance } from '../layers/weight_allowance.ts';
import { Network } from '../topology/network.ts';
import { type SerializedLayer, serializeLayer } from '../topology/network_config.ts';
import type { Compiled, CompileOptions } from '../train/compiled.ts';
import { serialize } from '../train/serialize.ts';

/** What saving needs of a model beside its layers. */
export interface SavableModel extends Network {
  /** What `compile` settled; `undefined` before. */
  readonly compiled: Compiled | undefined;
  compile(options: CompileOptions): void;
}

/** A class of layers, losses, metrics, optimizers, …, or a function such as an activation or a loss. */
export type CustomObject =
  | LayerClass
  | (new (
      options: never,
    ) => object)
  | ((...values: never[]) => unknown);

export interface ConfigOptions {
  /** Classes and functions of yours that the file names, by that name. */
  customObjects?: Readonly<Record<string, CustomObject>> | undefined;
  /** Whether to compile the model as it was; default true. */
  compile?: boolean | undefined;
  /** Bytes that the weights may take together, and what sets them; default: no limit but that of each weight. */
  allowance?: { bytes: number; reason: string } | undefined;
}

const mostLayers = 10_000;

/** What the JSON of a description may hold, so that one that asks for more is refused before it fills the memory. */
export const configLimits = { lists: { layers: mostLayers }, containers: 500_000 } as const;

/**
 * The description of a model, with what it was compiled with.
 *
 * @throws TsunoError `UNSUPPORTED` for a class that no file can name, because it was not registered.
 */
export function modelConfig(model: SavableModel): SerializedLayer {
  checkSavable(model);
  const { compiled } = model;
  const config = serializeLayer(model);
  return compiled ? { ...config, compile_config: compileConfig(compiled) } : config;
}

function checkSavable(layer: Layer): void {
  if (!isRegistered(layer)) {
    throw new TsunoError('UNSUPPORTED', {
      where: layer.where,
      what: 'class',
      expected: 'known to files',
      found: layer.className,
      repair: `Call registerLayer(${layer.className}) first, in the program that loads the file as well.`,
    });
  }
  for (const inner of layer instanceof Network ? layer.allLayers : layer.sublayers)
    checkSavable(inner);
}

/** Keras's `compile_config`. */
export function compileConfig({ options, optimizer }: Compiled): Config {
  const { loss, lossWeights, metrics, weightedMetrics } = options;
  return {
    optimizer: optimizer.serialize(),
    loss: serializeTree(loss),
    loss_weights: lossWeights ?? null,
    metrics: serializeTree(metrics),
    weighted_metrics: serializeTree(weightedMetrics),
    run_eagerly: false,
    steps_per_execution: 1,
    jit_compile: false,
  };
}

type Leaf = Parameters<typeof serialize>[0];

/** Losses and metrics, in lists and by names of outputs, as files hold them. */
function serializeTree(value: unknown): unknown {
  if (value === undefined || value === null) return null;
  if (Array.isArray(value)) return value.map(serializeTree);
  const isPlain = Object.getPrototypeOf(value) === Object.prototype && !isSerialized(value);
  if (!isPlain) return serialize(value as Leaf);
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, serializeTree(item)]),
  );
}

/**
 * The model of a description.
 *
 * @param config as `parseJson` gives it: plain data.
 * @throws TsunoError `CONFIG` where it describes no model, `UNSUPPORTED_LAYER` naming the layer for a class that is not
 * known, `UNSUPPORTED` for other objects.
 */
export function modelFromConfig(
  config: unknown,
  where: string,
  options: ConfigOptions = {},
): SavableModel {
  const { customObjects = {}, compile = true, allowance } = options;
  if (!isEntry(config))
    throw refuse('CONFIG', where, 'description', '{class_name, config}', show(config));
  const checked = typed(where, () => new Checker(where, customObjects).check(config));
  const { compile_config: compileWith, ...described } = checked;
  const build = () => withLayers(layersAmong(customObjects), () => networkOf(described, where));
  const model = typed(where, () =>
    allowance ? withWeightAllowance(allowance.bytes, allowance.reason, build) : build(),
  );
  if (compile && compileWith && Object.keys(compileWith).length > 0)
    typed(where, () => model.compile(compileOptions(compileWith)));
  return model;
}

function networkOf(described: SerializedLayer, where: string): SavableModel {
  const network = layerFromConfig(described);
  if (!(network instanceof Network) || !('compile' in network))
    throw refuse('CONFIG', where, 'description', 'of a model', show(described.class_name));
  const shape = described.build_config?.input_shape;
  if (network.kind === 'subclass' && Array.isArray(shape)) network.build(shape);
  return network as SavableModel;
}

function layersAmong(given: Readonly<Record<string, CustomObject>>): Record<string, LayerClass> {
  return Object.fromEntries(
    Object.entries(given).filter((entry): entry is [string, LayerClass] => isLayerClass(entry[1])),
  );
}

function isLayerClass(value: CustomObject): value is LayerClass {
  return (value as { prototype?: unknown }).prototype instanceof Layer;
}

function compileOptions(config: Config): CompileOptions {
  const { optimizer, loss, loss_weights, metrics, weighted_metrics } = config;
  const given = {
    optimizer,
    loss,
    lossWeights: loss_weights,
    metrics,
    weightedMetrics: weighted_metrics,
  };
  const present = Object.entries(given).filter(
    ([, value]) => value !== null && value !== undefined,
  );
  return Object.fromEntries(present) as CompileOptions;
}

/**
 * Descriptions of the wrong form make constructors fail in ways of their own, or refuse arguments that no caller gave;
 * those become errors of the file.
 */
function typed<T>(where: string, body: () => T): T {
  try {
    return body();
  } catch (error) {
    if (!(error instanceof TsunoError))
      throw refuse('CONFIG', where, 'description', 'of a model', String(error), error);
    if (error.code !== 'ARGUMENT') throw error;
    const { where: place, what, expected, found } = error;
    throw refuse('CONFIG', `${where}, ${place}`, what, expected, found, error);
  }
}

function refuse(
  code: 'CONFIG' | 'UNSUPPORTED',
  where: string,
  what: string,
  expected: string,
  found: string,
  cause?: unknown,
): TsunoError {
  return new TsunoError(code, { where, what, expected, found, cause });
}

interface Entry {
  class_name: string;
  config: Config;
  [key: string]: unknown;
}

function isEntry(value: unknown): value is Entry {
  if (typeof value !== 'object' || value === null) return false;
  const { class_name: name, config } = value as Partial<Entry>;
  return typeof name === 'string' && typeof config === 'object' && config !== null;
}

const kerasNames = new Set([...layerNames(), 'Functional', 'Sequential', 'Model']);
const knownModules = /^(keras|tsuno)(\.[a-z0-9_]+)*$/;

/**
 * Walks a description before anything is made of it: every object must come from a module of Keras or tsuno or be given by
 * the caller, every layer must be of a known class. Objects the caller gives are put in their place.
 */
class Checker {
  private layers = 0;
  private readonly where: string;
  private readonly given: Readonly<Record<string, CustomObject>>;

  constructor(where: string, given: Readonly<Record<string, CustomObject>>) {
    this.where = where;
    this.given = given;
  }

  check(config: Entry): SerializedLayer {
    this.layer(config, `model ${show(config.config.name ?? config.class_name)}`);
    return this.walk(config, this.where) as SerializedLayer;
  }

  private walk(value: unknown, path: string): unknown {
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map((item) => this.walk(item, path));
    if ('layers' in value && Array.isArray(value.layers)) this.layerList(value.layers, path);
    const isObject = 'class_name' in value && typeof value.class_name === 'string';
    const below = isObject ? `${value.class_name} ${show(nameIn(value))}` : path;
    const walked = Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, this.walk(item, below)]),
    );
    return isObject ? this.object(walked as unknown as Serialized, path) : walked;
  }

  private layerList(entries: readonly unknown[], path: string): void {
    this.layers += entries.length;
    if (this.layers > mostLayers)
      throw refuse('CONFIG', this.where, 'layers', `at most ${mostLayers}`, String(this.layers));
    entries.forEach((entry, i) => {
      if (!isEntry(entry))
        throw refuse('CONFIG', path, `layer ${i}`, '{class_name, config}', show(entry));
      this.layer(entry, `layer ${i} ${show(entry.config.name ?? entry.name ?? entry.class_name)}`);
    });
  }

  private layer(entry: Entry, what: string): void {
    const { class_name: name, module } = entry;
    const given = this.find(entry);
    const isKnown = withLayers(layersAmong(this.given), () =>
      layerClassOf(entry as unknown as Serialized),
    );
    // Classes of the user's come from modules of their own; Keras's names must come from Keras.
    const mayBe = isKnown && (this.isKnownModule(module) || !kerasNames.has(name));
    if (given ? isLayerClass(given) : mayBe) return;
    throw new TsunoError('UNSUPPORTED_LAYER', {
      where: this.where,
      what: `class of ${what}`,
      expected: 'a layer of tsuno or one given in customObjects',
      found: typeof module === 'string' ? `${show(name)} of module ${show(module)}` : show(name),
      repair: unsafe.has(name)
        ? 'Files with code are never loaded.'
        : 'Give it as customObjects: { name: class }.',
    });
  }

  private isKnownModule(module: unknown): boolean {
    return (
      module === undefined ||
      module === null ||
      (typeof module === 'string' && knownModules.test(module))
    );
  }

  private find({ class_name, registered_name }: Partial<Serialized>): CustomObject | undefined {
    for (const name of [registered_name, class_name])
      if (typeof name === 'string' && Object.hasOwn(this.given, name)) return this.given[name];
    return undefined;
  }

  /** An object whose parts are walked: itself, or what the caller gave for it. */
  private object(value: Serialized, path: string): unknown {
    const { class_name: name, module, config } = value;
    if (name === '__keras_tensor__') return value;
    if (name === '__tuple__') return (value as unknown as { items?: unknown }).items ?? [];
    if (name === '__numpy__') return (config as { value?: unknown })?.value;
    if (unsafe.has(name)) throw this.unknown(value, path);
    if (name === 'function') return this.named(value, path);
    const given = this.find(value);
    if (given && !isLayerClass(given)) {
      const make = given as new (options: Config) => object;
      return new make(optionsOf(config ?? {}));
    }
    if (given || this.isKnownModule(module)) return value;
    throw this.unknown(value, path);
  }

  /** A function of the caller's; those of Keras are found by what asks for them. */
  private named(value: Serialized, path: string): unknown {
    const name: unknown = value.config;
    const key = [value.registered_name, name].find(
      (each): each is string => typeof each === 'string' && Object.hasOwn(this.given, each),
    );
    if (key !== undefined) return this.given[key];
    if (value.module !== 'builtins' && this.isKnownModule(value.module)) return value;
    throw this.unknown({ ...value, class_name: String(name) }, path);
  }

  private unknown({ class_name: name, module }: Serialized, path: string): TsunoError {
    const isLayer = unsafe.has(name) && name !== '__lambda__';
    return new TsunoError(isLayer ? 'UNSUPPORTED_LAYER' : 'UNSUPPORTED', {
      where: this.where,
      what: `object in ${path}`,
      expected: 'of Keras, or given in customObjects',
      found: `${show(name)} of module ${show(module)}`,
      repair: unsafe.has(name) ? 'Files with code are never loaded.' : '',
    });
  }
}

/** What runs code in Keras. */
const unsafe = new Set([
  'Lambda',
  '__lambda__',
  'TFSMLayer',
  'TorchModuleWrapper',
  'JaxLayer',
  'FlaxLayer',
]);

function nameIn(value: object): unknown {
  const config = (value as Partial<Entry>).config;
  return (typeof config === 'object' && config?.name) || (value as Partial<Entry>).name || '';
}
