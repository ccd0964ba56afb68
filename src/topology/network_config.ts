/**
 * @file Networks as Keras's configs and back: the layers with their configs and, for functional networks, each call by
 * the names of what it reads, `[layer, call, output]`.
 */
import { show, TsunoError } from '../core/errors.ts';
import type { PartialShape } from '../core/shape.ts';
import { InputLayer } from '../layers/input_layer.ts';
import type { Layer, OneOrMany } from '../layers/layer.ts';
import { layerFromConfig, registeredName, serializePlainLayer } from '../layers/registry.ts';
import type { Config, Serialized } from '../layers/serialized.ts';
import type { CallOptions, InboundNode, SymbolicTensor } from '../layers/symbolic.ts';
import { type Functional, layerOf } from './functional.ts';
import type { Sequential } from './sequential.ts';

/** A layer in a file. */
export interface SerializedLayer extends Serialized {
  build_config?: Config;
  compile_config?: Config;
}

/** What of a network the configs need; networks are recognised by it, without importing them. */
interface Nested extends Layer {
  readonly kind: 'functional' | 'sequential' | 'subclass';
  readonly layers: readonly Layer[];
}

function isNetwork(layer: Layer): layer is Nested {
  return 'kind' in layer && 'layers' in layer;
}

/** Keras numbers the calls of a functional network from 1: call 0 is how it was made. */
function firstCall(layer: Layer): number {
  return isNetwork(layer) && layer.kind === 'functional' ? 1 : 0;
}

/** A layer as files hold it; of a network, as one that is not compiled. */
export function serializeLayer(layer: Layer): SerializedLayer {
  const { className } = layer;
  if (!isNetwork(layer)) return serializePlainLayer(layer);
  const entry = { class_name: className, config: layer.config() };
  if (layer.kind === 'functional') {
    return {
      module: 'keras.src.models.functional',
      ...entry,
      registered_name: 'Functional',
      build_config: { input_shape: null },
      compile_config: {},
    };
  }
  const shape = layer.kind === 'sequential' ? entry.config.build_input_shape : layer.buildShape;
  return {
    module: layer.kind === 'sequential' ? 'keras' : 'tsuno',
    ...entry,
    registered_name: layer.kind === 'sequential' ? null : (registeredName(layer) ?? className),
    ...(shape ? { build_config: { input_shape: shape } } : {}),
    compile_config: {},
  };
}

export function sequentialConfig(base: Config, form: Sequential): Config {
  const shape = form.inputShape;
  return {
    ...base,
    layers: form.allLayers.map(serializeLayer),
    ...(shape ? { build_input_shape: [...shape] } : {}),
  };
}

export function functionalConfig(
  network: Layer,
  form: Functional,
  lists: { inputs: boolean; outputs: boolean },
): Config {
  const place = new Map<InboundNode, number>();
  for (const layer of form.layers) {
    const own = layer.inboundNodes.filter((node) => form.has(node));
    own.forEach((node, i) => {
      place.set(node, firstCall(layer) + i);
    });
  }
  const keyOf = ({ history, node }: SymbolicTensor) => [
    history.layer.name,
    place.get(node) ?? 0,
    history.tensor,
  ];
  const argument = (tensor: SymbolicTensor) => ({
    class_name: '__keras_tensor__',
    config: { shape: [...tensor.shape], dtype: tensor.dtype, keras_history: keyOf(tensor) },
  });
  const call = (node: InboundNode) => {
    const given = node.inputs.map(argument);
    const training = node.options.training ?? layerOf(node).trainingDefault;
    return {
      args: node.many ? [given] : given,
      kwargs: {
        ...(training === undefined ? {} : { training }),
        ...(layerOf(node).acceptsMask ? { mask: null } : {}),
      },
    };
  };
  const ends = (tensors: readonly SymbolicTensor[], list: boolean) =>
    list ? tensors.map(keyOf) : keyOf(tensors[0]!);
  return {
    name: network.name,
    trainable: network.trainable,
    layers: form.layers.map((layer) => ({
      ...serializeLayer(layer),
      name: layer.name,
      inbound_nodes: layer.inboundNodes
        .filter((node) => form.has(node) && node.inputs.length > 0)
        .map(call),
    })),
    input_layers: ends(form.inputs, lists.inputs),
    output_layers: ends(form.outputs, lists.outputs),
  };
}

function fail(where: string, what: string, expected: string, found: unknown): TsunoError {
  return new TsunoError('ARGUMENT', { where, what, expected, found: show(found) });
}

type LayerEntry = SerializedLayer & { name: string; inbound_nodes: unknown[] };

function entriesOf(where: string, config: Config): LayerEntry[] {
  const entries = config.layers;
  const isEntry = (entry: unknown): entry is LayerEntry =>
    typeof entry === 'object' &&
    entry !== null &&
    'class_name' in entry &&
    typeof (entry as { config?: unknown }).config === 'object';
  if (Array.isArray(entries) && entries.every(isEntry)) return entries;
  throw fail(where, 'layers', 'a list of {class_name, config}', entries);
}

