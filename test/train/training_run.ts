/**
 * @file A training case of Keras as steps on a backend: the model from Keras's config with Keras's weights, its loss,
 * metrics and optimizer, and how far all of it may be from what Keras had after each step.
 */
import assert from 'node:assert/strict';
import { evaluate } from '../../src/backends/reference/evaluate.ts';
import { type Shape, sizeOf } from '../../src/core/shape.ts';
import type { Tensor } from '../../src/core/tensor.ts';
import { gradients } from '../../src/grad/gradients.ts';
import { Graph, type VariableRef } from '../../src/ir/graph.ts';
import { Trace, tracing } from '../../src/layers/trace.ts';
import { Variable } from '../../src/layers/variable.ts';
import { add, input, read, scalar } from '../../src/ops/index.ts';
import { type Pass, runPasses } from '../../src/passes/index.ts';
import { Network } from '../../src/topology/network.ts';
import * as losses from '../../src/train/losses/index.ts';
import * as metrics from '../../src/train/metrics/index.ts';
import * as optimizers from '../../src/train/optimizers/index.ts';
import type { TrainingCase } from '../support/keras_cases.ts';

export type Inputs = Readonly<Record<string, ArrayLike<number>>>;
export type Outputs = ReadonlyMap<string, ArrayLike<number>>;

/** What runs a graph, and keeps the variables from run to run. */
export interface StepBackend {
  /** Done before differentiation. */
  readonly passes: readonly Pass[];
  /** Runs `graph`, the same one again and again; variables that it updates change. */
  run(graph: Graph, inputs: Inputs): Outputs | Promise<Outputs>;
  read(variable: Variable): ArrayLike<number>;
  assign(variable: Variable, values: ArrayLike<number>): void;
}

/** The float64 evaluator; variables keep all their digits. */
export function referenceSteps(): StepBackend {
  const values = new Map<VariableRef, ArrayLike<number>>();
  const readNow = (variable: VariableRef) => values.get(variable) ?? (variable as Variable).data;
  return {
    passes: [],
    run(graph, inputs) {
      const { outputs, updates } = evaluate(graph, inputs, readNow);
      for (const [variable, { data }] of updates) values.set(variable, data);
      return new Map([...outputs].map(([name, { data }]) => [name, data]));
    },
    read: readNow,
    assign: (variable, data) => void values.set(variable, data),
  };
}

interface Step {
  graph: Graph;
  /** Weights whose gradients are the results `gradient0`, … */
  trained: readonly Variable[];
}

/** A model in training. */
export class TrainingRun {
  private readonly network: Network;
  private readonly loss: losses.Loss;
  private readonly optimizer: optimizers.Optimizer;
  private readonly lossMean = new metrics.Mean({ name: 'loss' });
  private metrics: metrics.Metric[] | undefined;
  private readonly seed = new Variable({ name: 'seed', shape: [], dtype: 'int32' });
  private readonly steps = new Map<string, Step>();
  private readonly largestGradients = new Map<Variable, number>();
  private readonly given: TrainingCase;
  private readonly backend: StepBackend;

  constructor(given: TrainingCase, backend: StepBackend) {
    this.given = given;
    this.backend = backend;
    this.network = Network.fromConfig(given.model.config) as Network;
    this.network.setWeights(given.weights.map(({ before }) => before));
    this.loss = losses.get(given.compile.loss as losses.LossIdentifier);
    this.optimizer = optimizers.get(given.compile.optimizer as optimizers.OptimizerIdentifier);
    this.optimizer.build(this.network.trainableWeights);
  }

  private metricsFor(yTrue: Tensor, shape: Shape): metrics.Metric[] {
    this.metrics ??= this.given.compile.metrics.map((which) =>
      metrics.get(which as metrics.MetricIdentifier, {
        yTrue,
        yPred: { shape, dtype: 'float32' },
      }),
    );
    return this.metrics;
  }

