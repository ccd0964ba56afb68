/**
 * @file The options that every optimizer has, on every optimizer: each is what it says in terms of a plain one, whatever
 * the rule. What Keras computes with them is in `optimizers.test.ts`.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { evaluate } from '../../src/backends/reference/evaluate.ts';
import { Graph, type VariableRef } from '../../src/ir/graph.ts';
import { Variable } from '../../src/layers/variable.ts';
import { input } from '../../src/ops/index.ts';
import * as optimizers from '../../src/train/optimizers/index.ts';

type Options = optimizers.OptimizerOptions;
type Make = (options: Options) => optimizers.Optimizer;

/** Each class, and where its rule needs a gradient of full size for a weight. */
const classes: Record<string, Make> = {
  Adadelta: (options) => new optimizers.Adadelta(options),
  Adafactor: (options) => new optimizers.Adafactor(options),
  Adagrad: (options) => new optimizers.Adagrad(options),
  Adam: (options) => new optimizers.Adam(options),
  AdamW: (options) => new optimizers.AdamW(options),
  Adamax: (options) => new optimizers.Adamax(options),
  Ftrl: (options) => new optimizers.Ftrl(options),
  Lamb: (options) => new optimizers.Lamb(options),
  Lion: (options) => new optimizers.Lion(options),
  Muon: (options) => new optimizers.Muon(options),
  Nadam: (options) => new optimizers.Nadam(options),
  RMSprop: (options) => new optimizers.RMSprop(options),
  SGD: (options) => new optimizers.SGD(options),
  ScheduleFreeAdamW: (options) => new optimizers.ScheduleFreeAdamW(options),
};

type Gradients = readonly (readonly number[])[];
const shapes = [[2, 3], [3]];
const starts = [
  [0.5, -1, 0.25, 2, -0.75, 1.5],
  [1, -0.5, 0.1],
];

/** A run of an optimizer on two weights, in float64. */
class Run {
  readonly optimizer: optimizers.Optimizer;
  readonly weights: readonly Variable[];
  private readonly known = new Map<VariableRef, ArrayLike<number>>();

  constructor(make: Make, options: Options, initial: Gradients = starts) {
    this.optimizer = make({ learningRate: 0.1, ...options });
    this.weights = shapes.map((shape, i) => {
      const variable = new Variable({ name: `w${i}`, shape });
      variable.assign(initial[i]!);
      return variable;
    });
    this.optimizer.build(this.weights);
  }

  of = (variable: VariableRef) => this.known.get(variable) ?? (variable as Variable).data;

  step(gradients: Gradients): this {
    const graph = new Graph();
    const pairs = this.weights.map((variable, i) => ({
      variable,
      gradient: input(graph, `g${i}`, variable.shape),
    }));
    this.optimizer.update(graph, pairs);
    const given = Object.fromEntries(gradients.map((gradient, i) => [`g${i}`, [...gradient]]));
    for (const [variable, value] of evaluate(graph, given, this.of).updates)
      this.known.set(variable, value.data);
    return this;
  }

  get values(): number[][] {
    return this.weights.map((weight) => Array.from(this.of(weight)));
  }
}

const first = [
  [0.3, -0.2, 0.9, 0.05, -0.6, 0.4],
  [0.1, -0.8, 0.25],
];
const second = [
  [-0.1, 0.4, 0.2, -0.7, 0.3, 0.6],
  [0.5, 0.2, -0.15],
];

const norm = (numbers: readonly number[]) => Math.hypot(...numbers);
const scaled = (gradients: Gradients, factors: readonly number[]) =>
  gradients.map((gradient, i) => gradient.map((g) => g * factors[i]!));

function assertNear(found: Gradients, expected: Gradients, what: string, error = 1e-6): void {
  found.forEach((numbers, i) => {
    numbers.forEach((x, j) => {
      assert.ok(Math.abs(x - expected[i]![j]!) <= error, `${what}: ${x}, not ${expected[i]![j]}`);
    });
  });
}

