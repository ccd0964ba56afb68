/**
 * @file Whole models against Keras: each is made from Keras's config, takes five steps on the reference backend, and must
 * have Keras's losses, metrics and weights.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evaluate } from '../../src/backends/reference/evaluate.ts';
import { type Shape, sizeOf } from '../../src/core/shape.ts';
import type { Tensor } from '../../src/core/tensor.ts';
import { gradients } from '../../src/grad/gradients.ts';
import { Graph, type VariableRef } from '../../src/ir/graph.ts';
import { Trace, tracing } from '../../src/layers/trace.ts';
import type { Variable } from '../../src/layers/variable.ts';
import { add, input, scalar } from '../../src/ops/index.ts';
import { Network } from '../../src/topology/network.ts';
import * as losses from '../../src/train/losses/index.ts';
import * as metrics from '../../src/train/metrics/index.ts';
import * as optimizers from '../../src/train/optimizers/index.ts';
import { type TrainingCase, trainingCases } from '../support/keras_cases.ts';

/** A model in training, its variables in float64. */
class Run {
  private readonly network: Network;
  private readonly loss: losses.Loss;
  private readonly optimizer: optimizers.Optimizer;
  private readonly lossMean = new metrics.Mean({ name: 'loss' });
  private metrics: metrics.Metric[] | undefined;
  private readonly values = new Map<VariableRef, ArrayLike<number>>();
  private readonly largestGradients = new Map<VariableRef, number>();
  private readonly given: TrainingCase;

  constructor(given: TrainingCase) {
    this.given = given;
    this.network = Network.fromConfig(given.model.config) as Network;
    this.network.setWeights(given.weights.map(({ before }) => before));
    this.loss = losses.get(given.compile.loss as losses.LossIdentifier);
    this.optimizer = optimizers.get(given.compile.optimizer as optimizers.OptimizerIdentifier);
    this.optimizer.build(this.network.trainableWeights);
  }

  get weights(): ArrayLike<number>[] {
    return this.network.weights.map(this.read);
  }

  private readonly read = (variable: VariableRef) =>
    this.values.get(variable) ?? (variable as Variable).data;

  private metricsFor(yTrue: Tensor, shape: Shape): metrics.Metric[] {
    this.metrics ??= this.given.compile.metrics.map((which) =>
      metrics.get(which as metrics.MetricIdentifier, {
        yTrue,
        yPred: { shape, dtype: 'float32' },
      }),
    );
    return this.metrics;
  }

  step(x: Tensor, y: Tensor, weights: ArrayLike<number> | undefined): void {
    const graph = new Graph();
    const trace = new Trace(graph, true);
    const yTrue = input(graph, 'y', y.shape, y.dtype);
    const weight = weights ? input(graph, 'weight', [weights.length]) : undefined;
    const [yPred] = tracing(trace, () => this.network.trace([input(graph, 'x', x.shape)]));
    const loss = trace.losses.reduce(add, this.loss.call(yTrue, yPred!, weight));
    this.lossMean.add(graph, loss, scalar(loss, x.length));
    for (const metric of this.metricsFor(y, yPred!.shape)) metric.update(graph, yTrue, yPred!);
    const weightsRead = this.network.trainableWeights;
    const found = gradients(
      this.optimizer.scaleLoss(loss),
      weightsRead.map((variable) => trace.read(variable)),
    );
    const pairs = weightsRead.flatMap((variable, i) => {
      const gradient = found[i];
      return gradient ? [{ variable, gradient }] : [];
    });
    this.optimizer.update(graph, pairs);
    const inputs = { x: x.data, y: y.data, ...(weights ? { weight: weights } : {}) };
    const { updates, find } = evaluate(graph, inputs, this.read);
    for (const [variable, { data }] of updates) this.values.set(variable, data);
    for (const { variable, gradient } of pairs) {
      const largest = find(gradient).data.reduce((top, g) => Math.max(top, Math.abs(g)), 0);
      this.largestGradients.set(
        variable,
        Math.max(largest, this.largestGradients.get(variable) ?? 0),
      );
    }
  }

