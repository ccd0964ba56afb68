/** @file First values, penalties and constraints of weights against their definitions. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { evaluate } from '../../src/backends/reference/evaluate.ts';
import { nextSeed, setRandomSeed } from '../../src/core/seed.ts';
import type { Shape } from '../../src/core/shape.ts';
import { Graph, type Value } from '../../src/ir/graph.ts';
import { constraintOf } from '../../src/layers/constraints.ts';
import { fans, initializerOf } from '../../src/layers/initializers.ts';
import { regularizerOf } from '../../src/layers/regularizers.ts';
import { input } from '../../src/ops/index.ts';

const kernel = [5, 5, 20, 50] as const;
const [fanIn, fanOut] = [500, 1250] as const;

function statistics(values: Float32Array) {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  const variance = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length;
  const largest = values.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  return { mean, variance, largest };
}

/** Standard deviation of the normal cut at ±2, and where the cut of a scaled one lies. */
const cut = 0.87962566103423978;

describe('random initializers', () => {
  const uniform = (limit: number) => ({ variance: limit ** 2 / 3, limit });
  const truncated = (variance: number) => ({ variance, limit: (2 * Math.sqrt(variance)) / cut });
  const rows: Record<string, { variance: number; limit: number }> = {
    random_uniform: uniform(0.05),
    random_normal: { variance: 0.05 ** 2, limit: Number.POSITIVE_INFINITY },
    truncated_normal: { variance: (0.05 * cut) ** 2, limit: 0.1 },
    glorot_uniform: uniform(Math.sqrt(6 / (fanIn + fanOut))),
    glorot_normal: truncated(2 / (fanIn + fanOut)),
    he_uniform: uniform(Math.sqrt(6 / fanIn)),
    heNormal: truncated(2 / fanIn),
    LecunUniform: uniform(Math.sqrt(3 / fanIn)),
    lecun_normal: truncated(1 / fanIn),
    variance_scaling: truncated(1 / fanIn),
  };
  for (const [name, { variance, limit }] of Object.entries(rows)) {
    test(name, () => {
      const values = initializerOf('test', 'initializer', name).values([
        10,
        ...kernel.slice(1),
        10,
      ]);
      const shape: Shape = kernel;
      const own = initializerOf('test', 'initializer', name).values(shape);
      assert.ok(values.length > 0);
      const found = statistics(own);
      const deviation = Math.sqrt(variance / own.length);
      assert.ok(Math.abs(found.mean) < 4 * deviation, `mean ${found.mean}`);
      const error = Math.abs(found.variance - variance);
      assert.ok(error < 4 * variance * Math.sqrt(2 / own.length), `variance ${found.variance}`);
      assert.ok(found.largest <= limit * (1 + 1e-6), `largest ${found.largest}, limit ${limit}`);
    });
  }

  test('fans of kernels, matrices, vectors, and of named axes', () => {
    assert.deepEqual(fans(kernel), [fanIn, fanOut]);
    assert.deepEqual(fans([3, 4]), [3, 4]);
    assert.deepEqual(fans([7]), [7, 7]);
    assert.deepEqual(fans([]), [1, 1]);
    assert.deepEqual(fans([2, 3, 4], { inputAxes: [0, 1], outputAxes: [2] }), [6, 4]);
  });

  test('orthogonal: rows or columns at right angles, of length gain', () => {
    const shapes: Shape[] = [
      [4, 7],
      [7, 4],
      [2, 2, 3, 5],
    ];
    for (const shape of shapes) {
      const name = { class_name: 'Orthogonal', config: { gain: 2, seed: 1 } };
      const given = { module: '', registered_name: null, ...name };
      const values = initializerOf('test', 'initializer', given).values(shape);
      const columns = shape.at(-1)!;
      const rows = values.length / columns;
      const at = (i: number, j: number) =>
        rows < columns ? values[i * columns + j]! : values[j * columns + i]!;
      for (let a = 0; a < Math.min(rows, columns); a++) {
        for (let b = 0; b <= a; b++) {
          let dot = 0;
          for (let k = 0; k < Math.max(rows, columns); k++) dot += at(a, k) * at(b, k);
          assert.ok(Math.abs(dot - (a === b ? 4 : 0)) < 1e-5);
        }
      }
    }
  });

  test('of one seed give the same values, called again too; without one, others', () => {
    const seeded = {
      module: '',
      class_name: 'HeNormal',
      config: { seed: 3 },
      registered_name: null,
    };
    const [a, b] = [1, 2].map(() => initializerOf('test', 'initializer', seeded));
    assert.deepEqual(a!.values([9]), b!.values([9]));
    assert.deepEqual(a!.values([9]), a!.values([9]));
    const [c, d] = [1, 2].map(() => initializerOf('test', 'initializer', 'he_normal'));
    assert.notDeepEqual(c!.values([9]), d!.values([9]));
    assert.deepEqual(a!.serialize().config, { seed: 3, input_axes: null, output_axes: null });
  });

  test('the global seed starts them over', () => {
    const draw = () => {
      setRandomSeed(5);
      return [nextSeed(), nextSeed()];
    };
    const [first, second] = draw();
    assert.deepEqual(draw(), [first, second]);
    assert.notEqual(first, second);
    assert.throws(() => setRandomSeed(0.5), { code: 'ARGUMENT' });
  });
});

