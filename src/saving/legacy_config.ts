/**
 * @file Descriptions of models as Keras 2 wrote them, in the form that Keras 3 has for them: shapes of inputs, calls of
 * layers, and what a model was compiled with. Descriptions that have that form already stay as they are.
 */
import { TsunoError } from '../core/errors.ts';
import type { Config } from '../layers/serialized.ts';

function isPlain(value: unknown): value is Config {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function refuse(where: string, what: string): TsunoError {
  return new TsunoError('CONFIG', { where, what, expected: 'a description', found: 'another' });
}

/** The description of a model. */
export function modernConfig(config: unknown, where: string): Config {
  if (!isPlain(config) || !isPlain(config.config)) throw refuse(where, 'model_config');
  const { layers } = config.config;
  if (!Array.isArray(layers)) throw refuse(where, 'layers of model_config');
  const isOld = layers.some((layer) => isPlain(layer) && hasOldCalls(layer));
  const stacks = new Set(isOld ? layers.filter(isStack).map(({ config: { name } }) => name) : []);
  const ends = (list: unknown) => (Array.isArray(list) ? modernEnds(list, stacks) : list);
  return {
    ...config,
    config: {
      ...config.config,
      layers: layers.flatMap((layer) => modernLayer(layer, where, stacks)),
      ...(isOld ? { input_layers: ends(config.config.input_layers) } : {}),
      ...(isOld ? { output_layers: ends(config.config.output_layers) } : {}),
    },
  };
}

function hasOldCalls({ inbound_nodes: nodes }: Config): boolean {
  return Array.isArray(nodes) && nodes.some(Array.isArray);
}

function isStack(layer: unknown): layer is { config: Config } {
  return isPlain(layer) && layer.class_name === 'Sequential' && isPlain(layer.config);
}

/** Keras 2 numbered the calls of stacks of layers from 1, as those of functional models; Keras 3 begins at 0. */
function modernKey(key: readonly unknown[], stacks: ReadonlySet<unknown>): unknown[] {
  const [name, call, output] = key;
  return [name, stacks.has(name) && Number(call) > 0 ? Number(call) - 1 : call, output];
}

function modernEnds(list: readonly unknown[], stacks: ReadonlySet<unknown>): unknown[] {
  if (typeof list[0] === 'string') return modernKey(list, stacks);
  return list.map((key) => (Array.isArray(key) ? modernKey(key, stacks) : key));
}

/** Entries that say nothing about a layer here. */
const dropped = new Set(['batch_input_shape', 'sparse', 'ragged', 'optional']);

function modernLayer(layer: unknown, where: string, stacks: ReadonlySet<unknown>): Config[] {
  if (!isPlain(layer) || !isPlain(layer.config)) throw refuse(where, 'layer');
  const nested = 'layers' in layer.config ? modernConfig(layer, where) : layer;
  const config = nested.config as Config;
  const shape = config.batch_input_shape;
  const isInput = layer.class_name === 'InputLayer';
  const kept = Object.entries(config).filter(([name]) => !dropped.has(name));
  const modern: Config = {
    ...Object.fromEntries(kept),
    ...(isInput && shape !== undefined ? { batch_shape: shape } : {}),
    // One axis was a list of one.
    ...(Array.isArray(config.axis) && config.axis.length === 1 ? { axis: config.axis[0] } : {}),
  };
  const nodes = nested.inbound_nodes;
  const entry: Config = {
    ...nested,
    config: modern,
    ...(Array.isArray(nodes)
      ? { inbound_nodes: nodes.map((node) => modernNode(node, where, stacks)) }
      : {}),
  };
  // The first layer of a stack could say what it is given.
  const given = !isInput && shape !== undefined && !('layers' in config);
  if (!given || 'inbound_nodes' in layer) return [entry];
  const input = { batch_shape: shape, dtype: 'float32', name: `${String(config.name)}_input` };
  return [{ module: 'keras.layers', class_name: 'InputLayer', config: input }, entry];
}

/** A call: `[[layer, call, output, options], …]` in Keras 2. */
function modernNode(node: unknown, where: string, stacks: ReadonlySet<unknown>): unknown {
  if (!Array.isArray(node)) return node;
  const tensors = node.map((item) => {
    if (!Array.isArray(item) || typeof item[0] !== 'string') throw refuse(where, 'inbound node');
    const options: unknown = item[3];
    if (isPlain(options) && Object.keys(options).some((name) => name !== 'training')) {
      throw new TsunoError('UNSUPPORTED', {
        where,
        what: 'inbound node',
        expected: 'of tensors alone',
        found: `options ${Object.keys(options).join(', ')}`,
      });
    }
    return { class_name: '__keras_tensor__', config: { keras_history: modernKey(item, stacks) } };
  });
  return { args: tensors.length === 1 ? tensors : [tensors], kwargs: {} };
}

/** Options of optimizers that Keras 3 has no more. */
const gone = new Set(['jit_compile', 'is_legacy_optimizer', 'decay']);

/** What a model was compiled with. */
export function modernTraining(training: unknown, where: string): Config {
  if (!isPlain(training)) throw refuse(where, 'training_config');
  const { optimizer_config: optimizer, loss, metrics, ...rest } = training;
  if (!isPlain(optimizer) || !isPlain(optimizer.config)) throw refuse(where, 'optimizer_config');
  const kept = Object.entries(optimizer.config).filter(([name]) => !gone.has(name));
  return {
    ...rest,
    optimizer: {
      ...optimizer,
      // So were optimizers of Keras itself called for a while.
      class_name: String(optimizer.class_name).replace(/^Custom>/, ''),
      config: Object.fromEntries(kept),
    },
    loss: modernObject(loss),
    metrics: modernObject(metrics),
  };
}

/** Losses and metrics, in lists and by names; wrapped functions become their names. */
function modernObject(value: unknown): unknown {
  // Each output had a list of its own, also where there was one.
  if (Array.isArray(value)) {
    const only = value.length === 1 && Array.isArray(value[0]) ? value[0] : value;
    return only.map(modernObject);
  }
  if (!isPlain(value)) return value;
  const { class_name: name, config } = value;
  if (typeof name !== 'string' || !isPlain(config)) {
    const entries = Object.entries(value).map(([key, item]) => [key, modernObject(item)]);
    return Object.fromEntries(entries);
  }
  if (name.endsWith('MetricWrapper') && typeof config.fn === 'string') return config.fn;
  const kept = Object.entries(config).filter(([key]) => key !== 'fn');
  const modern = Object.fromEntries(kept);
  if (modern.reduction === 'auto') modern.reduction = 'sum_over_batch_size';
  return { ...value, config: modern };
}