  /**
   * Weights whose gradient is 0 but for rounding, as that of a bias before a batch normalization. Optimizers that divide
   * by the gradient's size make steps of the rounding errors: within their rate, any is right.
   */
  get undetermined(): Set<number> {
    const largest = this.network.weights.map((weight) => this.largestGradients.get(weight));
    const top = Math.max(...largest.map((size) => size ?? 0));
    return new Set(
      largest.flatMap((size, i) => (size !== undefined && size < 1e-7 * top ? [i] : [])),
    );
  }

  /** How far the steps can carry a weight whose gradient is rounding errors. */
  get reach(): number {
    return this.given.steps.length * this.optimizer.learningRate;
  }

  take(i: number, value: Tensor): void {
    this.values.set(this.network.weights[i]!, value.data);
  }

  /** Of metrics, which compute from their host variables. */
  logs(): Record<string, metrics.MetricResult> {
    const all = [this.lossMean, ...(this.metrics ?? [])];
    for (const { variables } of all)
      for (const variable of variables) variable.assign(this.read(variable));
    return Object.fromEntries(all.map((metric) => [metric.name, metric.result()]));
  }

  /** As Keras does before each batch of its own. */
  reset(): void {
    for (const metric of [this.lossMean, ...(this.metrics ?? [])]) {
      metric.reset();
      for (const variable of metric.variables) this.values.delete(variable);
    }
  }

  predict(x: Tensor): ArrayLike<number> {
    const graph = new Graph();
    const trace = new Trace(graph, false);
    const [output] = tracing(trace, () => this.network.trace([input(graph, 'x', x.shape)]));
    graph.outputs.set('y', output!);
    return evaluate(graph, { x: x.data }, this.read).outputs.get('y')!.data;
  }
}

/** Weights of samples: as given, or by their class. */
function sampleWeights(given: TrainingCase, step: number): ArrayLike<number> | undefined {
  const { y, sampleWeight } = given.steps[step]!;
  if (sampleWeight) return sampleWeight.data;
  const { classWeight } = given;
  if (!classWeight) return undefined;
  const classes = y.rank === 1 ? Array.from(y.data) : y.argMax();
  return classes.map((label) => classWeight.get(label) ?? 1);
}

/** Largest difference, over the largest number of the array or 1. */
function distance(found: ArrayLike<number>, expected: Tensor): number {
  assert.equal(found.length, sizeOf(expected.shape));
  let [largest, scale] = [0, 1];
  expected.data.forEach((value, i) => {
    largest = Math.max(largest, Math.abs(found[i]! - value));
    scale = Math.max(scale, Math.abs(value));
  });
  return largest / scale;
}

for (const given of trainingCases()) {
  const { name, compile } = given;
  const loss = typeof compile.loss === 'string' ? compile.loss : compile.loss.class_name;
  test(`${name}: ${compile.optimizer.class_name}, ${loss}`, () => {
    const run = new Run(given);
    given.steps.forEach(({ x, y, logs }, i) => {
      run.reset();
      run.step(x, y, sampleWeights(given, i));
      const found = run.logs();
      assert.deepEqual(Object.keys(found).sort(), Object.keys(logs).sort());
      for (const [key, value] of Object.entries(logs)) {
        const error = Math.abs((found[key] as number) - value) / Math.max(1, Math.abs(value));
        assert.ok(error < 1e-4, `step ${i}: ${key} is ${found[key]}, Keras has ${value}`);
      }
    });
    const { undetermined } = run;
    run.weights.forEach((values, i) => {
      const { path, after } = given.weights[i]!;
      const error = distance(values, after);
      const tolerance = undetermined.has(i) ? run.reach : 2e-4;
      assert.ok(error < tolerance, `${path} differs by ${error.toExponential(1)}`);
      if (undetermined.has(i)) run.take(i, after);
    });
    const error = distance(run.predict(given.steps[0]!.x), given.predict);
    assert.ok(error < 5e-4, `predictions differ by ${error.toExponential(1)}`);
  });
}