  /** The step for batches like this one: forward, loss, metrics, gradients, optimizer. */
  private stepFor(x: Tensor, y: Tensor, weighted: boolean): Step {
    const key = JSON.stringify([x.shape, y.shape, weighted]);
    const known = this.steps.get(key) ?? this.makeStep(x, y, weighted);
    this.steps.set(key, known);
    return known;
  }

  private makeStep(x: Tensor, y: Tensor, weighted: boolean): Step {
    const traced = new Graph();
    const seed = read(traced, this.seed);
    const trace = new Trace(traced, true, { seed, step: seed });
    const yTrue = input(traced, 'y', y.shape, y.dtype);
    const weight = weighted ? input(traced, 'weight', [x.length]) : undefined;
    const images = input(traced, 'x', x.shape, x.dtype);
    const [yPred] = tracing(trace, () => this.network.trace([images]));
    const loss = trace.losses.reduce(add, this.loss.call(yTrue, yPred!, weight));
    this.lossMean.add(traced, loss, scalar(loss, x.length));
    for (const metric of this.metricsFor(y, yPred!.shape)) metric.update(traced, yTrue, yPred!);
    traced.outputs.set('loss', loss);
    const graph = runPasses(traced, this.backend.passes);
    const trainable = this.network.trainableWeights;
    const found = gradients(
      this.optimizer.scaleLoss(graph.outputs.get('loss')!),
      trainable.map((variable) => read(graph, variable)),
    );
    const pairs = trainable.flatMap((variable, i) => {
      const gradient = found[i];
      return gradient ? [{ variable, gradient }] : [];
    });
    pairs.forEach(({ gradient }, i) => {
      graph.outputs.set(`gradient${i}`, gradient);
    });
    this.optimizer.update(graph, pairs);
    return { graph, trained: pairs.map(({ variable }) => variable) };
  }

  async step(x: Tensor, y: Tensor, weights: ArrayLike<number> | undefined): Promise<void> {
    const { graph, trained } = this.stepFor(x, y, weights !== undefined);
    const inputs = { x: x.data, y: y.data, ...(weights ? { weight: weights } : {}) };
    const outputs = await this.backend.run(graph, inputs);
    trained.forEach((variable, i) => {
      const gradient = Array.from(outputs.get(`gradient${i}`)!);
      const largest = gradient.reduce((top, g) => Math.max(top, Math.abs(g)), 0);
      const before = this.largestGradients.get(variable) ?? 0;
      this.largestGradients.set(variable, Math.max(largest, before));
    });
  }

  get weights(): ArrayLike<number>[] {
    return this.network.weights.map((weight) => this.backend.read(weight));
  }

  /**
   * Weights whose gradient is 0 but for rounding, as that of a bias before a batch normalization: below `rounding` times
   * the largest gradient of all. Optimizers that divide by the gradient's size make steps of the rounding errors: within
   * their rate, any is right.
   */
  undetermined(rounding: number): Set<number> {
    const largest = this.network.weights.map((weight) => this.largestGradients.get(weight));
    const top = Math.max(...largest.map((size) => size ?? 0));
    return new Set(
      largest.flatMap((size, i) => (size !== undefined && size < rounding * top ? [i] : [])),
    );
  }

  /** How far the steps can carry a weight whose gradient is rounding errors. */
  get reach(): number {
    return this.given.steps.length * this.optimizer.learningRate;
  }

  take(i: number, value: Tensor): void {
    this.backend.assign(this.network.weights[i]!, value.data);
  }

  private get means(): metrics.Metric[] {
    return [this.lossMean, ...(this.metrics ?? [])];
  }

  /** Of metrics, which compute from their host variables. */
  logs(): Record<string, metrics.MetricResult> {
    for (const { variables } of this.means)
      for (const variable of variables) variable.assign(this.backend.read(variable));
    return Object.fromEntries(this.means.map((metric) => [metric.name, metric.result()]));
  }

