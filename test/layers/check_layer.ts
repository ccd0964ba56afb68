/**
 * @file The harness of layers: what must hold of every one. The shape it announces is the shape it gives; its config
 * makes an equal layer; its weights have the names it should have; its gradients, in inference and in training, are
 * those that finite differences in float64 show.
 */
import assert from 'node:assert/strict';
import { evaluate } from '../../src/backends/reference/evaluate.ts';
import { RandomSequence } from '../../src/core/random.ts';
import { type Shape, sizeOf } from '../../src/core/shape.ts';
import { gradients } from '../../src/grad/gradients.ts';
import { Graph, type Value, type VariableRef } from '../../src/ir/graph.ts';
import { verify } from '../../src/ir/verify.ts';
import type { Layer } from '../../src/layers/layer.ts';
import { layerFromConfig } from '../../src/layers/registry.ts';
import { Trace, tracing } from '../../src/layers/trace.ts';
import { input, mul, reduceSum, scalar } from '../../src/ops/index.ts';
import { Input } from '../../src/topology/input.ts';
import { serializeLayer } from '../../src/topology/network_config.ts';

export interface LayerCheck {
  make: () => Layer;
  /** With the batch; one for each input. */
  shapes: readonly Shape[];
  /** Names of the weights, default none. */
  weights?: readonly string[];
  /** Default true; false for layers that no gradient passes, as encodings. */
  differentiable?: boolean;
}

/** A layer called in a trace, with everything a run needs. */
function traced(layer: Layer, shapes: readonly Shape[], training: boolean) {
  const graph = new Graph();
  const inputs = shapes.map((shape, i) => input(graph, `x${i}`, shape));
  const trace = new Trace(graph, training, {
    seed: scalar(inputs[0]!, 7, 'int32'),
    step: scalar(inputs[0]!, 3, 'int32'),
  });
  const output = tracing(trace, () => layer(shapes.length === 1 ? inputs[0]! : inputs));
  return { graph, inputs, output };
}

function symbolic(layer: Layer, shapes: readonly Shape[]) {
  const inputs = shapes.map((shape) => Input({ shape: shape.slice(1) }));
  return layer(shapes.length === 1 ? inputs[0]! : inputs);
}

/** Central difference of `loss` in each element of `values`. */
function differences(values: Float64Array, loss: () => number): Float64Array {
  const epsilon = 1e-6;
  return Float64Array.from(values, (value, i) => {
    values[i] = value + epsilon;
    const above = loss();
    values[i] = value - epsilon;
    const below = loss();
    values[i] = value;
    return (above - below) / (2 * epsilon);
  });
}

function assertGradients(layer: Layer, shapes: readonly Shape[], training: boolean): void {
  const { graph, inputs, output } = traced(layer, shapes, training);
  const loss = reduceSum(mul(output, input(graph, 'c', output.shape)));
  const weights = [...layer.trainableWeights];
  const wrt: Value[] = [...inputs, ...weights.map((weight) => graph.variables.get(weight)!)];
  const found = gradients(loss, wrt);
  verify(graph, layer.where);

  const random = new RandomSequence(5, 1);
  const numbers = (shape: Shape) =>
    Float64Array.from({ length: sizeOf(shape) }, () => random.normal());
  const given: Record<string, Float64Array> = { c: numbers(output.shape) };
  shapes.forEach((shape, i) => {
    given[`x${i}`] = numbers(shape);
  });
  const values = new Map<VariableRef, Float64Array>(
    layer.weights.map((weight) => {
      const positive = /variance/.test(weight.name);
      return [weight, numbers(weight.shape).map((x) => (positive ? x * x + 0.5 : x))];
    }),
  );
  const run = () => evaluate(graph, given, (variable) => values.get(variable)!);
  const exact = run();
  const arrays = [...shapes.map((_, i) => given[`x${i}`]!), ...weights.map((w) => values.get(w)!)];
  arrays.forEach((array, i) => {
    const expected = differences(array, () => run().find(loss).data[0]!);
    const got = found[i] ? exact.find(found[i]!).data : new Float64Array(array.length);
    expected.forEach((value, j) => {
      const error = Math.abs(got[j]! - value);
      const what = i < shapes.length ? `input ${i}` : weights[i - shapes.length]!.path;
      assert.ok(
        error <= 1e-5 + 1e-3 * Math.abs(value),
        `${layer.where}, ${training ? 'training' : 'inference'}: gradient of ${what}[${j}] is ${got[j]}, by differences ${value}`,
      );
    });
  });
}

/** Checks all of it. */
export function checkLayer({
  make,
  shapes,
  weights = [],
  differentiable = true,
}: LayerCheck): void {
  const layer = make();
  const announced = symbolic(layer, shapes);
  assert.deepEqual(
    layer.weights.map(({ name }) => name),
    weights,
    'names of the weights',
  );
  for (const training of [false, true]) {
    const { output, graph } = traced(layer, shapes, training);
    verify(graph, layer.where);
    assert.equal(output.dtype, announced.dtype, 'announced type');
    assert.equal(announced.shape[0], null, 'the batch stays open');
    assert.deepEqual(announced.shape.slice(1), [...output.shape.slice(1)], 'announced shape');
  }

  const stored = JSON.parse(JSON.stringify(serializeLayer(layer)));
  const twin = layerFromConfig(stored);
  assert.equal(twin.constructor, layer.constructor);
  symbolic(twin, shapes);
  assert.deepEqual(JSON.parse(JSON.stringify(serializeLayer(twin))), stored, 'config round trip');
  assert.deepEqual(
    twin.weights.map(({ shape }) => shape),
    layer.weights.map(({ shape }) => shape),
  );
  twin.setWeights(layer.getWeights());

  if (!differentiable) return;
  assertGradients(layer, shapes, false);
  assertGradients(layer, shapes, true);
}
