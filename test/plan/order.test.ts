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

  test('property: all kernels once, each behind those it reads, however they depend', () => {
    const choices = fc.array(fc.tuple(fc.nat(), fc.nat(), fc.boolean()), {
      minLength: 1,
      maxLength: 60,
    });
    fc.assert(
      fc.property(choices, (picks) => {
        const graph = new Graph();
        const values = [input(graph, 'x', [4])];
        const alone = new Set<Node>();
        for (const [a, b, isAlone] of picks) {
          const sum = add(values[a % values.length]!, values[b % values.length]!);
          values.push(sum);
          if (isAlone) alone.add(sum.node);
        }
        const kernels = kernelsOf(graph);
        const order = orderKernels(kernels, { ...plain, isSpread: (node) => !alone.has(node) });
        assert.deepEqual(new Set(order), new Set(kernels));
        assert.equal(order.length, kernels.length);
        order.forEach((node, i) => {
          for (const { node: maker } of node.inputs)
            assert.ok(maker.op.source || order.indexOf(maker) < i);
        });
      }),
    );
  });
});
