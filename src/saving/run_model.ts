/**
 * @file What of a model makes a run what it is, as texts by name, so that two can be compared: each entry of each layer's
 * config, types and shapes of weights, how layers are connected, optimizer, losses and metrics. Names of layers do not
 * count: the same program may number them differently.
 */
import type { Layer } from '../layers/layer.ts';
import type { Configuration } from '../train/run_state.ts';
import { compileConfig, type SavableModel } from './model_config.ts';

/** Entries of configs that are no part of what is computed, or said elsewhere. */
const left = new Set(['name', 'layers', 'input_layers', 'output_layers', 'build_input_shape']);

/**
 * The description of a model and what it was compiled with.
 *
 * @example
 * ```ts no-run
 * runModel(model)['layer 3, Dropout, rate']; // '0.25'
 * ```
 */
export function runModel(model: SavableModel): Configuration {
  const entries: [string, string][] = [];
  const labels = new Map<string, string>();
  const visit = (layer: Layer) => {
    const label = `layer ${labels.size}, ${layer.className}`;
    labels.set(layer.name, label);
    const config = layer.config();
    for (const [name, value] of Object.entries(config))
      if (!left.has(name)) entries.push([`${label}, ${name}`, JSON.stringify(value)]);
    const inner = new Set(layer.sublayers.flatMap(({ weights }) => weights));
    for (const { name, dtype, shape } of layer.weights.filter((weight) => !inner.has(weight)))
      entries.push([`${label}, ${name}`, `${dtype} [${shape.join()}]`]);
    for (const sublayer of layer.sublayers) if (!labels.has(sublayer.name)) visit(sublayer);
    const calls = connections(config, labels);
    if (calls) entries.push([`${label}, connections`, calls]);
  };
  visit(model);
  return Object.fromEntries([...entries, ...compiledWith(model)]);
}

/** Who reads whom in a functional network. */
function connections(
  config: Readonly<Record<string, unknown>>,
  labels: ReadonlyMap<string, string>,
): string | undefined {
  if (!('input_layers' in config)) return undefined;
  const layers = config.layers as readonly { inbound_nodes?: unknown }[];
  const calls = layers.map(({ inbound_nodes: nodes }) => nodes);
  return JSON.stringify([calls, config.input_layers, config.output_layers], (_, value) =>
    typeof value === 'string' ? (labels.get(value) ?? value) : value,
  );
}

function compiledWith(model: SavableModel): [string, string][] {
  const { compiled } = model;
  if (!compiled) return [];
  const { optimizer, loss, loss_weights, metrics, weighted_metrics } = compileConfig(compiled);
  const { class_name, config } = optimizer as { class_name: string; config: object };
  // The rate changes as the run goes on.
  const { learning_rate: rate, ...rest } = config as Record<string, unknown>;
  const schedule = typeof rate === 'number' ? {} : { learning_rate: rate };
  const settings = Object.entries({ ...rest, ...schedule }).filter(([name]) => name !== 'name');
  // Names are numbered by how many there were before in the program.
  const text = (value: unknown) =>
    JSON.stringify(value, (key, item) =>
      key === 'name' && typeof item === 'string' ? item.replace(/_\d+$/, '') : item,
    );
  return [
    ['optimizer', class_name],
    ...settings.map(([name, value]): [string, string] => [`optimizer, ${name}`, text(value)]),
    ['loss', text(loss)],
    ['loss weights', text(loss_weights)],
    ['metrics', text(metrics)],
    ['weighted metrics', text(weighted_metrics)],
  ];
}
