/**
 * @file One layer case of Keras through a backend: the layer made from Keras's config, its outputs in inference and
 * training, its gradients, the weights that the call changes, all compared with what Keras computed.
 */
import assert from 'node:assert/strict';
import { evaluate } from '../../src/backends/reference/evaluate.ts';
import type { PartialShape } from '../../src/core/shape.ts';
import type { Tensor } from '../../src/core/tensor.ts';
import { gradients } from '../../src/grad/gradients.ts';
import { Graph, type Value, type VariableRef } from '../../src/ir/graph.ts';
import type { Layer } from '../../src/layers/layer.ts';
import { layerFromConfig } from '../../src/layers/registry.ts';
import { Trace, tracing } from '../../src/layers/trace.ts';
import { broadcast, input, scalar } from '../../src/ops/index.ts';
import type { LayerCase } from '../support/keras_cases.ts';
import { toleranceOf } from './tolerances.ts';

/** Elements of the results of a run. */
export interface CaseResult {
  outputs: ReadonlyMap<string, ArrayLike<number>>;
  updates: ReadonlyMap<VariableRef, ArrayLike<number>>;
}

/** What computes a graph once: the reference here, an engine elsewhere. */
export type CaseBackend = (
  graph: Graph,
  inputs: Readonly<Record<string, ArrayLike<number>>>,
  variables: (variable: VariableRef) => ArrayLike<number>,
) => CaseResult | Promise<CaseResult>;

/** The float64 evaluator as a backend. */
export const referenceBackend: CaseBackend = (graph, inputs, variables) => {
  const { outputs, updates } = evaluate(graph, inputs, variables);
  return {
    outputs: new Map([...outputs].map(([name, { data }]) => [name, data])),
    updates: new Map([...updates].map(([variable, { data }]) => [variable, data])),
  };
};

/** Fails with the worst element where some |found − expected| > absolute + relative·|expected|. */
export function assertClose(
  what: string,
  found: ArrayLike<number> | undefined,
  expected: Tensor,
  relative: number,
  absolute: number,
): void {
  assert.equal(found?.length, expected.size, `${what}: number of elements`);
  let worst = { excess: 0, text: '' };
  expected.data.forEach((value, i) => {
    // The float64 reference rounds once, at the end.
    const got = Math.fround(found![i]!);
    if (Object.is(got, value) || (Number.isNaN(got) && Number.isNaN(value))) return;
    const error = Math.abs(got - value);
    const allowed = absolute + relative * Math.abs(value);
    const excess = allowed > 0 && !Number.isNaN(error) ? error / allowed : Number.POSITIVE_INFINITY;
    if (excess > worst.excess) worst = { excess, text: `[${i}] ${got}, Keras ${value}` };
  });
  assert.ok(
    worst.excess <= 1,
    `${what}: ${worst.excess.toPrecision(3)} times the tolerance, ${worst.text}`,
  );
}

/** Of gradients; the absolute part times the largest. */
const gradient = { relative: 1e-4, absolute: 1e-5 };

function assertGradient(
  what: string,
  found: ArrayLike<number> | undefined,
  expected: Tensor,
): void {
  const largest = Math.max(...Array.from(expected.data, Math.abs));
  assertClose(
    what,
    found,
    expected,
    gradient.relative,
    gradient.absolute * Math.max(largest, 1e-3),
  );
}

/** A layer of the case, built, with the case's weights. */
export function layerOfCase(given: LayerCase): Layer {
  const layer = layerFromConfig({ class_name: given.className, config: { ...given.config } });
  const shapes: PartialShape[] = given.inputShapes.map((shape) => [null, ...shape.slice(1)]);
  layer.build(shapes.length === 1 ? shapes[0]! : shapes);
  assert.deepEqual(
    layer.weights.map(({ name, path, shape, trainable }) => ({
      name,
      path,
      shape: [...shape],
      trainable,
    })),
    given.weights.map(({ name, path, shape, trainable }) => ({ name, path, shape, trainable })),
    'weights, in order',
  );
  layer.setWeights(given.weights.map(({ value }) => value));
  return layer;
}

function traced(given: LayerCase, layer: Layer, training: boolean) {
  const graph = new Graph();
  const inputs = given.inputs.map((x, i) => input(graph, `x${i}`, x.shape));
  const trace = new Trace(graph, training, {
    seed: scalar(inputs[0]!, 1, 'int32'),
    step: scalar(inputs[0]!, 0, 'int32'),
  });
  const output = tracing(trace, () => layer(inputs.length === 1 ? inputs[0]! : inputs));
  return { graph, inputs, output };
}

const elements = (given: LayerCase) =>
  Object.fromEntries(given.inputs.map((x, i) => [`x${i}`, x.data]));

/** Runs the case through `backend`; throws where it differs from Keras. */
export async function runCase(given: LayerCase, backend: CaseBackend): Promise<void> {
  const layer = layerOfCase(given);
  assert.deepEqual(JSON.parse(JSON.stringify(layer.config())), given.config, 'config');
  const variables = (variable: VariableRef) =>
    layer.weights.find((weight) => weight === variable)!.data;
  const { relative, absolute } = toleranceOf(given);

  const inference = traced(given, layer, false);
  assert.deepEqual([...inference.output.shape], [...given.output.shape], 'shape of the output');
  inference.graph.outputs.set('y', inference.output);
  const plain = await backend(inference.graph, elements(given), variables);
  assertClose('output', plain.outputs.get('y'), given.output, relative, absolute);
  assert.equal(plain.updates.size, 0, 'inference changes no weights');

  const { training } = given;
  if (!training) return;
  const { graph, inputs, output } = traced(given, layer, true);
  const cotangent = input(graph, 'cotangent', output.shape);
  const weights = layer.trainableWeights.map((weight) => graph.variables.get(weight)!);
  const found = gradients(output, [...inputs, ...weights], cotangent);
  const zero = (like: Value) => broadcast(scalar(like, 0), like.shape);
  graph.outputs.set('y', output);
  found.forEach((value, i) => {
    graph.outputs.set(`g${i}`, value ?? zero([...inputs, ...weights][i]!));
  });
  const given_ = { ...elements(given), cotangent: training.cotangent.data };
  const { outputs, updates } = await backend(graph, given_, variables);
  assertClose('output in training', outputs.get('y'), training.output, relative, absolute);
  training.inputGradients.forEach((expected, i) => {
    assertGradient(`gradient of input ${i}`, outputs.get(`g${i}`), expected);
  });
  layer.trainableWeights.forEach((weight, i) => {
    const expected = given.weights[layer.weights.indexOf(weight)]!.gradient!;
    assertGradient(`gradient of ${weight.path}`, outputs.get(`g${inputs.length + i}`), expected);
  });
  layer.weights.forEach((weight, i) => {
    const expected = given.weights[i]!.updated;
    if (!expected) return;
    const after = updates.get(weight) ?? weight.data;
    assertClose(`${weight.path} after training`, after, expected, 1e-5, 1e-5);
  });
}
