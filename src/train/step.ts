/**
 * @file The graphs of a step. Each gathers its batch by row number from data that lies in the engine, so that a run of many
 * steps needs nothing from the host.
 *
 * - train: forward, loss, gradients, guard, optimizer, all means
 * - test: forward without training, loss, all means
 * - predict: forward without training
 */

import type { DType } from '../core/dtype.ts';
import { internal, TsunoError } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import { gradients } from '../grad/gradients.ts';
import { Graph, type Value } from '../ir/graph.ts';
import { Trace, tracing } from '../layers/trace.ts';
import { Variable } from '../layers/variable.ts';
import { gatherRows, input, intAdd, read } from '../ops/index.ts';
import { forwardPasses, runPasses } from '../passes/index.ts';
import type { Network } from '../topology/network.ts';
import type { Columns } from './batches.ts';
import type { Compiled } from './compiled.ts';
import { guard } from './health.ts';

/** Where random numbers of training come from: the run's seed, and the number of steps taken since it was set. */
export class Randomness {
  readonly seed: Variable<'int32'>;
  readonly step: Variable<'int32'>;

  /** @param seed that of another, to share it. */
  constructor(seed?: Variable<'int32'>) {
    const fixed = { shape: [], dtype: 'int32', trainable: false } as const;
    this.seed = seed ?? new Variable({ name: 'seed', ...fixed });
    this.step = new Variable({ name: 'step', ...fixed });
  }
}

/** Names of a step's inputs. */
export const inputNames = {
  rows: 'rows',
  x: (i: number) => `x${i}`,
  y: (i: number) => `y${i}`,
  weight: (i: number) => `sample_weight${i}`,
  prediction: (i: number) => `prediction${i}`,
} as const;

interface ColumnType {
  dtype: DType;
  shape: readonly number[];
}

/** Types of columns, which with the batch make a program. */
export interface StepTypes {
  batch: number;
  x: readonly ColumnType[];
  y: readonly ColumnType[];
  /** Which weightings there are; see {@link Columns.sampleWeights}. */
  weighted: readonly boolean[];
}

export function typesOf({ x, y, sampleWeights }: Columns, batch: number): StepTypes {
  const type = ({ dtype, shape }: Tensor): ColumnType => ({ dtype, shape: shape.slice(1) });
  return { batch, x: x.map(type), y: y.map(type), weighted: sampleWeights.map(Boolean) };
}

interface Batch {
  x: Value[];
  y: Value[];
  sampleWeights: (Value | undefined)[];
}

/** The values of a batch. Inputs say one row: how many there are is no part of the program. */
function gatherBatch(graph: Graph, types: StepTypes): Batch {
  const rows = input(graph, inputNames.rows, [types.batch], 'int32');
  const gather = (name: string, { dtype, shape }: ColumnType) =>
    gatherRows(input(graph, name, [1, ...shape], dtype), rows);
  return {
    x: types.x.map((type, i) => gather(inputNames.x(i), type)),
    y: types.y.map((type, i) => gather(inputNames.y(i), type)),
    sampleWeights: types.weighted.map((given, i) =>
      given ? gather(inputNames.weight(i), { dtype: 'float32', shape: [] }) : undefined,
    ),
  };
}

const lossName = 'loss';

/** Forward and loss, with the means noted; the loss, if any, is the result `loss`. */
function forward(
  network: Network,
  compiled: Compiled,
  types: StepTypes,
  training: boolean,
  randomness: Randomness,
): Graph {
  const graph = new Graph();
  const batch = gatherBatch(graph, types);
  const random = { seed: read(graph, randomness.seed), step: read(graph, randomness.step) };
  const trace = new Trace(graph, training, random);
  tracing(trace, () => {
    const yPred = network.trace(batch.x);
    const { y: yTrue, sampleWeights } = batch;
    const loss = compiled.build(graph, { yTrue, yPred, sampleWeights, added: trace.losses });
    if (loss) graph.outputs.set(lossName, loss);
  });
  return graph;
}

export interface TrainStep {
  graph: Graph;
  /** Variables in the order of the health result, behind the loss. */
  checked: readonly Variable[];
}

/** Sees a graph on its way: as traced, after each pass before differentiation, and with the update. */
export type Watch = (stage: string, graph: Graph) => void;

/** @throws TsunoError `STATE` where there is no loss or nothing to train. */
export function trainStep(
  network: Network,
  compiled: Compiled,
  types: StepTypes,
  randomness: Randomness,
  watch?: Watch,
): TrainStep {
  const traced = forward(network, compiled, types, true, randomness);
  watch?.('traced', traced);
  const fail = (what: string, expected: string, found: string) =>
    new TsunoError('STATE', { where: `fit "${network.name}"`, what, expected, found });
  if (!traced.outputs.has(lossName)) throw fail('loss', 'given to compile', 'none');
  const graph = runPasses(traced, forwardPasses, watch);
  const loss = graph.outputs.get(lossName)!;
  graph.outputs.delete(lossName);
  const { optimizer } = compiled;
  const variables = network.trainableWeights;
  const values = variables.map((variable) => graph.variables.get(variable));
  const found = gradients(
    optimizer.scaleLoss(loss),
    values.filter((value) => value !== undefined),
  );
  const pairs = variables
    .filter((_, i) => values[i])
    .flatMap((variable, i) => (found[i] ? [{ variable, gradient: found[i] }] : []));
  if (pairs.length === 0)
    throw fail('trainable weights', 'must influence the loss', 'none that do');
  optimizer.build(variables);
  optimizer.update(graph, pairs);
  guard(
    graph,
    loss,
    pairs.map(({ gradient }) => gradient),
  );
  graph.updates.set(randomness.step, intAdd(read(graph, randomness.step), 1));
  watch?.('differentiated', graph);
  return { graph, checked: pairs.map(({ variable }) => variable) };
}

export function testStep(
  network: Network,
  compiled: Compiled,
  types: StepTypes,
  randomness: Randomness,
): Graph {
  const graph = forward(network, compiled, types, false, randomness);
  graph.outputs.delete(lossName);
  if (graph.updates.size === 0) throw internal('nothing to evaluate');
  return runPasses(graph, forwardPasses);
}

/**
 * The results are `prediction0`, `prediction1`, … Only layers called with `training: true` draw random numbers; then the
 * step counts, so that each batch draws others.
 */
export function predictStep(
  network: Network,
  types: StepTypes,
  randomness: Randomness,
  watch?: Watch,
): Graph {
  const graph = new Graph();
  const { x } = gatherBatch(graph, { ...types, y: [], weighted: [] });
  const random = { seed: read(graph, randomness.seed), step: read(graph, randomness.step) };
  tracing(new Trace(graph, false, random), () => {
    network.trace(x).forEach((value, i) => {
      graph.outputs.set(inputNames.prediction(i), value);
    });
  });
  const draws = graph.nodes.some(({ inputs }) => inputs.includes(random.step));
  if (draws) graph.updates.set(randomness.step, intAdd(random.step, 1));
  watch?.('traced', graph);
  return runPasses(graph, forwardPasses, watch);
}
