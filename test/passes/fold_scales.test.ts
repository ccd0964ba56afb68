/** @file Scales and offsets behind a convolution become part of it, and nothing else does. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { evaluate } from '../../src/backends/reference/evaluate.ts';
import { gradients } from '../../src/grad/gradients.ts';
import { Graph, type Value, type VariableRef } from '../../src/ir/graph.ts';
import * as ops from '../../src/ops/index.ts';
import { foldScales } from '../../src/passes/fold_scales.ts';
import { forwardPasses, runPasses } from '../../src/passes/index.ts';
import { assertClose, makeInputs } from '../backends/judge.ts';
import { pool2x2, same3x3 } from '../support/geometry.ts';

const channels = 4;

/** A variable of one element a channel, all different. */
const vector = (name: string): VariableRef => ({ name, shape: [channels], dtype: 'float32' });
const [bias, mean, variance, gamma, beta] = ['bias', 'mean', 'variance', 'gamma', 'beta'].map(
  vector,
) as [VariableRef, VariableRef, VariableRef, VariableRef, VariableRef];
const elementsOf = ({ name }: VariableRef) =>
  Float64Array.from({ length: channels }, (_, i) => 0.5 + name.length * 0.1 + i * 0.3);

const image = [2, 6, 6, channels];
const kernel = [3, 3, channels, channels];
const [images = [], weights = []] = makeInputs([{ shape: image }, { shape: kernel }]);
const given = { x: Float64Array.from(images), w: Float64Array.from(weights) };

interface Parts {
  graph: Graph;
  x: Value;
  w: Value;
  conv: Value;
  read(variable: VariableRef): Value;
}

function build(body: (parts: Parts) => Value, conv: Partial<ops.ConvAttrs> = {}): Graph {
  const graph = new Graph();
  const x = ops.input(graph, 'x', image);
  const w = ops.input(graph, 'w', [3, 3, channels / (conv.groups ?? 1), channels]);
  const read = (variable: VariableRef) => ops.read(graph, variable);
  graph.outputs.set(
    'y',
    body({ graph, x, w, conv: ops.conv2d(x, w, { ...same3x3, ...conv }), read }),
  );
  return graph;
}

const names = (graph: Graph) => graph.nodes.map(({ op }) => op.name);

/** What stands behind the convolution, in order. */
const behind = (graph: Graph) => names(graph).slice(names(graph).indexOf('conv2d') + 1);

function resultsOf(graph: Graph, values = given): Map<string, Float64Array> {
  const { outputs } = evaluate(graph, values, elementsOf);
  return new Map([...outputs].map(([name, { data }]) => [name, data]));
}

function assertSame(after: Graph, before: Graph, values = given): void {
  for (const [name, data] of resultsOf(before, values))
    assertClose(resultsOf(after, values).get(name)!, data, { rtol: 1e-12, atol: 1e-12 }, name);
}

/** Batch normalization by moving statistics, as the layer writes it. */
function normalized({ read }: Parts, y: Value): Value {
  const wide = (variable: VariableRef) => ops.reshape(read(variable), [1, 1, 1, channels]);
  const inverse = ops.div(wide(gamma), ops.sqrt(ops.add(wide(variance), 1e-3)));
  return ops.add(ops.mul(ops.sub(y, wide(mean)), inverse), wide(beta));
}

describe('fold_scales', () => {
  test('bias and normalization leave a convolution and one sum', () => {
    for (const groups of [1, channels]) {
      const graph = build((parts) => normalized(parts, ops.add(parts.conv, parts.read(bias))), {
        groups,
      });
      const folded = foldScales(graph);
      assert.deepEqual(behind(folded), ['add']);
      const w = given.w.slice(0, (9 * channels * channels) / groups);
      assertSame(folded, graph, { ...given, w });
    }
  });

  test('a chain of scales and offsets, from either side', () => {
    const graph = build(({ conv, read }) =>
      ops.sub(
        ops.mul(read(gamma), ops.add(read(beta), ops.mul(ops.sub(conv, read(mean)), read(bias)))),
        read(variance),
      ),
    );
    const folded = foldScales(graph);
    assert.deepEqual(behind(folded), ['add']);
    assertSame(folded, graph);
  });

  test('then convolution, ReLU and pooling become one', () => {
    const graph = build((parts) => ops.maxPool2d(ops.relu(normalized(parts, parts.conv)), pool2x2));
    const forward = runPasses(graph, forwardPasses);
    assert.ok(names(forward).includes('conv_relu_pool'));
    assertSame(forward, graph);
  });

  test('gradients stay', () => {
    const graph = build((parts) => normalized(parts, parts.conv));
    const withGradients = (before: Graph): Graph => {
      const y = before.outputs.get('y')!;
      const loss = ops.reduceSum(ops.square(y));
      const wanted = [...before.variables.values()].concat(
        before.nodes.filter(({ op }) => op.name === 'input').map(({ outputs }) => outputs[0]!),
      );
      gradients(loss, wanted).forEach((g, i) => {
        before.outputs.set(`gradient ${i}`, g!);
      });
      return before;
    };
    const folded = withGradients(foldScales(graph));
    const plain = withGradients(graph);
    assert.equal(plain.outputs.size, 7);
    assertSame(folded, plain);
  });

  test('what a batch says, what is read twice and what only moves stays', () => {
    const kept: Record<string, (parts: Parts) => Value> = {
      'the scale is a mean of the batch': ({ x, conv }) =>
        ops.mul(conv, ops.reshape(ops.reduceSum(x, [0, 1, 2]), [channels])),
      'the scale is a mean of the result': ({ conv }) =>
        ops.mul(conv, ops.reshape(ops.reduceSum(conv, [0, 1, 2]), [channels])),
      'the result is read twice': ({ conv, read, graph }) => {
        graph.outputs.set('before', conv);
        return ops.mul(conv, read(gamma));
      },
      'an offset alone': ({ conv, read }) => ops.add(conv, read(bias)),
      'one factor for all': ({ conv }) => ops.mul(conv, 2),
      'what is subtracted from': ({ conv, read }) => ops.sub(read(gamma), conv),
    };
    for (const [why, body] of Object.entries(kept)) {
      const graph = build(body);
      assert.deepEqual(names(foldScales(graph)), names(graph), why);
    }
  });
});
