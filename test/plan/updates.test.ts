/**
 * @file What a step leaves in its variables: new values computed from the old ones, whatever reads what and in whatever order;
 * swaps, chains, old values as results. Judged by the reference, in poisoned memory and on the engine for many steps.
 */
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import type { Region } from '../../src/backends/backend.ts';
import { evaluate } from '../../src/backends/reference/evaluate.ts';
import { Graph, type Value, type VariableRef } from '../../src/ir/graph.ts';
import * as ops from '../../src/ops/index.ts';
import { engineOf, stopEngines } from '../backends/judge.ts';
import { Draw } from '../backends/random_cases.ts';
import { poisons, runInZones } from '../backends/red_zones.ts';

interface Step {
  graph: Graph;
  variables: readonly VariableRef[];
}

const shape = [2, 4];

function variable(name: string): VariableRef {
  return { name, shape, dtype: 'float32' };
}

/** A step over some variables whose new values are small functions of any of the old ones. */
function randomStep(draw: Draw): Step {
  const graph = new Graph();
  const variables = Array.from({ length: draw.int(1, 4) }, (_, i) => variable(`v${i}`));
  const x = ops.input(graph, 'x', shape);
  const old = variables.map((one) => ops.read(graph, one));
  const values: Value[] = [...old, x];
  const some = () => draw.pick(values);
  for (let i = draw.int(0, 5); i > 0; i--) {
    const makers: readonly (() => Value)[] = [
      () => ops.mul(ops.add(some(), some()), 0.5),
      () => ops.sub(some(), some()),
      () => ops.transpose(ops.reshape(some(), [4, 2]), [1, 0]),
      () => ops.reshape(ops.reshape(some(), [8]), shape),
      () => ops.add(some(), ops.mul(ops.reduceSum(some(), [0], true), 0.25)),
      () => ops.relu(some()),
    ];
    values.push(draw.pick(makers)());
  }
  for (const one of variables) if (draw.chance(0.8)) graph.updates.set(one, some());
  for (let i = draw.int(0, 2); i > 0; i--) graph.outputs.set(`r${i}`, some());
  if (graph.results().length === 0) graph.outputs.set('x', ops.add(x, 1));
  return { graph, variables };
}

const start = (variables: readonly VariableRef[]) =>
  new Map(
    variables.map((one, i) => [
      one,
      Float64Array.from({ length: 8 }, (_, j) => ((i * 8 + j) * 5) % 7),
    ]),
  );
const given = { x: Float64Array.from([1, -2, 3, -4, 5, -6, 7, -8]) };

function asFloats(bytes: Uint8Array): number[] {
  return [...new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4)];
}

/** One step in zones, judged by the reference. */
function checkStep({ graph, variables }: Step, label: string): void {
  const before = start(variables);
  const expected = evaluate(graph, given, (one) => before.get(one)!);
  const found = runInZones(graph, given, (one) => before.get(one)!, {
    threads: 3,
    join: 2,
    arithmetic: 'portable',
    poison: poisons.signallingNaN,
  });
  for (const [one, { data }] of expected.updates)
    assert.deepEqual(asFloats(found.updates.get(one)!), [...data], `${label}: ${one.name}`);
  for (const [name, { data }] of expected.outputs)
    assert.deepEqual(asFloats(found.outputs.get(name)!), [...data], `${label}: result ${name}`);
}

/** A step made by hand: from the old values of a, b, c to new ones. */
function stepOf(
  change: (
    old: { a: Value; b: Value; c: Value },
    graph: Graph,
  ) => Partial<Record<'a' | 'b' | 'c', Value>>,
): Step {
  const graph = new Graph();
  ops.input(graph, 'x', shape);
  const [a, b, c] = ['a', 'b', 'c'].map(variable) as [VariableRef, VariableRef, VariableRef];
  const old = { a: ops.read(graph, a), b: ops.read(graph, b), c: ops.read(graph, c) };
  const changed = change(old, graph);
  for (const [name, one] of Object.entries({ a, b, c })) {
    const value = changed[name as 'a'];
    if (value) graph.updates.set(one, value);
  }
  return { graph, variables: [a, b, c] };
}

describe('one step', () => {
  test('two variables change places', () => {
    checkStep(
      stepOf(({ a, b }) => ({ a: b, b: a })),
      'swap',
    );
  });
  test('three go round', () => {
    checkStep(
      stepOf(({ a, b, c }) => ({ a: b, b: c, c: a })),
      'round',
    );
  });
  test('one keeps the old value of another', () => {
    checkStep(
      stepOf(({ a, b }) => ({ a: ops.add(a, b), b: a })),
      'history',
    );
    checkStep(
      stepOf(({ a, b }) => ({ b: a, a: ops.add(a, b) })),
      'history, other order',
    );
  });
  test('an old value is a result', () => {
    checkStep(
      stepOf(({ a, b }, graph) => {
        graph.outputs.set('before', a);
        return { a: ops.mul(a, b) };
      }),
      'result',
    );
  });
  test('a new value is a result, an input is a new value, a number is one', () => {
    checkStep(
      stepOf(({ a, b }, graph) => {
        const next = ops.mul(a, b);
        graph.outputs.set('after', next);
        graph.outputs.set('given', graph.nodes[0]!.outputs[0]!);
        return {
          a: next,
          b: graph.nodes[0]!.outputs[0]!,
          c: ops.broadcast(ops.scalar(a, 3), shape),
        };
      }),
      'kinds',
    );
  });
  test('random steps', () => {
    for (let seed = 1; seed <= 400; seed++)
      checkStep(randomStep(new Draw(seed, 500)), `seed ${seed}`);
  });
});

test('on the engine, five steps at once are five steps', async () => {
  const engine = await engineOf({ threads: 3, arithmetic: 'portable' });
  for (let seed = 1; seed <= 60; seed++) {
    const { graph, variables } = randomStep(new Draw(seed, 501));
    const regions = new Map<VariableRef, Region>();
    const program = await engine.compile(graph, (one) => {
      const region = regions.get(one) ?? engine.allocate(32);
      regions.set(one, region);
      return region;
    });
    let expected = new Map<VariableRef, ArrayLike<number>>(start(variables));
    for (const [one, region] of regions)
      engine.view(region, 'float32', shape).set(expected.get(one)!);
    const x = engine.allocate(32);
    engine.view(x, 'float32', shape).set(given.x);
    const inputs = { x: { region: x } };
    assert.equal(await engine.run(program, { steps: 5, inputs }), 5);
    let outputs = new Map<string, ArrayLike<number>>();
    for (let step = 0; step < 5; step++) {
      const one = evaluate(graph, given, (ref) => expected.get(ref)!);
      const next = new Map(expected);
      for (const [ref, { data }] of one.updates) next.set(ref, data);
      outputs = new Map([...one.outputs].map(([name, { data }]) => [name, data]));
      expected = next;
    }
    const near = (found: ArrayLike<number>, exact: ArrayLike<number>, label: string) =>
      Array.from(exact).forEach((value, i) => {
        assert.ok(
          Math.abs(found[i]! - value) <= 1e-5 * (1 + Math.abs(value)),
          `seed ${seed}: ${label}[${i}] is ${found[i]}, not ${value}`,
        );
      });
    for (const [one, region] of regions)
      near(engine.view(region, 'float32', shape), expected.get(one)!, one.name);
    for (const [name, data] of outputs) near(engine.output(program, name), data, name);
    program.dispose();
    for (const region of [x, ...regions.values()]) engine.free(region);
  }
});

after(stopEngines);
