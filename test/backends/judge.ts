/** @file Runs a graph on the engine and on the float64 reference and compares every result. */
import assert from 'node:assert/strict';
import type { Region } from '../../src/backends/backend.ts';
import { evaluate } from '../../src/backends/reference/evaluate.ts';
import { type EngineOptions, WasmEngine } from '../../src/backends/wasm/engine.ts';
import { bytesOf, type DType } from '../../src/core/dtype.ts';
import { RandomSequence } from '../../src/core/random.ts';
import { type Shape, sizeOf } from '../../src/core/shape.ts';
import { Graph, type Value } from '../../src/ir/graph.ts';
import { input } from '../../src/ops/index.ts';

export interface InputSpec {
  shape: Shape;
  dtype?: DType;
  /** Element from a uniform number in [0, 1); default −1 … 1. */
  fill?: (u: number, index: number) => number;
}

export interface Case {
  name: string;
  inputs: readonly InputSpec[];
  build(inputs: readonly Value[]): readonly Value[];
  /** Default rtol 2e-6, atol 2e-6. */
  tolerance?: { rtol: number; atol: number };
}

/** Inputs as the engine gets them: float32 values, whole numbers for the others. */
export function makeInputs(specs: readonly InputSpec[], seed = 1): Float64Array[] {
  const random = new RandomSequence(seed, 77);
  return specs.map(({ shape, dtype = 'float32', fill = (u) => u * 2 - 1 }) =>
    Float64Array.from({ length: sizeOf(shape) }, (_, i) => {
      const value = fill(random.uniform(), i);
      return dtype === 'float32' ? Math.fround(value) : Math.trunc(value);
    }),
  );
}

export interface Run {
  results: Map<string, Float64Array>;
}

export async function runOnEngine(
  engine: WasmEngine,
  graph: Graph,
  given: Readonly<Record<string, Float64Array>>,
): Promise<Map<string, Float64Array>> {
  const regions: Region[] = [];
  const program = await engine.compile(graph, () => {
    throw new Error('no variables here');
  });
  const inputs = Object.fromEntries(
    program.plan.inputs.map(({ name, shape, dtype }) => {
      const region = engine.allocate(sizeOf(shape) * bytesOf(dtype));
      regions.push(region);
      engine.view(region, dtype, shape).set(given[name]!);
      return [name, { region }];
    }),
  );
  await engine.run(program, { inputs });
  const results = new Map<string, Float64Array>();
  for (const name of graph.outputs.keys())
    results.set(name, Float64Array.from(engine.output(program, name)));
  for (const region of regions) engine.free(region);
  program.dispose();
  return results;
}

/** Builds the case's graph, with results named 0, 1, … */
export function buildCase({ inputs, build }: Case): Graph {
  const graph = new Graph();
  const values = inputs.map(({ shape, dtype }, i) => input(graph, `x${i}`, shape, dtype));
  build(values).forEach((value, i) => {
    graph.outputs.set(String(i), value);
  });
  return graph;
}

export async function judge(engine: WasmEngine, one: Case, seed = 1): Promise<void> {
  const graph = buildCase(one);
  const given = Object.fromEntries(makeInputs(one.inputs, seed).map((data, i) => [`x${i}`, data]));
  const expected = evaluate(graph, given, () => []);
  const found = await runOnEngine(engine, graph, given);
  for (const [name, { data }] of expected.outputs) {
    assertClose(found.get(name)!, data, one.tolerance, `${one.name}, result ${name}`);
  }
}

export function assertClose(
  found: ArrayLike<number>,
  expected: ArrayLike<number>,
  { rtol, atol } = { rtol: 2e-6, atol: 2e-6 },
  label = '',
): void {
  assert.equal(found.length, expected.length, `${label}: length`);
  for (let i = 0; i < expected.length; i++) {
    const [a, b] = [found[i]!, expected[i]!];
    if (Object.is(a, b) || a === b || Math.abs(a - b) <= atol + rtol * Math.abs(b)) continue;
    assert.fail(`${label}: element ${i} is ${a}, expected ${b}`);
  }
}

const engines = new Map<string, Promise<WasmEngine>>();

/** One engine for each set of options in a test file; all are stopped by {@link stopEngines}. */
export function engineOf(options: EngineOptions): Promise<WasmEngine> {
  const key = JSON.stringify(options);
  const known = engines.get(key) ?? WasmEngine.start(options);
  engines.set(key, known);
  return known;
}

export async function stopEngines(): Promise<void> {
  for (const engine of engines.values()) (await engine).dispose();
  engines.clear();
}
