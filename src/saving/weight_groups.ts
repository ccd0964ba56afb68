/**
 * @file Where each variable of a model lies in Keras's files of weights: layers by class and order, not by name, so that
 * files fit models whose layers were numbered differently.
 */
import { snakeCase } from '../core/names.ts';
import { Layer } from '../layers/layer.ts';
import type { Variable } from '../layers/variable.ts';
import type { Network } from '../topology/network.ts';

/** The variables that belong to one object. */
export interface WeightGroup {
  /** `layers/conv2d_1`; empty for the model itself. */
  readonly path: string;
  /** The object's own name, which files note. */
  readonly name: string;
  /** How errors name the object. */
  readonly where: string;
  /** Weights, those that train first; without those of layers inside. */
  readonly variables: readonly Variable[];
}

/**
 * A group for every layer of a network, at any depth, with the network's own first; a layer that is there twice has one.
 *
 * @example
 * ```ts no-run
 * weightGroups(model).map(({ path }) => path); // ['', 'layers/input_layer', 'layers/conv2d', …]
 * ```
 */
export function weightGroups(network: Network): WeightGroup[] {
  const groups: WeightGroup[] = [];
  visit(network, '', groups, new Set());
  return groups;
}

function visit(layer: Layer, path: string, groups: WeightGroup[], seen: Set<Layer>): void {
  if (seen.has(layer)) return;
  seen.add(layer);
  const inner = new Set(layer.sublayers.flatMap(({ weights }) => weights));
  const variables = layer.weights.filter((weight) => !inner.has(weight));
  groups.push({ path, name: layer.name, where: layer.where, variables });
  for (const [name, child] of members(layer)) {
    const below = path === '' ? name : `${path}/${name}`;
    if (child instanceof Layer) visit(child, below, groups, seen);
    else visitAll(child, below, groups, seen);
  }
}

/** Layers of a list by class: `dense`, `dense_1`, …; lists inside it as `container`. */
function visitAll(
  list: readonly unknown[],
  path: string,
  groups: WeightGroup[],
  seen: Set<Layer>,
): void {
  const used = new Map<string, number>();
  for (const item of list) {
    const inner = item instanceof Layer ? undefined : listOf(item);
    if (!(item instanceof Layer) && !inner) continue;
    const base = item instanceof Layer ? snakeCase(item.className) : 'container';
    const count = used.get(base) ?? 0;
    used.set(base, count + 1);
    const below = `${path}/${count === 0 ? base : `${base}_${count}`}`;
    if (item instanceof Layer) visit(item, below, groups, seen);
    else visitAll(inner!, below, groups, seen);
  }
}

/** What a layer holds: the layers of a network with a form, else properties under Keras's spelling, in its order. */
function members(layer: Layer): [string, Layer | readonly unknown[]][] {
  if ('kind' in layer && (layer as Network).kind !== 'subclass')
    return [['layers', (layer as Network).layers]];
  return Object.entries(layer)
    .flatMap(([name, value]): [string, Layer | readonly unknown[]][] => {
      const held = value instanceof Layer ? value : listOf(value);
      return held ? [[underscored(name), held]] : [];
    })
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}

function listOf(value: unknown): readonly unknown[] | undefined {
  if (Array.isArray(value)) return value;
  const isPlain = value && Object.getPrototypeOf(value) === Object.prototype;
  return isPlain ? Object.values(value) : undefined;
}

/** `convA` → `conv_a`, as the property would be called in Python; private ones sort last there. */
function underscored(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase();
}
