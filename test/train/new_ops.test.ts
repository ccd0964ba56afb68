/** @file The elementwise operations that losses and schedules brought: lanes against float64, gradients against differences. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { evaluate } from '../../src/backends/reference/evaluate.ts';
import { gradients } from '../../src/grad/gradients.ts';
import { Graph, type Value } from '../../src/ir/graph.ts';
import type { Op } from '../../src/ir/op.ts';
import { cos, cosOp, input, power, powerOp, sin, sinOp } from '../../src/ops/index.ts';
import { bitsOf, floatLanes, floatOf, ulps } from '../support/float_lanes.ts';

interface Row<A> {
  name: string;
  op: Op<A>;
  attrs: A;
  build(x: Value): Value;
  from: number;
  to: number;
  /** Largest distance allowed between lanes and float64, in units in the last place. */
  ulps: number;
  /** Near zeros of the function the distance is absolute, in units of 2⁻²⁴. */
  absolute?: true;
}

const plain = { attrs: undefined } as const;
const rows: Row<unknown>[] = [
  { name: 'cos', op: cosOp, build: cos, from: -100, to: 100, ulps: 4, absolute: true, ...plain },
  { name: 'sin', op: sinOp, build: sin, from: -100, to: 100, ulps: 4, absolute: true, ...plain },
  { name: 'cos on [0, π/2]', op: cosOp, build: cos, from: 0, to: 1.57, ulps: 4, ...plain },
  { name: 'sin near 0', op: sinOp, build: sin, from: -0.7, to: 0.7, ulps: 2, ...plain },
  ...[0.5, -0.5, 2, 3, 7, -2].map((exponent) => ({
    name: `power ${exponent}`,
    op: powerOp as Op,
    attrs: { exponent },
    build: (x: Value) => power(x, exponent),
    from: 0.1,
    to: 20,
    ulps: 4,
  })),
  {
    name: 'power 1.5',
    op: powerOp as Op,
    attrs: { exponent: 1.5 },
    build: (x: Value) => power(x, 1.5),
    from: 0.5,
    to: 3,
    ulps: 4,
  },
];

function samples({ from, to }: { from: number; to: number }, count: number): number[] {
  return Array.from({ length: count }, (_, i) =>
    Math.fround(from + ((to - from) * (i + 0.37)) / count),
  );
}

describe('lanes', () => {
  for (const row of rows) {
    test(`${row.name} within ${row.ulps} units in the last place`, () => {
      const rule = row.op.elementwise!;
      for (const x of samples(row, 4001)) {
        const found = floatOf(rule.lanes(floatLanes, [bitsOf(x)], row.attrs));
        const exact = rule.scalar([x], row.attrs, 0);
        const error = row.absolute ? Math.abs(found - exact) * 2 ** 24 : ulps(found, exact);
        assert.ok(error <= row.ulps, `at ${x}: ${found}, not ${exact} (${error})`);
      }
    });
  }

  test('powers of 0', () => {
    const at = (exponent: number) =>
      floatOf(powerOp.elementwise!.lanes(floatLanes, [bitsOf(0)], { exponent }));
    assert.deepEqual([0, 0.5, 1, 1.5, 2].map(at), [1, 0, 0, 0, 0]);
  });
});

describe('gradients', () => {
  for (const row of rows) {
    test(`${row.name} against central differences`, () => {
      const graph = new Graph();
      const xs = samples(row, 7);
      const x = input(graph, 'x', [xs.length]);
      const y = row.build(x);
      const [g] = gradients(y, [x]);
      graph.outputs.set('y', y);
      graph.outputs.set('g', g!);
      const run = (at: number[]) => evaluate(graph, { x: at }, () => []).outputs;
      const found = run(xs).get('g')!.data;
      const h = 1e-6;
      const up = run(xs.map((value) => value + h)).get('y')!.data;
      const down = run(xs.map((value) => value - h)).get('y')!.data;
      found.forEach((value, i) => {
        const difference = (up[i]! - down[i]!) / (2 * h);
        assert.ok(
          Math.abs(value - difference) <= 1e-6 * (1 + Math.abs(difference)),
          `at ${xs[i]}: ${value}, not ${difference}`,
        );
      });
    });
  }
});
