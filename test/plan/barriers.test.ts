/** @file Where threads meet: between two kernels that touch the same bytes, one writing, shared out differently. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Graph, type Value, type VariableRef } from '../../src/ir/graph.ts';
import { add, conv2d, input, read, relu, reshape } from '../../src/ops/index.ts';
import { makePlan, type Place, type Plan, type PlannedKernel } from '../../src/plan/plan.ts';

const variable = (name: string, ...shape: number[]): VariableRef => ({
  name,
  shape,
  dtype: 'float32',
});

const overlaps = (a: Place, b: Place): boolean =>
  a.region === 'arena' && b.region === 'arena'
    ? a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes
    : JSON.stringify(a) === JSON.stringify(b);

const touches = (one: PlannedKernel, other: PlannedKernel): boolean =>
  one.outputs.some((place) => [...other.inputs, ...other.outputs].some((p) => overlaps(place, p)));

/** Pairs of kernels that must not run at once and have no meeting between them. */
function races({ kernels }: Plan): string[] {
  return kernels.flatMap((later, j) =>
    kernels.slice(0, j).flatMap((earlier, i) => {
      const clash = touches(earlier, later) || touches(later, earlier);
      const shared = earlier.spread || later.spread;
      const meet = kernels.slice(i + 1, j + 1).some(({ barrier }) => barrier);
      return clash && shared && !meet ? [`${earlier.node.op.name} ${later.node.op.name}`] : [];
    }),
  );
}

const conv = {
  strides: [1, 1],
  padding: [
    [0, 0],
    [0, 0],
  ],
  dilation: [1, 1],
  groups: 1,
} as const;

/** A convolution by `kernel`, then what is done alone by the first thread. */
function network(graph: Graph, kernel: Value): Graph {
  const x = input(graph, 'x', [4, 9, 9, 3]);
  graph.outputs.set('y', relu(add(conv2d(x, kernel, conv), read(graph, variable('bias', 8)))));
  return graph;
}

const graphs: Record<string, () => Graph> = {
  'a kernel as it is': () => {
    const graph = new Graph();
    return network(graph, read(graph, variable('kernel', 3, 3, 3, 8)));
  },
  'a kernel under another shape, which costs nothing': () => {
    const graph = new Graph();
    return network(graph, reshape(read(graph, variable('kernel', 216)), [3, 3, 3, 8]));
  },
  'a kernel made once': () => {
    const graph = new Graph();
    return network(graph, relu(reshape(read(graph, variable('kernel', 216)), [3, 3, 3, 8])));
  },
};

describe('threads meet between kernels that depend on each other', () => {
  for (const [name, build] of Object.entries(graphs)) {
    test(name, () => {
      const shared = (op: string) => op === 'conv2d';
      const plan = makePlan(build(), {
        threads: 2,
        cost: ({ op }) => ({ units: 8, work: shared(op.name) ? 1e6 : 1 }),
      });
      assert.deepEqual(races(plan), []);
      assert.ok(plan.kernels.filter(({ barrier }) => barrier).length >= 1, 'there is a meeting');
    });
  }
});
