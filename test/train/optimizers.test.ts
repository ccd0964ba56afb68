/** @file Each optimizer against Keras: weights and every variable after each of five steps; the options all share. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { evaluate } from '../../src/backends/reference/evaluate.ts';
import { clearNames } from '../../src/core/names.ts';
import { Graph, type VariableRef } from '../../src/ir/graph.ts';
import type { Serialized } from '../../src/layers/serialized.ts';
import { Variable } from '../../src/layers/variable.ts';
import { input, maximum } from '../../src/ops/index.ts';
import * as optimizers from '../../src/train/optimizers/index.ts';
import { PiecewiseConstantDecay } from '../../src/train/schedules/index.ts';
import { expectNear, kerasParts } from '../support/keras_parts.ts';

interface Step {
  gradients: number[][];
  weights: number[][];
  variables: number[][];
}

interface OptimizerCase {
  optimizer: Serialized;
  variables: { path: string; shape: number[]; initial: number[] }[];
  weights: { shape: number[]; initial: number[] }[];
  steps: Step[];
  final: number[][];
}

const cases = kerasParts<OptimizerCase>('optimizers');

/** Variables in float64, so that five steps differ from Keras's by its rounding alone. */
class Values {
  private readonly known = new Map<VariableRef, ArrayLike<number>>();
  of = (variable: VariableRef) => this.known.get(variable) ?? (variable as Variable).data;

  step(graph: Graph, inputs: Record<string, number[]>): void {
    for (const [variable, value] of evaluate(graph, inputs, this.of).updates)
      this.known.set(variable, value.data);
  }
}

function weight(name: string, shape: number[], initial: number[], nonNegative = false): Variable {
  return new Variable({
    name,
    shape,
    initial: Float32Array.from(initial),
    constraint: nonNegative ? (value) => maximum(value, 0) : undefined,
  }) as unknown as Variable;
}

/** The graph of a step with gradients for inputs, `g0`, `g1`, … */
function stepGraph(optimizer: optimizers.Optimizer, weights: readonly Variable[]): Graph {
  const graph = new Graph();
  const pairs = weights.map((variable, i) => ({
    variable,
    gradient: input(graph, `g${i}`, variable.shape),
  }));
  optimizer.update(graph, pairs);
  return graph;
}

const named = (gradients: number[][]) =>
  Object.fromEntries(gradients.map((gradient, i) => [`g${i}`, gradient]));

describe('as Keras', () => {
  cases.forEach((given, number) => {
    const { class_name, config } = given.optimizer;
    test(`${number} ${class_name} ${JSON.stringify(config)}`, () => {
      const optimizer = optimizers.get(given.optimizer);
      const weights = given.weights.map(({ shape, initial }, i) =>
        weight(`weight_${i}`, shape, initial, i === 1),
      );
      optimizer.build(weights);
      assert.deepEqual(
        optimizer.variables.map(({ shape }) => shape),
        given.variables.map(({ shape }) => shape),
      );
      optimizer.variables.forEach((variable, i) => {
        const { path, initial } = given.variables[i]!;
        expectNear(`initial ${path}`, variable.data, initial);
        // Keras calls a few by no name of their own.
        if (path.includes('/')) assert.equal(variable.path, path);
      });
      const values = new Values();
      // On TensorFlow Keras's old weights are a view of the new ones from the second step on; a test of its own follows.
      const steps = class_name === 'ScheduleFreeAdamW' ? given.steps.slice(0, 1) : given.steps;
      steps.forEach(({ gradients, weights: expected, variables }, step) => {
        values.step(stepGraph(optimizer, weights), named(gradients));
        weights.forEach((variable, i) => {
          expectNear(`step ${step} ${variable.path}`, values.of(variable), expected[i]!, 2e-5);
        });
        optimizer.variables.forEach((variable, i) => {
          expectNear(`step ${step} ${variable.path}`, values.of(variable), variables[i]!, 2e-5);
        });
      });
    });

    test(`${number} ${class_name} config`, () => {
      assert.deepEqual(optimizers.get(given.optimizer).serialize(), given.optimizer);
    });
  });
});

