/** @file Sessions: who has the newest value of a variable, when it moves, and what two runs at a time may not do. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TsunoError } from '../../src/core/errors.ts';
import { tensor } from '../../src/core/tensor.ts';
import { Graph } from '../../src/ir/graph.ts';
import { Variable } from '../../src/layers/variable.ts';
import * as ops from '../../src/ops/index.ts';
import { Session } from '../../src/runtime/session.ts';

const options = { threads: 2, arithmetic: 'portable' } as const;

/** A session whose step is total += x and count += 1, on its own or on given variables. */
async function counting(
  known?: { total: Variable<'float32'>; count: Variable<'int32'> },
  threads = 2,
) {
  const total = known?.total ?? new Variable<'float32'>({ name: 'total', shape: [3] });
  const count = known?.count ?? new Variable<'int32'>({ name: 'count', shape: [], dtype: 'int32' });
  const graph = new Graph();
  const x = ops.input(graph, 'x', [3]);
  graph.updates.set(total, ops.add(ops.read(graph, total), x));
  graph.updates.set(count, ops.intAdd(ops.read(graph, count), 1));
  graph.outputs.set('doubled', ops.mul(x, 2));
  const session = await Session.open({ ...options, threads });
  const program = await session.compile(graph);
  const region = session.lend(tensor([1, 2, 3]));
  const run = (steps = 1) => session.run(program, { steps, inputs: { x: { region } } });
  return { session, program, region, run, total, count };
}

describe('the newest value', () => {
  test('the engine has it after a run, the host after an assignment', async () => {
    const { session, run, total, count } = await counting();
    total.assign([10, 0, 0]);
    await run(2);
    assert.deepEqual([...total.data], [12, 4, 6]);
    total.assign([0, 0, 1]);
    assert.deepEqual([...total.data], [0, 0, 1]);
    await run();
    assert.deepEqual([...total.data], [1, 2, 4]);
    assert.deepEqual([...count.data], [3]);
    session.close();
  });

  test('closing brings it home', async () => {
    const { session, run, total } = await counting();
    await run(3);
    session.close();
    assert.deepEqual([...total.data], [3, 6, 9]);
  });

  test('it goes from session to session', async () => {
    const one = await counting();
    const other = await counting(one);
    await one.run();
    await other.run(2);
    await one.run();
    assert.deepEqual([...one.total.data], [4, 8, 12]);
    await other.run();
    other.session.close();
    one.session.close();
    assert.deepEqual([...one.total.data], [5, 10, 15]);
    assert.deepEqual([...one.count.data], [5]);
  });

  test('it can be read in mid-run, and what is assigned then counts from the next run on', async () => {
    const { session, run, total, count } = await counting();
    const long = run(20_000);
    while (count.data[0] === 0) await new Promise((resolve) => setTimeout(resolve));
    assert.ok(count.data[0]! > 0);
    total.assign([0, 0, 0]);
    assert.equal(await long, 20_000);
    assert.deepEqual([...total.data], [0, 0, 0]);
    assert.deepEqual([...count.data], [20_000]);
    await run();
    assert.deepEqual([...total.data], [1, 2, 3]);
    session.close();
  });

  test('a second run is refused before it moves anything', async () => {
    const { session, run, total, count } = await counting();
    await run();
    const long = run(20_000);
    total.assign([7, 7, 7]);
    await assert.rejects(run(), (error) => error instanceof TsunoError && error.code === 'STATE');
    assert.equal(await long, 20_000);
    assert.deepEqual([...count.data], [20_001]);
    assert.deepEqual([...total.data], [7, 7, 7]);
    session.close();
  });
});

describe('runs', () => {
  test('aborting ends a run at a whole step', async () => {
    const { session, run, total, count, program, region } = await counting();
    await run();
    const stop = new AbortController();
    const seen: number[] = [];
    const progress = (done: number) => {
      seen.push(done);
      stop.abort();
    };
    const steps = 100_000_000;
    const inputs = { x: { region } };
    const done = await session.run(program, { steps, inputs, progress, signal: stop.signal });
    assert.ok(done > 0 && done < steps);
    assert.ok(seen.length > 0);
    assert.equal(count.data[0], done + 1);
    assert.ok(total.data[1]! > 0);
    session.close();
  });

  test('inputs move by their stride, results too', async () => {
    const graph = new Graph();
    const x = ops.input(graph, 'x', [2]);
    graph.outputs.set('y', ops.mul(x, 10));
    const session = await Session.open(options);
    const program = await session.compile(graph, { streamed: ['y'] });
    const region = session.lend(tensor([1, 2, 3, 4, 5, 6]));
    const sink = session.reserve(24);
    const inputs = { x: { region, stride: 8 }, y: { region: sink, stride: 8 } };
    await session.run(program, { steps: 3, inputs });
    assert.deepEqual([...session.engine.view(sink, 'float32', [6])], [10, 20, 30, 40, 50, 60]);
    session.close();
  });

  test('a result that is not 0 halts the run after its step', async () => {
    const count = new Variable<'int32'>({ name: 'count', shape: [], dtype: 'int32' });
    const graph = new Graph();
    const next = ops.intAdd(ops.read(graph, count), 1);
    graph.updates.set(count, next);
    graph.outputs.set('halt', ops.cast(ops.intEqual(next, 5), 'int32'));
    for (const threads of [1, 2]) {
      count.assign([0]);
      const session = await Session.open({ ...options, threads });
      const program = await session.compile(graph, { halt: 'halt' });
      assert.equal(await session.run(program, { steps: 100, inputs: {} }), 5);
      session.close();
      assert.equal(count.data[0], 5);
    }
  });

  test('a program that is disposed ends its run, and is loaded anew where it is run again', async () => {
    for (const threads of [1, 2]) {
      const { session, run, program, count, total } = await counting(undefined, threads);
      const long = run(20_000);
      program.dispose();
      // Where it lay something else may lie now.
      const other = session.reserve(4096);
      assert.equal(await long, 20_000);
      const bytes = session.engine.view(other, 'uint8', [4096]);
      assert.ok(bytes.every((byte) => byte === 0));
      bytes.fill(255);
      for (let i = 0; i < 3; i++) assert.equal(await run(2), 2);
      assert.deepEqual([...count.data], [20_006]);
      assert.deepEqual([...total.data], [20_006, 40_012, 60_018]);
      assert.ok(bytes.every((byte) => byte === 255));
      session.close();
    }
  });

  test('a run of no steps changes nothing', async () => {
    const { session, run, total } = await counting();
    assert.equal(await run(0), 0);
    assert.deepEqual([...total.data], [0, 0, 0]);
    session.close();
  });
});
