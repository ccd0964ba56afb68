/**
 * @file Vectors joined in pairs: the same bits as vectors that are not, in the check at the start and in whole steps; and a
 * check that finds other bits turns joining off.
 */
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { kernelOf } from '../../src/backends/wasm/emit.ts';
import { bestArithmetic } from '../../src/backends/wasm/features.ts';
import { bestJoin, compileFor } from '../../src/backends/wasm/joining.ts';
import { passesFor } from '../../src/backends/wasm/lowering/passes.ts';
import { checkedStep, selfCheck } from '../../src/backends/wasm/self_check.ts';
import { runPasses } from '../../src/passes/index.ts';
import { makePlan } from '../../src/plan/plan.ts';
import { bitsOf, smallModel, stripes } from '../support/small_models.ts';
import { cases } from './cases.ts';
import { buildCase, engineOf, makeInputs, runOnEngine, stopEngines } from './judge.ts';

const canJoin = Number(process.versions.node.split('.')[0]) >= 24 && process.arch === 'x64';
const reason = 'V8 joins vectors from Node 24 on, on x64';

describe('the check at the start', () => {
  const graph = checkedStep();
  const plan = makePlan(runPasses(graph, passesFor[2]), { threads: 1, cost: kernelOf });

  test('has every family of kernels with tiles of its own for joined vectors', () => {
    const names = new Set(plan.kernels.map(({ node }) => node.op.name));
    for (const name of [
      'panel_conv',
      'panel_conv_pool',
      'winograd_conv',
      'winograd_conv_pool',
      'winograd_partials',
      'filter_partials',
      'pooled_filter_partials',
      'rows_input_gradient',
      'depthwise_conv',
      'depthwise_filter',
      'nonzero_lists',
      'listed_product',
      'listed_gradient',
      'masked_product',
      'fused',
      'fused_sum',
    ])
      assert.ok(names.has(name), `${name} is not among ${[...names].join(', ')}`);
  });

  test('passes here', { skip: canJoin ? false : reason }, async () => {
    assert.equal(await selfCheck(compileFor), true);
    assert.equal(await bestJoin(), 2);
  });

  test('a process stays while code is compiled in the background', async () => {
    const timers = () =>
      process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const before = timers();
    const empty = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
    const module = compileFor(empty, 1);
    assert.equal(timers(), before + 1);
    await module;
    assert.equal(timers(), before);
  });

  test('fails where joined code computes something else', async () => {
    await bestArithmetic(); // Node 20 hides relaxed SIMD until it is asked.
    // A compiler that turns the first f32x4.mul (0xfd 0xe6 0x01) of joined code into f32x4.add (0xfd 0xe4 0x01).
    const wrong = await selfCheck((bytes, join) => {
      const mul = bytes.findIndex(
        (byte, i) => byte === 0xfd && bytes[i + 1] === 0xe6 && bytes[i + 2] === 0x01,
      );
      assert.ok(mul > 0);
      if (join === 2) bytes[mul + 1] = 0xe4;
      return WebAssembly.compile(bytes);
    });
    assert.equal(wrong, false);
  });
});

test('every case of the table gives the same bits joined and not', {
  skip: canJoin ? false : reason,
}, async () => {
  const engines = await Promise.all(
    [true, false].map((revectorize) => engineOf({ threads: 1, revectorize })),
  );
  assert.deepEqual(
    engines.map(({ join }) => join),
    [2, 1],
  );
  for (const one of cases) {
    const graph = buildCase(one);
    const given = Object.fromEntries(makeInputs(one.inputs).map((data, i) => [`x${i}`, data]));
    const [joined, plain] = await Promise.all(
      engines.map((engine) => runOnEngine(engine, graph, given)),
    );
    assert.deepEqual(joined, plain, one.name);
  }
});

test('training gives the same bits joined and not', async () => {
  const bits = [];
  for (const revectorize of [true, false]) {
    const model = smallModel({ revectorize });
    await model.fit(stripes(64), { batchSize: 8, epochs: 2, seed: 3, verbose: 0 });
    assert.equal((await model.engine()).revectorized, revectorize && canJoin);
    bits.push(bitsOf(model));
    model.close();
  }
  assert.deepEqual(bits[0], bits[1]);
});

after(stopEngines);