test('ScheduleFreeAdamW is the recursion of its paper, the mean kept apart', () => {
  const [beta1, beta2, rate, warmupSteps, decay] = [0.8, 0.99, 0.1, 3, 0.1];
  const optimizer = new optimizers.ScheduleFreeAdamW({
    learningRate: rate,
    beta1,
    beta2,
    warmupSteps,
    weightDecay: decay,
  });
  const y = weight('w', [2], [1, -2]);
  optimizer.build([y]);
  const values = new Values();
  const expected = [1, -2];
  const [z, x, v] = [
    [1, -2],
    [1, -2],
    [0, 0],
  ] as [number[], number[], number[]];
  for (let t = 1; t <= 6; t++) {
    const gradient = [0.3 * t, Math.sin(t)];
    values.step(stepGraph(optimizer, [y]), { g0: gradient });
    gradient.forEach((g, i) => {
      const eta = Math.fround(rate) * Math.min(t / warmupSteps, 1);
      // Decay moves the weights by the full rate before the step; the mean follows them.
      x[i] = x[i]! - (expected[i]! * decay * Math.fround(rate)) / beta1;
      v[i] = beta2 * v[i]! + (1 - beta2) * g * g;
      z[i] = z[i]! - (eta * g) / (Math.sqrt(v[i]! / (1 - beta2 ** t)) + 1e-8);
      x[i] = x[i]! + (z[i]! - x[i]!) / t;
      expected[i] = (1 - beta1) * z[i]! + beta1 * x[i]!;
    });
    expectNear(`step ${t}`, values.of(y), expected, 1e-6);
  }
});

describe('weights by path', () => {
  const sgd = new optimizers.SGD();
  const adam = new optimizers.Adam();
  const rms = new optimizers.RMSprop();
  const named = (path: string) => {
    const variable = weight('w', [1], [0]);
    variable.path = path;
    return variable;
  };

  test('an optimizer map takes the path itself, then the one pattern that fits, then the default', () => {
    const map = new optimizers.OptimizerMap(rms, { 'encoder/one/kernel': adam, 'encoder/.*': sgd });
    assert.equal(map.of(named('encoder/one/kernel')), adam);
    assert.equal(map.of(named('encoder/two/kernel')), sgd);
    assert.equal(map.of(named('my_encoder/two/kernel')), rms);
    assert.equal(map.of(named('encoder')), rms);
    const twice = new optimizers.OptimizerMap(rms, { 'a.*': adam, '.*b': sgd });
    assert.throws(() => twice.of(named('ab')), /patterns for "ab" must be one at most/);
    assert.equal(twice.of(named('b')), sgd);
    const overlap = new optimizers.OptimizerMap(rms, { 'aba.*aba': adam });
    assert.equal(overlap.of(named('aba')), rms);
    assert.equal(overlap.of(named('abaaba')), adam);
  });

  test('what is no plain pattern, or no optimizer, is refused', () => {
    for (const pattern of ['(a+)+', 'a|b', 'a*', '[x]', '^a'])
      assert.throws(
        () => new optimizers.OptimizerMap(rms, { [pattern]: sgd }),
        /text in which "\.\*" stands for anything/,
      );
    assert.throws(() => new optimizers.Muon({ excludeLayers: ['a+'] }), /stands for anything/);
    const multi = new optimizers.MultiOptimizer(new optimizers.OptimizerMap(sgd));
    assert.throws(() => new optimizers.OptimizerMap(multi), /must be one optimizer/);
    const scaling = new optimizers.OptimizerMap(new optimizers.SGD({ lossScaleFactor: 2 }));
    assert.throws(() => new optimizers.MultiOptimizer(scaling), /lossScaleFactor of/);
    assert.throws(() => {
      multi.learningRate = 1;
    }, /set for each optimizer inside/);
    assert.equal(multi.learningRate, sgd.learningRate);
  });
});

test('averages and weights change places, and back', () => {
  const optimizer = new optimizers.SGD({ useEma: true });
  const w = weight('w', [2], [1, 2]);
  optimizer.build([w]);
  optimizer.variables[2]!.assign([3, 4]);
  assert.equal(optimizer.swapAverages(), true);
  assert.deepEqual([...w.data], [3, 4]);
  assert.equal(optimizer.swapAverages(), true);
  assert.deepEqual([...w.data], [1, 2]);
  assert.equal(new optimizers.SGD().swapAverages(), false);
});

test('finalize gives the weights their averages', () => {
  const averaged = cases.filter(({ optimizer }) => optimizer.config.use_ema === true);
  assert.ok(averaged.length >= 4);
  for (const given of averaged) {
    const optimizer = optimizers.get(given.optimizer);
    const weights = given.weights.map(({ shape, initial }, i) =>
      weight(`weight_${i}`, shape, initial),
    );
    optimizer.build(weights);
    optimizer.variables.forEach((variable, i) => {
      variable.assign(given.steps.at(-1)!.variables[i]!);
    });
    optimizer.finalize();
    weights.forEach((variable, i) => {
      expectNear(variable.path, variable.data, given.final[i]!);
    });
  }
});

