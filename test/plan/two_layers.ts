/**
 * @file A net of two layers at every stage from its tracing to WebAssembly, as text: what docs/inside.md shows and test/golden/inside
 * holds.
 */
import { printStep } from '../../src/backends/wasm/printed.ts';
import type { Shape } from '../../src/core/shape.ts';
import { gradients } from '../../src/grad/gradients.ts';
import { Graph, type Value, type VariableRef } from '../../src/ir/graph.ts';
import { printGraph } from '../../src/ir/print.ts';
import * as ops from '../../src/ops/index.ts';
import { forwardPasses, runPasses } from '../../src/passes/index.ts';

const batch = 32;
const classes = 3;

const weights: readonly VariableRef[] = (
  [
    ['conv2d/kernel', [3, 3, 1, 8]],
    ['conv2d/bias', [8]],
    ['dense/kernel', [72, classes]],
    ['dense/bias', [classes]],
  ] satisfies [string, Shape][]
).map(([name, shape]) => ({ name, shape, dtype: 'float32' }));

/** Convolution, ReLU, pooling; a dense layer; softmax and cross-entropy. */
function trace(): Graph {
  const graph = new Graph();
  const x = ops.input(graph, 'x', [batch, 8, 8, 1]);
  const labels = ops.input(graph, 'labels', [batch], 'int32');
  const [kernel, bias, denseKernel, denseBias] = weights.map((one) => ops.read(graph, one));
  const none = [
    [0, 0],
    [0, 0],
  ] as const;
  const window = { strides: [1, 1], dilation: [1, 1], groups: 1, padding: none } as const;
  const pool = { window: [2, 2], strides: [2, 2], padding: none } as const;
  const maps = graph.within('conv2d', () =>
    ops.relu(ops.add(ops.conv2d(x, kernel!, window), bias!)),
  );
  const pooled = graph.within('max_pooling2d', () => ops.maxPool2d(maps, pool));
  const logits = graph.within('dense', () =>
    ops.add(ops.matmul(ops.reshape(pooled, [batch, 72]), denseKernel!), denseBias!),
  );
  graph.outputs.set('loss', crossEntropy(logits, labels));
  return graph;
}

function crossEntropy(logits: Value, labels: Value): Value {
  return logits.graph.within('loss', () => {
    const isLabel = ops.intEqual(ops.reshape(labels, [batch, 1]), ops.iota(labels, classes));
    const picked = ops.select(isLabel, ops.logSoftmax(logits), 0);
    return ops.mul(ops.reduceSum(picked), -1 / batch);
  });
}

/** Appends the gradients and what gradient descent makes of them. */
function addUpdate(graph: Graph): void {
  const values = weights.map((one) => ops.read(graph, one));
  gradients(graph.outputs.get('loss')!, values).forEach((g, i) => {
    graph.within('sgd', () => {
      graph.updates.set(weights[i]!, ops.sub(values[i]!, ops.mul(g!, 0.1)));
    });
  });
}

/** Each stage's text by its name, in order; a pass that changes nothing is left out. */
export function stages(): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  let last = '';
  const keep = (name: string, text: string) => {
    if (text !== last) found.set(found.has(name) ? `${name}_again` : name, text);
    last = text;
  };
  const keepGraph = (name: string, graph: Graph) => keep(name, printGraph(graph));
  const traced = trace();
  keepGraph('traced', traced);
  const step = runPasses(traced, forwardPasses, keepGraph);
  addUpdate(step);
  keepGraph('differentiated', step);
  const { plan, functions: texts } = printStep(step, { threads: 2 }, keepGraph);
  keep('plan', plan);
  // The update of the convolution's bias: two vectors of four.
  const isUpdate = (text: string) => /f32x4\.sub/.test(text) && !/f32x4\.(neg|add|max)/.test(text);
  keep('kernel', texts.filter(isUpdate).sort((a, b) => a.length - b.length)[0]!);
  keep('module', texts.join('\n\n'));
  return found;
}
