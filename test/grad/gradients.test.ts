/** @file The gradient of every operation against central differences in float64: the whole Jacobian of small instances. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { evaluate } from '../../src/backends/reference/evaluate.ts';
import { sizeOf } from '../../src/core/shape.ts';
import { gradients } from '../../src/grad/gradients.ts';
import { Graph } from '../../src/ir/graph.ts';
import type { Op } from '../../src/ir/op.ts';
import * as ops from '../../src/ops/index.ts';
import { makeInputs } from '../backends/judge.ts';
import { Draw } from '../backends/random_cases.ts';
import { type GradientRow, gradientRows, withoutGradient } from './gradient_rows.ts';

const instances = 20;
const step = 1e-6;

const all: readonly Op[] = [
  ...ops.elementwiseOps,
  ...ops.composedOps,
  ...ops.sourceOps,
  ...ops.kernelOps,
] as readonly unknown[] as readonly Op[];

test('every operation has a row or a reason', () => {
  for (const { name, gradient } of all) {
    const listed = gradient ? gradientRows : withoutGradient;
    assert.ok(
      name in listed,
      `${name} needs a line in ${gradient ? 'gradientRows' : 'withoutGradient'}`,
    );
  }
  const names = new Set(all.map(({ name }) => name));
  for (const name of [...Object.keys(gradientRows), ...Object.keys(withoutGradient)])
    assert.ok(names.has(name), `${name} is no operation`);
});

/** Compares ∂y[j]/∂x[i] for every j and i. */
function checkJacobian({ inputs, build, wrt }: GradientRow, seed: number): void {
  const data = makeInputs(inputs, seed);
  const by = wrt ?? inputs.map((_, i) => i);
  const graph = new Graph();
  const values = inputs.map(({ shape, dtype }, i) => ops.input(graph, `x${i}`, shape, dtype));
  const y = build(values);
  const weights = ops.input(graph, 'weights', y.shape);
  graph.outputs.set('y', y);
  const forward = new Graph();
  const copies = inputs.map(({ shape, dtype }, i) => ops.input(forward, `x${i}`, shape, dtype));
  forward.outputs.set('y', build(copies));
  const found = gradients(
    y,
    by.map((i) => values[i]!),
    weights,
  );
  found.forEach((gradient, at) => {
    assert.ok(gradient, `no gradient for input ${by[at]}`);
    graph.outputs.set(`g${by[at]}`, gradient);
  });
  const named = Object.fromEntries(data.map((values, i) => [`x${i}`, values]));
  const outputs = sizeOf(y.shape);
  const rows = Array.from({ length: outputs }, (_, j) => {
    const one = new Float64Array(outputs);
    one[j] = 1;
    return evaluate(graph, { ...named, weights: one }, () => []).outputs;
  });
  for (const input of by) {
    for (let i = 0; i < data[input]!.length; i++) {
      const at = (distance: number) => {
        const moved = data[input]!.slice();
        moved[i]! += distance;
        return evaluate(forward, { ...named, [`x${input}`]: moved }, () => []).outputs.get('y')!
          .data;
      };
      const [up, down] = [at(step), at(-step)];
      for (let j = 0; j < outputs; j++) {
        const difference = (up[j]! - down[j]!) / (2 * step);
        const exact = rows[j]!.get(`g${input}`)!.data[i]!;
        assert.ok(
          Math.abs(exact - difference) <= 1e-5 + 1e-3 * Math.abs(difference),
          `∂y[${j}]/∂x${input}[${i}] is ${exact}, the difference says ${difference}; inputs ${JSON.stringify(inputs)}`,
        );
      }
    }
  }
}

describe('Jacobians', () => {
  Object.entries(gradientRows).forEach(([name, make], number) => {
    test(name, () => {
      for (let seed = 1; seed <= instances; seed++)
        checkJacobian(make(new Draw(seed, 100 + number)), seed);
    });
  });
});

test('a value that is used twice adds both gradients up, one that is not used has none', () => {
  const graph = new Graph();
  const x = ops.input(graph, 'x', [3]);
  const unused = ops.input(graph, 'unused', [3]);
  const [g, none] = gradients(ops.mul(x, ops.add(x, 2)), [x, unused]);
  graph.outputs.set('g', g!);
  const { outputs } = evaluate(graph, { x: [1, 2, -3], unused: [0, 0, 0] }, () => []);
  assert.deepEqual([...outputs.get('g')!.data], [4, 6, -4]);
  assert.equal(none, undefined);
});