describe('learningRate', () => {
  const oneStep = (optimizer: optimizers.Optimizer, w: Variable) => {
    const { updates } = evaluate(
      stepGraph(optimizer, [w]),
      { g0: [1] },
      (variable) => (variable as Variable).data,
    );
    return updates.get(w)!.data[0]!;
  };

  test('is set by the host between steps', () => {
    const optimizer = new optimizers.SGD({ learningRate: 0.5 });
    const w = weight('w', [1], [1]);
    optimizer.build([w]);
    assert.equal(oneStep(optimizer, w), 0.5);
    optimizer.learningRate = 0.25;
    assert.equal(optimizer.learningRate, 0.25);
    assert.equal(oneStep(optimizer, w), 0.75);
  });

  test('follows a schedule by the iterations', () => {
    const schedule = new PiecewiseConstantDecay({ boundaries: [1], values: [0.5, 0.25] });
    const optimizer = new optimizers.SGD({ learningRate: schedule });
    const w = weight('w', [1], [1]);
    optimizer.build([w]);
    assert.deepEqual([optimizer.learningRate, oneStep(optimizer, w)], [0.5, 0.5]);
    optimizer.iterations.assign([2]);
    assert.deepEqual([optimizer.learningRate, oneStep(optimizer, w)], [0.25, 0.75]);
    assert.throws(
      () => {
        optimizer.learningRate = 1;
      },
      { code: 'STATE', message: /LearningRateScheduler/ },
    );
  });
});

test('weights left out of decay and weights without gradient stay', () => {
  const optimizer = new optimizers.SGD({ learningRate: 1, weightDecay: 0.5 });
  const [a, b, c] = ['dense/kernel', 'dense/bias', 'other'].map((path) => weight(path, [1], [2]));
  optimizer.excludeFromWeightDecay({ names: ['bias'] });
  optimizer.build([a!, b!, c!]);
  const values = new Values();
  values.step(stepGraph(optimizer, [a!, b!]), { g0: [0], g1: [0] });
  assert.deepEqual(
    [a!, b!, c!].map((variable) => values.of(variable)[0]),
    [1, 2, 2],
  );
});

test('a loss scale cancels out', () => {
  const optimizer = new optimizers.SGD({ learningRate: 1, lossScaleFactor: 8 });
  const w = weight('w', [1], [2]);
  optimizer.build([w]);
  const graph = new Graph();
  const loss = optimizer.scaleLoss(input(graph, 'loss', []));
  graph.outputs.set('loss', loss);
  assert.equal(evaluate(graph, { loss: [3] }, () => []).outputs.get('loss')!.data[0], 24);
  const values = new Values();
  values.step(stepGraph(optimizer, [w]), { g0: [8] });
  assert.deepEqual(Array.from(values.of(w)), [1]);
});

describe('get', () => {
  test('by the names of Keras, by class, by object', () => {
    const names = { adam: 'Adam', adamw: 'AdamW', adam_w: 'AdamW', AdamW: 'AdamW', SGD: 'SGD' };
    for (const [name, className] of Object.entries(names))
      assert.equal(optimizers.get(name).serialize().class_name, className);
    assert.equal(optimizers.get('rmsprop').serialize().class_name, 'RMSprop');
    assert.ok(optimizers.get(optimizers.Lion) instanceof optimizers.Lion);
    const adam = new optimizers.Adam();
    assert.equal(optimizers.get(adam), adam);
    assert.throws(() => optimizers.get('adamant'), { name: 'TsunoError', code: 'ARGUMENT' });
  });

  test('numbers names as Keras does', () => {
    clearNames();
    const made = [new optimizers.RMSprop(), new optimizers.RMSprop(), new optimizers.AdamW()];
    assert.deepEqual(
      made.map(({ name }) => name),
      ['rm_sprop', 'rm_sprop_1', 'adam_w'],
    );
  });
});

test('impossible options are refused', () => {
  const refused: (() => unknown)[] = [
    () => new optimizers.SGD({ momentum: 2 }),
    () => new optimizers.SGD({ learningRate: Number.NaN }),
    () => new optimizers.Adam({ clipnorm: 1, clipvalue: 1 }),
    () => new optimizers.Adam({ gradientAccumulationSteps: 1 }),
    () => new optimizers.Adam({ useEma: true, emaMomentum: 1.5 }),
    () => new optimizers.AdamW({ weightDecay: null }),
    () => new optimizers.Lion({ beta1: 0 }),
    () => new optimizers.Ftrl({ l1RegularizationStrength: -1 }),
  ];
  for (const make of refused) assert.throws(make, { name: 'TsunoError', code: 'ARGUMENT' });
  const unbuilt = new optimizers.SGD();
  assert.throws(() => stepGraph(unbuilt, [weight('w', [1], [0])]), { code: 'STATE' });
});
