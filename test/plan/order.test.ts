/** @file The order of kernels: fewer meetings, and nobody reads what is not there yet or is written over already. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Graph, type Node, type Value, type VariableRef } from '../../src/ir/graph.ts';
import { add, input, neg, read, reduceSum } from '../../src/ops/index.ts';
import { fuseElementwise } from '../../src/passes/fuse_elementwise.ts';
import { orderKernels } from '../../src/plan/order.ts';
import { makePlan } from '../../src/plan/plan.ts';

const plain = {
  isSpread: () => true,
  root: (value: Value) => value,
  overwritten: (): Value[] => [],
};

const kernelsOf = ({ nodes }: Graph) => nodes.filter(({ op }) => !op.source);

/** Places in `kernels` of the nodes of `order`. */
const placesOf = (order: readonly Node[], kernels: readonly Node[]) =>
  order.map((node) => kernels.indexOf(node));

describe('the order of kernels', () => {
  test('what can be done goes before a meeting', () => {
    const graph = new Graph();
    const x = input(graph, 'x', [4]);
    for (let i = 0; i < 3; i++) neg(neg(x));
    const kernels = kernelsOf(graph);
    assert.deepEqual(placesOf(orderKernels(kernels, plain), kernels), [0, 2, 4, 1, 3, 5]);
  });

  test('what the first thread does alone follows what it did alone', () => {
    const graph = new Graph();
    const x = input(graph, 'x', [4]);
    for (let i = 0; i < 2; i++) neg(neg(x));
    const kernels = kernelsOf(graph);
    const order = orderKernels(kernels, { ...plain, isSpread: () => false });
    assert.deepEqual(placesOf(order, kernels), [0, 1, 2, 3]);
  });

  test('who writes over a value comes after those that read it before', () => {
    const graph = new Graph();
    const weight = read(graph, { name: 'w', shape: [4], dtype: 'float32' });
    const first = neg(weight);
    const second = add(neg(first), weight);
    const update = neg(weight);
    const kernels = kernelsOf(graph);
    const order = orderKernels(kernels, {
      ...plain,
      overwritten: (node) => (node === update.node ? [weight] : []),
    });
    assert.ok(order.indexOf(update.node) > order.indexOf(second.node), 'the old value is read');
    const freely = orderKernels(kernels, plain);
    assert.ok(freely.indexOf(update.node) < freely.indexOf(second.node), 'else it goes first');
  });

  test('a new value that goes into its variable still does', () => {
    const graph = new Graph();
    const weight: VariableRef = { name: 'w', shape: [4], dtype: 'float32' };
    const old = read(graph, weight);
    const other: VariableRef = { name: 'v', shape: [4], dtype: 'float32' };
    graph.outputs.set('y', reduceSum(add(reduceSum(neg(read(graph, other)), [0]), old)));
    graph.updates.set(weight, neg(old));
    graph.updates.set(other, neg(read(graph, other)));
    const plan = makePlan(fuseElementwise(graph), {
      threads: 2,
      cost: () => ({ units: 8, work: 1e6 }),
    });
    assert.deepEqual(plan.copies, []);
  });

  test('only the first eight of those left are looked at', () => {
    const placesBehind = (waiting: number) => {
      const graph = new Graph();
      const x = input(graph, 'x', [4]);
      const first = neg(x);
      for (let i = 0; i < waiting; i++) neg(first);
      neg(x);
      const kernels = kernelsOf(graph);
      return placesOf(orderKernels(kernels, plain), kernels);
    };
    assert.deepEqual(placesBehind(7), [0, 8, 1, 2, 3, 4, 5, 6, 7]);
    assert.deepEqual(placesBehind(8), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test('property: all kernels once, each behind those it waits for and among the first eight left', () => {
    const choices = fc.array(fc.tuple(fc.nat(), fc.nat(), fc.boolean(), fc.boolean()), {
      minLength: 1,
      maxLength: 60,
    });
    fc.assert(
      fc.property(choices, (picks) => {
        const graph = new Graph();
        const values = [input(graph, 'x', [4])];
        const alone = new Set<Node>();
        const writers = new Map<Node, Value>();
        for (const [a, b, isAlone, writes] of picks) {
          const read = values[a % values.length]!;
          const sum = add(read, values[b % values.length]!);
          values.push(sum);
          if (isAlone) alone.add(sum.node);
          if (writes) writers.set(sum.node, read);
        }
        const kernels = kernelsOf(graph);
        const order = orderKernels(kernels, {
          ...plain,
          isSpread: (node) => !alone.has(node),
          overwritten: (node) => [writers.get(node) ?? []].flat(),
        });
        assert.deepEqual(new Set(order), new Set(kernels));
        assert.equal(order.length, kernels.length);
        const left = [...kernels];
        for (const [i, node] of order.entries()) {
          for (const { node: maker } of node.inputs)
            assert.ok(maker.op.source || order.indexOf(maker) < i, 'behind what it reads');
          const earlier = kernels.slice(0, kernels.indexOf(node));
          for (const reader of earlier)
            if (reader.inputs.includes(writers.get(node)!))
              assert.ok(order.indexOf(reader) < i, 'behind those that read what it writes over');
          const place = left.indexOf(node);
          assert.ok(place < 8, 'among the first eight left');
          left.splice(place, 1);
        }
      }),
    );
  });
});