test('fixed initializers', () => {
  const values = (like: Parameters<typeof initializerOf>[2], shape: Shape = [2, 3]) =>
    Array.from(initializerOf('test', 'initializer', like).values(shape));
  assert.deepEqual(values('zeros'), [0, 0, 0, 0, 0, 0]);
  assert.deepEqual(values('ones'), [1, 1, 1, 1, 1, 1]);
  assert.deepEqual(values('identity'), [1, 0, 0, 0, 1, 0]);
  const constant = {
    module: '',
    class_name: 'Constant',
    config: { value: 2 },
    registered_name: null,
  };
  assert.deepEqual(values(constant, [2]), [2, 2]);
  assert.deepEqual(
    values((shape) => shape, [2, 1] as Shape),
    [2, 1],
  );
  assert.throws(() => values(() => [1]), { code: 'SHAPE' });
  assert.throws(() => values('identity', [2, 2, 2]), { code: 'SHAPE' });
});

/** Evaluates a function of one tensor. */
function applied(make: (x: Value) => Value, x: number[], shape: Shape): number[] {
  const graph = new Graph();
  const y = make(input(graph, 'x', shape));
  return Array.from(evaluate(graph, { x }, () => []).find(y).data);
}

const near = (found: readonly number[], expected: readonly number[]) => {
  assert.equal(found.length, expected.length);
  found.forEach((x, i) => {
    assert.ok(Math.abs(x - expected[i]!) < 1e-6, `${found} for ${expected}`);
  });
};

test('penalties', () => {
  const x = [3, -4, 0, 1];
  const penalty = (like: Parameters<typeof regularizerOf>[2]) => {
    const regularizer = regularizerOf('test', 'regularizer', like)!;
    return applied((value) => regularizer.penalty(value), x, [2, 2]);
  };
  near(penalty('l1'), [0.08]);
  near(penalty('l2'), [0.26]);
  const both = {
    module: '',
    class_name: 'L1L2',
    config: { l1: 1, l2: 0.5 },
    registered_name: null,
  };
  near(penalty(both), [8 + 13]);
  near(penalty('l1_l2'), [0]);
  // Rows (0.6, −0.8) and (0, 1): cosine −0.8, one pair, counted from both sides and halved.
  near(penalty('orthogonal_regularizer'), [0.008]);
  assert.equal(regularizerOf('test', 'regularizer', null), undefined);
});

test('constraints', () => {
  const x = [3, 0.3, -4, 0.4];
  const projected = (like: Parameters<typeof constraintOf>[2]) => {
    const constraint = constraintOf('test', 'constraint', like)!;
    return applied((value) => constraint.project(value), x, [2, 2]);
  };
  near(projected('non_neg'), [3, 0.3, 0, 0.4]);
  near(projected('max_norm'), [1.2, 0.3, -1.6, 0.4]);
  near(projected('unit_norm'), [0.6, 0.6, -0.8, 0.8]);
  const between = {
    module: '',
    class_name: 'MinMaxNorm',
    config: { min_value: 1, max_value: 2, rate: 0.5, axis: 0 },
    registered_name: null,
  };
  near(projected(between), [2.1, 0.45, -2.8, 0.6]);
});