describe('options of every optimizer', () => {
  test('every class is here', () => {
    const all = Object.values(optimizers).flatMap((member) =>
      typeof member === 'function' && 'className' in member ? [member.className] : [],
    );
    // A map is none, and a multi-optimizer has those of the optimizers inside.
    const others = ['OptimizerMap', 'MultiOptimizer'];
    assert.deepEqual(
      Object.keys(classes).sort(),
      all.filter((name) => !others.includes(name)).sort(),
    );
  });

  for (const [name, make] of Object.entries(classes)) {
    const plain = (gradients: readonly Gradients[], options: Options = {}) => {
      const run = new Run(make, options);
      for (const step of gradients) run.step(step);
      return run.values;
    };

    test(`${name}: clipvalue, clipnorm, globalClipnorm are a plain step with other gradients`, () => {
      const limit = 0.3;
      const clipped = first.map((list) => list.map((g) => Math.max(-limit, Math.min(limit, g))));
      assertNear(plain([first], { clipvalue: limit }), plain([clipped]), 'clipvalue');
      const byNorm = scaled(
        first,
        first.map((g) => Math.min(1, limit / norm(g))),
      );
      assertNear(plain([first], { clipnorm: limit }), plain([byNorm]), 'clipnorm');
      const whole = limit / norm(first.flat());
      assertNear(
        plain([first], { globalClipnorm: limit }),
        plain([scaled(first, [whole, whole])]),
        'globalClipnorm',
      );
    });

    test(`${name}: gradientAccumulationSteps is one step with the mean`, () => {
      const run = new Run(make, { gradientAccumulationSteps: 2 }).step(first);
      assertNear(run.values, starts, 'nothing after the first', 1e-7);
      const means = first.map((list, i) => list.map((g, j) => (g + second[i]![j]!) / 2));
      assertNear(run.step(second).values, plain([means]), 'the mean');
    });

    test(`${name}: lossScaleFactor divides gradients`, () => {
      assertNear(plain([scaled(first, [8, 8])], { lossScaleFactor: 8 }), plain([first]), 'divided');
    });

    test(`${name}: useEma follows the weights, emaOverwriteFrequency puts the means in place`, () => {
      const run = new Run(make, { useEma: true, emaMomentum: 0.75 });
      const [one, two] = [run.step(first).values, run.step(second).values];
      assertNear(two, plain([first, second]), 'the weights as without');
      run.optimizer.variables.forEach((variable) => {
        if (variable.dtype === 'float32') variable.assign(Array.from(run.of(variable)));
      });
      run.optimizer.finalize();
      const means = one.map((list, i) => list.map((x, j) => 0.75 * x + 0.25 * two[i]![j]!));
      assertNear(
        run.weights.map(({ data }) => Array.from(data)),
        means,
        'the means at the end',
      );
      const options = { useEma: true, emaMomentum: 0.75, emaOverwriteFrequency: 2 };
      assertNear(plain([first, second], options), means, 'the means after two steps');
    });

    test(`${name}: weightDecay takes a part of the weights first`, () => {
      const decay = 0.5;
      const smaller = starts.map((list) => list.map((x) => x - x * decay * Math.fround(0.1)));
      const none = name === 'AdamW' || name === 'Muon' ? 0 : null;
      const options: Options = { weightDecay: none };
      if (name === 'Muon') Object.assign(options, { adamWeightDecay: 0 });
      const decayed: Options = { weightDecay: decay };
      if (name === 'Muon') Object.assign(decayed, { adamWeightDecay: decay });
      const run = new Run(make, decayed).step(first);
      const from = new Run(make, options, smaller);
      // What the mean of this one begins with are the weights before the decay.
      if (name === 'ScheduleFreeAdamW') {
        from.weights.forEach((_, i) => {
          from.optimizer.variables[2 + i * 2]!.assign(starts[i]!);
        });
      }
      assertNear(run.values, from.step(first).values, 'decayed');
    });
  }
});
