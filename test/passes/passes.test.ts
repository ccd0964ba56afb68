/** @file The passes keep what a graph computes: on small graphs made to trip each of them, judged by the reference after every pass. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { evaluate } from '../../src/backends/reference/evaluate.ts';
import { passesFor } from '../../src/backends/wasm/lowering/passes.ts';
import { gradients } from '../../src/grad/gradients.ts';
import { Graph, type Value } from '../../src/ir/graph.ts';
import { structureKey } from '../../src/ir/key.ts';
import * as ops from '../../src/ops/index.ts';
import { forwardPasses, runPasses } from '../../src/passes/index.ts';
import { assertClose, buildCase, makeInputs } from '../backends/judge.ts';
import { Draw, families } from '../backends/random_cases.ts';
import { poisons, runInZones } from '../backends/red_zones.ts';
import { pool2x2 } from '../support/geometry.ts';

/** Compares the results after each pass with those before all. */
function checkPasses(graph: Graph, given: Readonly<Record<string, Float64Array>>): Graph {
  const before = evaluate(graph, given, () => []).outputs;
  const seen: string[] = [];
  const last = runPasses(graph, passesFor[1], (name, after) => {
    seen.push(name);
    for (const [result, { data }] of evaluate(after, given, () => []).outputs)
      assertClose(
        data,
        before.get(result)!.data,
        { rtol: 1e-9, atol: 1e-9 },
        `${result} after ${name}`,
      );
  });
  assert.deepEqual(
    seen,
    passesFor[1].map(({ name }) => name),
  );
  return last;
}

/** A graph of one input, checked through all passes. */
function checked(shape: number[], values: number[], build: (x: Value) => Value): Graph {
  const graph = new Graph();
  graph.outputs.set('y', build(ops.input(graph, 'x', shape)));
  return checkPasses(graph, { x: Float64Array.from(values) });
}

const names = (graph: Graph) => graph.nodes.map(({ op }) => op.name);

describe('cse', () => {
  test('infinities, NaN and zeros of either sign are different constants, in different kernels', () => {
    const graph = new Graph();
    const values = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN, 0, -0];
    const given: Record<string, Float64Array> = {};
    values.forEach((value, i) => {
      const x = ops.input(graph, `x${i}`, [3]);
      graph.outputs.set(`y${i}`, ops.select(ops.less(x, 1), value, x));
      given[`x${i}`] = Float64Array.of(-1, 0, 2);
    });
    checkPasses(graph, given);
    const options = {
      threads: 1,
      join: 1,
      arithmetic: 'portable',
      poison: poisons.number,
    } as const;
    const { outputs } = runInZones(graph, given, () => [], options);
    values.forEach((value, i) => {
      const found = [...new Float32Array(outputs.get(`y${i}`)!.buffer)];
      assert.deepEqual(found, [value, value, 2]);
    });
  });

  test('equal nodes become one, random numbers of two streams stay two', () => {
    const graph = checked([4], [1, 2, 3, 4], (x) =>
      ops.mul(
        ops.matmul(ops.reshape(x, [2, 2]), ops.reshape(x, [2, 2])),
        ops.matmul(ops.reshape(x, [2, 2]), ops.reshape(x, [2, 2])),
      ),
    );
    assert.equal(names(graph).filter((name) => name === 'panel_conv').length, 1);
    const random = new Graph();
    const [seed, step] = ['seed', 'step'].map((name) => ops.input(random, name, [], 'int32'));
    [1, 2].forEach((stream) => {
      random.outputs.set(`${stream}`, ops.randomUniform(seed!, step!, { shape: [3], stream }));
    });
    checkPasses(random, { seed: Float64Array.of(3), step: Float64Array.of(4) });
  });
});

describe('structureKey', () => {
  test('tells apart what JSON does not', () => {
    const values = [0, -0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, null];
    assert.equal(new Set(values.map((value) => structureKey([{ value }]))).size, values.length);
    assert.equal(structureKey([1, { a: 2 }]), structureKey([1, { a: 2 }]));
  });
});