/** The layers of a sequential network's config, and the shape it was built for. */
export function sequentialLayers(config: Config): {
  layers: Layer[];
  buildInputShape: PartialShape | undefined;
} {
  const where = `config of ${show(config.name)}`;
  const shape = config.build_input_shape;
  return {
    layers: entriesOf(where, config).map(layerFromConfig),
    buildInputShape: Array.isArray(shape) ? (shape as PartialShape) : undefined,
  };
}

/** A tensor named by a config. */
interface Reference {
  layer: string;
  node: number;
  tensor: number;
}

function referenceOf(where: string, key: unknown): Reference {
  if (Array.isArray(key) && typeof key[0] === 'string')
    return { layer: key[0], node: Number(key[1] ?? 0), tensor: Number(key[2] ?? 0) };
  throw fail(where, 'tensor', '[layer, call, output]', key);
}

/** The tensors that a call reads: one, or a list. */
function argumentsOf(where: string, entry: unknown): { many: boolean; read: Reference[] } {
  const args = (entry as { args?: unknown } | null)?.args;
  if (!Array.isArray(args) || args.length !== 1) {
    throw new TsunoError('UNSUPPORTED', {
      where,
      what: 'inbound node',
      expected: 'one argument, a tensor or a list of them, in the format of Keras 3',
      found: show(entry),
    });
  }
  const list: unknown[] = Array.isArray(args[0]) ? args[0] : [args[0]];
  const read = list.map((item) => {
    const config = (item as { config?: { keras_history?: unknown } } | null)?.config;
    return referenceOf(where, config?.keras_history);
  });
  return { many: Array.isArray(args[0]), read };
}

/**
 * Makes the layers of a functional network's config and calls them.
 *
 * @throws TsunoError `ARGUMENT` where calls cannot be resolved: a loop, or a layer that is missing; `UNSUPPORTED` for a
 * class that is not known.
 */
export function functionalParts(config: Config): {
  inputs: OneOrMany<SymbolicTensor>;
  outputs: OneOrMany<SymbolicTensor>;
  name: string | undefined;
  trainable: boolean;
} {
  const where = `config of ${show(config.name)}`;
  const entries = entriesOf(where, config);
  const made = new Map<string, Layer>();
  for (const entry of entries) {
    const name = entry.name ?? entry.config.name;
    if (typeof name !== 'string' || made.has(name))
      throw fail(where, 'names of layers', 'strings, each once', name);
    made.set(name, layerFromConfig(entry));
  }
  const find = ({ layer, node, tensor }: Reference): SymbolicTensor | undefined => {
    const source = made.get(layer);
    if (!source) throw fail(where, 'layer', `one of ${[...made.keys()].join(', ')}`, layer);
    return source.inboundNodes[node - firstCall(source)]?.outputs[tensor];
  };
  resolveCalls(where, entries, made, find);

  const ends = (what: string, given: unknown): OneOrMany<SymbolicTensor> => {
    const one = (key: unknown) => {
      const tensor = find(referenceOf(where, key));
      if (tensor) return tensor;
      throw fail(where, what, 'tensors of the layers', key);
    };
    if (!Array.isArray(given)) throw fail(where, what, 'a list', given);
    return typeof given[0] === 'string' ? one(given) : given.map(one);
  };
  return {
    inputs: ends('input_layers', config.input_layers),
    outputs: ends('output_layers', config.output_layers),
    name: typeof config.name === 'string' ? config.name : undefined,
    trainable: config.trainable !== false,
  };
}

/** Calls layers as soon as what they read exists, until all calls are made. */
function resolveCalls(
  where: string,
  entries: readonly LayerEntry[],
  made: ReadonlyMap<string, Layer>,
  find: (reference: Reference) => SymbolicTensor | undefined,
): void {
  let waiting = entries.map((entry) => {
    const layer = made.get(entry.name ?? (entry.config.name as string))!;
    return { layer, calls: [...(entry.inbound_nodes ?? [])] };
  });
  waiting = waiting.filter(
    ({ layer, calls }) => !(layer instanceof InputLayer) && calls.length > 0,
  );
  while (waiting.length > 0) {
    let progress = false;
    for (const { layer, calls } of waiting) {
      while (calls.length > 0) {
        const { many, read } = argumentsOf(layer.where, calls[0]);
        const tensors = read.map(find);
        if (tensors.includes(undefined)) break;
        const given = tensors as SymbolicTensor[];
        layer.outputsOf(many ? given : given[0]!, optionsOfCall(layer, calls[0]));
        calls.shift();
        progress = true;
      }
    }
    if (!progress) {
      const names = waiting.map(({ layer }) => layer.name).join(', ');
      throw fail(where, 'calls of layers', 'free of loops and missing inputs', names);
    }
    waiting = waiting.filter(({ calls }) => calls.length > 0);
  }
}

/** What a call of a file says of training, unless it says what Keras's layer takes for granted. */
function optionsOfCall(layer: Layer, entry: unknown): CallOptions {
  const training = (entry as { kwargs?: { training?: unknown } }).kwargs?.training;
  return typeof training === 'boolean' && training !== layer.trainingDefault ? { training } : {};
}

/** The place of a symbolic tensor as Keras counts it, for tables and files. */
export function placeOf(tensor: SymbolicTensor): { layer: string; node: number; tensor: number } {
  const { layer, node, tensor: index } = tensor.history;
  return { layer: layer.name, node: node + firstCall(layerOf(tensor.node)), tensor: index };
}
