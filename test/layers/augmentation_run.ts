/** @file What the tests of augmentation share: images, layers run on them in training, and how results are compared. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { WasmEngine } from '../../src/backends/wasm/engine.ts';
import { type Shape, sizeOf } from '../../src/core/shape.ts';
import { Graph } from '../../src/ir/graph.ts';
import type { Layer } from '../../src/layers/layer.ts';
import type { Config } from '../../src/layers/serialized.ts';
import { Trace, tracing } from '../../src/layers/trace.ts';
import { input, scalar } from '../../src/ops/index.ts';
import { root } from '../repository/sources.ts';
import { engineBackend } from './engine_backend.ts';
import { type CaseBackend, referenceBackend } from './run_case.ts';

export interface Numbers {
  shape: number[];
  data: ArrayLike<number>;
}

export interface KerasFile {
  config: Config;
  input: Numbers;
  /** Those of which each image may have one. */
  outputs: Numbers[];
}

/** What Keras computed, from test/fixtures/keras/augmentation. */
export function fixture<T>(name: string): T {
  const path = join(root, 'test', 'fixtures', 'keras', 'augmentation', `${name}.json`);
  return JSON.parse(readFileSync(path, 'utf8')) as T;
}

export interface RunOptions {
  backend?: CaseBackend;
  training?: boolean;
  step?: number;
  onGraph?: (graph: Graph) => void;
}

/** What the layer makes of its inputs, one list of numbers for each output. */
export async function run(
  layer: Layer,
  inputs: readonly Numbers[],
  { backend = referenceBackend, training = true, step = 3, onGraph }: RunOptions = {},
): Promise<Numbers[]> {
  const graph = new Graph();
  onGraph?.(graph);
  const values = inputs.map(({ shape }, i) => input(graph, `x${i}`, shape));
  const trace = new Trace(graph, training, {
    seed: scalar(values[0]!, 7, 'int32'),
    step: scalar(values[0]!, step, 'int32'),
  });
  const outputs = tracing(trace, () => layer.outputsOf(values.length === 1 ? values[0]! : values));
  outputs.forEach((value, i) => {
    graph.outputs.set(`y${i}`, value);
  });
  const given = Object.fromEntries(inputs.map(({ data }, i) => [`x${i}`, data]));
  const found = await backend(graph, given, () => []);
  return outputs.map(({ shape }, i) => ({ shape: [...shape], data: found.outputs.get(`y${i}`)! }));
}

/** Images whose pixels are numbered. */
export const counted = (...shape: number[]): Numbers => ({
  shape,
  data: Float32Array.from({ length: sizeOf(shape) }, (_, i) => i),
});

export const imagesOf = ({ shape, data }: Numbers): number[][] => {
  const size = sizeOf(shape.slice(1));
  const all = Array.from(data);
  return Array.from({ length: shape[0]! }, (_, i) => all.slice(i * size, (i + 1) * size));
};

export const mean = (numbers: readonly number[]) =>
  numbers.reduce((sum, x) => sum + x, 0) / numbers.length;

export const largestError = (a: readonly number[], b: readonly number[]) =>
  a.reduce((worst, x, i) => Math.max(worst, Math.abs(x - b[i]!)), 0);

/** Images of which statistics are taken. */
export const many = 2000;
export const constant = (shape: Shape, value: number): Numbers => ({
  shape: [...shape],
  data: new Float32Array(sizeOf(shape)).fill(value),
});
/** Four standard errors of a mean of `count` numbers of this deviation. */
export const near = (deviation: number, count = many) => (4 * deviation) / Math.sqrt(count);

/** An engine of two threads for the tests of a file, started before them and disposed of after. */
export function engineOfFile(): CaseBackend {
  let engine: WasmEngine;
  before(async () => {
    engine = await WasmEngine.start({ threads: 2 });
  });
  after(() => engine.dispose());
  return (...run) => engineBackend(engine)(...run);
}