describe('fuse_elementwise', () => {
  test('a count of one stays 0 in a loop over many', () => {
    checked([5, 1], [0, 1, 2, 0, 4], (x) =>
      ops.cast(ops.intEqual(ops.cast(x, 'int32'), ops.iota(x, 1)), 'float32'),
    );
  });

  test('a detour through a sum keeps groups apart', () => {
    const graph = checked([6], [1, 2, 3, 4, 5, 6], (x) => {
      const y = ops.square(x);
      return ops.add(ops.mul(y, ops.reduceSum(y)), x);
    });
    assert.equal(names(graph).filter((name) => name === 'fused').length, 2);
  });

  test('a number that is a result by itself', () => {
    const graph = new Graph();
    const x = ops.input(graph, 'x', [2]);
    graph.outputs.set('half', ops.scalar(x, 0.5));
    graph.outputs.set('y', ops.add(x, 1));
    checkPasses(graph, { x: Float64Array.of(1, 2) });
  });
});

describe('fold', () => {
  test('neutral operands vanish, arithmetic on constants is done', () => {
    const graph = checked([3], [1, -2, 3], (x) => {
      const three = ops.add(ops.scalar(x, 1), ops.scalar(x, 2));
      return ops.sub(
        ops.div(ops.mul(ops.add(x, 0), 1), 1),
        ops.mul(three, ops.broadcast(ops.scalar(x, 0), [3])),
      );
    });
    assert.ok(names(graph).length <= 2, names(graph).join(' '));
  });

  test('a neutral operand that stretches stays', () => {
    const graph = checked([3], [1, -2, 3], (x) =>
      ops.add(x, ops.broadcast(ops.scalar(x, 0), [2, 3])),
    );
    assert.deepEqual(graph.outputs.get('y')!.shape, [2, 3]);
  });
});

describe('fuse_conv_pool', () => {
  const geometry = {
    strides: [1, 1],
    dilation: [1, 1],
    groups: 1,
    padding: [
      [1, 1],
      [0, 1],
    ],
  } as const;

  /** The loss of a small convolution, ReLU and pooling, and its gradients, with and without fusing. */
  function gradientsOf(
    passes: typeof forwardPasses,
    change: (y: Value) => Value,
  ): Map<string, Float64Array> {
    const graph = new Graph();
    const x = ops.input(graph, 'x', [2, 5, 6, 2]);
    const w = ops.input(graph, 'w', [3, 3, 2, 3]);
    const b = ops.input(graph, 'b', [3]);
    const conv = change(ops.add(ops.conv2d(x, w, geometry), b));
    graph.outputs.set('loss', ops.reduceSum(ops.square(ops.maxPool2d(ops.relu(conv), pool2x2))));
    const forward = runPasses(graph, passes);
    const loss = forward.outputs.get('loss')!;
    const inputs = forward.nodes
      .filter(({ op }) => op === (ops.inputOp as unknown))
      .map(({ outputs }) => outputs[0]!);
    gradients(loss, inputs).forEach((g, i) => {
      forward.outputs.set(`g${(inputs[i]!.node.attrs as { name: string }).name}`, g!);
    });
    fused = names(forward).includes('conv_relu_pool');
    const [dx, dw, db] = makeInputs([
      { shape: [2, 5, 6, 2] },
      { shape: [3, 3, 2, 3] },
      { shape: [3] },
    ]);
    const { outputs } = evaluate(forward, { x: dx!, w: dw!, b: db! }, () => []);
    return new Map([...outputs].map(([name, { data }]) => [name, data]));
  }
  let fused = false;

  test('loss and gradients stay', () => {
    const same = (y: Value) => y;
    const plain = gradientsOf([], same);
    assert.equal(fused, false);
    const found = gradientsOf(forwardPasses, same);
    assert.equal(fused, true);
    for (const [name, data] of plain)
      assertClose(found.get(name)!, data, { rtol: 1e-12, atol: 1e-12 }, name);
  });

  test('a convolution that somebody else reads is left alone', () => {
    const graph = new Graph();
    const x = ops.input(graph, 'x', [1, 4, 4, 1]);
    const w = ops.input(graph, 'w', [3, 3, 1, 1]);
    const b = ops.input(graph, 'b', [1]);
    const y = ops.relu(ops.add(ops.conv2d(x, w, { ...geometry }), b));
    graph.outputs.set('pooled', ops.maxPool2d(y, pool2x2));
    graph.outputs.set('before', y);
    assert.ok(!names(runPasses(graph, forwardPasses)).includes('conv_relu_pool'));
  });
});

test('random graphs keep their results through every pass', () => {
  for (const [number, family] of Object.values(families).entries()) {
    for (let seed = 1; seed <= 12; seed++) {
      const one = family(new Draw(seed, 400 + number));
      const data = makeInputs(one.inputs, seed);
      checkPasses(buildCase(one), Object.fromEntries(data.map((values, i) => [`x${i}`, values])));
    }
  }
});