  /** As Keras does before each batch of its own. */
  reset(): void {
    for (const metric of this.means) {
      metric.reset();
      for (const variable of metric.variables) this.backend.assign(variable, variable.data);
    }
  }

  async predict(x: Tensor): Promise<ArrayLike<number>> {
    const graph = new Graph();
    const images = input(graph, 'x', x.shape, x.dtype);
    const [output] = tracing(new Trace(graph, false), () => this.network.trace([images]));
    graph.outputs.set('y', output!);
    return (await this.backend.run(graph, { x: x.data })).get('y')!;
  }
}

/** Weights of samples: as given, or by their class. */
export function sampleWeights(given: TrainingCase, step: number): ArrayLike<number> | undefined {
  const { y, sampleWeight } = given.steps[step]!;
  if (sampleWeight) return sampleWeight.data;
  const { classWeight } = given;
  if (!classWeight) return undefined;
  const classes = y.rank === 1 ? Array.from(y.data) : y.argMax();
  return classes.map((label) => classWeight.get(label) ?? 1);
}

/** Largest difference, over the largest number of the array or 1. */
export function distance(found: ArrayLike<number>, expected: Tensor): number {
  assert.equal(found.length, sizeOf(expected.shape));
  let [largest, scale] = [0, 1];
  expected.data.forEach((value, i) => {
    largest = Math.max(largest, Math.abs(found[i]! - value));
    scale = Math.max(scale, Math.abs(value));
  });
  return largest / scale;
}

/** What a test of a case is called: its name, optimizer and loss. */
export function titleOf({ name, compile }: TrainingCase): string {
  const loss = typeof compile.loss === 'string' ? compile.loss : compile.loss.class_name;
  return `${name}: ${compile.optimizer.class_name}, ${loss}`;
}

/** How near a run must come to Keras's. */
export interface TrainingTolerance {
  logs: number;
  weights: number;
  predictions: number;
  /** See {@link TrainingRun.undetermined}. */
  rounding: number;
}

/** @throws AssertionError where logs of a step differ from Keras's. */
export function assertLogs(
  step: number,
  found: Readonly<Record<string, unknown>>,
  expected: Readonly<Record<string, number>>,
  tolerance: number,
): void {
  assert.deepEqual(Object.keys(found).sort(), Object.keys(expected).sort());
  for (const [key, value] of Object.entries(expected)) {
    const error = Math.abs((found[key] as number) - value) / Math.max(1, Math.abs(value));
    assert.ok(error < tolerance, `step ${step}: ${key} is ${found[key]}, Keras has ${value}`);
  }
}

/**
 * Takes the steps of the case.
 *
 * @returns which weights are undetermined, see {@link TrainingRun.undetermined}.
 * @throws AssertionError where logs, weights or predictions differ from Keras's.
 */
export async function runTrainingCase(
  given: TrainingCase,
  backend: StepBackend,
  tolerance: TrainingTolerance,
): Promise<Set<number>> {
  const run = new TrainingRun(given, backend);
  for (const [i, { x, y, logs }] of given.steps.entries()) {
    run.reset();
    await run.step(x, y, sampleWeights(given, i));
    assertLogs(i, run.logs(), logs, tolerance.logs);
  }
  const undetermined = run.undetermined(tolerance.rounding);
  run.weights.forEach((values, i) => {
    const { path, after } = given.weights[i]!;
    const error = distance(values, after);
    const allowed = undetermined.has(i) ? run.reach : tolerance.weights;
    assert.ok(error < allowed, `${path} differs by ${error.toExponential(1)}`);
    if (undetermined.has(i)) run.take(i, after);
  });
  const error = distance(await run.predict(given.steps[0]!.x), given.predict);
  assert.ok(error < tolerance.predictions, `predictions differ by ${error.toExponential(1)}`);
  return undetermined;
}
