/**
 * @file Platforms that lack something: no shared memory, no fused multiply-add, a content security policy without WebAssembly, too
 * little memory at any moment. What can run gives the same bits; what cannot says which word or how much is missing.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Region } from '../../src/backends/backend.ts';
import { i32, memory } from '../../src/backends/wasm/assembler/instructions.ts';
import { FunctionBuilder, ModuleBuilder } from '../../src/backends/wasm/assembler/module.ts';
import { WasmEngine } from '../../src/backends/wasm/engine.ts';
import { bestArithmetic } from '../../src/backends/wasm/features.ts';
import { EngineMemory } from '../../src/backends/wasm/memory.ts';
import { Threads } from '../../src/backends/wasm/threads.ts';
import { TsunoError } from '../../src/core/errors.ts';
import { RandomSequence } from '../../src/core/random.ts';
import { Session } from '../../src/runtime/session.ts';
import { during } from '../support/during.ts';
import { cases } from './cases.ts';
import { buildCase, makeInputs, runOnEngine } from './judge.ts';
import { SmallTraining } from './small_training.ts';

/** Whether an error has this code and says this. */
const says = (code: string, text: RegExp) => (error: unknown) => {
  assert.ok(error instanceof TsunoError, String(error));
  assert.equal(error.code, code);
  assert.match(error.message, text);
  return true;
};

async function train(session: Session): Promise<string> {
  const training = new SmallTraining();
  const { run } = await training.prepare(session);
  await run(6);
  session.close();
  return training.state();
}

// Must come first: what the platform can do is found out once.
test('without relaxed SIMD the arithmetic is the portable one', async () => {
  const { validate } = WebAssembly;
  // The probe with the fused instruction (0xfd, 0x85, 0x02) is the one that is longer.
  const old = (bytes: BufferSource) => {
    const code = Buffer.from(bytes as Uint8Array);
    return !code.includes(Buffer.from([0xfd, 0x85, 0x02])) && validate(bytes);
  };
  await during(WebAssembly, 'validate', old, async () => {
    assert.equal(await bestArithmetic(), 'portable');
  });
  const engine = await WasmEngine.start({ threads: 1, arithmetic: 'fused' });
  assert.equal(engine.arithmetic, 'portable');
  engine.dispose();
});

describe('without SharedArrayBuffer', () => {
  test('one thread, one hint, the same bits', async () => {
    const hints: string[] = [];
    const alone = await during(globalThis, 'SharedArrayBuffer', undefined, () =>
      Session.open({ threads: 3, arithmetic: 'portable', warn: (text) => hints.push(text) }),
    );
    assert.equal(alone.engine.threads, 1);
    assert.equal(hints.length, 1);
    assert.match(hints[0]!, /^one thread: .*COOP and COEP/);
    const bits = await train(alone);
    assert.equal(bits, await train(await Session.open({ threads: 3, arithmetic: 'portable' })));
  });

  test('one thread that was asked for needs no hint', async () => {
    const warn = () => assert.fail('a hint');
    const session = await during(globalThis, 'SharedArrayBuffer', undefined, () =>
      Session.open({ threads: 1, warn }),
    );
    session.close();
  });
});

describe('a page that may not compile WebAssembly', () => {
  // Joined code is compiled by another call, in Node alone.
  const asInBrowsers = { threads: 1, arithmetic: 'portable', revectorize: false } as const;
  const refusals = {
    Chrome: new WebAssembly.CompileError(
      "WebAssembly.compile(): Compiling or instantiating WebAssembly module violates the following Content Security policy directive because neither 'wasm-unsafe-eval' nor 'unsafe-eval' is an allowed source",
    ),
    'Chrome, embedded': new WebAssembly.CompileError(
      'WebAssembly.compile(): Wasm code generation disallowed by embedder',
    ),
    Firefox: new WebAssembly.CompileError('call to WebAssembly.compile() blocked by CSP'),
    Safari: new EvalError(
      "Refused to create a WebAssembly object because 'unsafe-eval' or 'wasm-unsafe-eval' is not an allowed source of script",
    ),
  };
  for (const [browser, refusal] of Object.entries(refusals)) {
    test(`${browser}: the missing word is named`, async () => {
      const session = await Session.open(asInBrowsers);
      const training = new SmallTraining();
      const refuse = () => Promise.reject(refusal);
      await during(WebAssembly, 'compile', refuse, () =>
        assert.rejects(training.prepare(session), says('COMPILE', /'wasm-unsafe-eval'/)),
      );
      await (await training.prepare(session)).run(1);
      session.close();
    });
  }

  test('a module that is not valid is a bug of ours', async () => {
    const session = await Session.open(asInBrowsers);
    const invalid = new WebAssembly.CompileError(
      'WebAssembly.compile(): expected 1 elements on the stack',
    );
    const refuse = () => Promise.reject(invalid);
    await during(WebAssembly, 'compile', refuse, () =>
      assert.rejects(new SmallTraining().prepare(session), /^Error: internal: the emitted module/),
    );
    session.close();
  });
});

describe('memory that cannot grow', () => {
  /** Makes the n-th growth from now on fail, and all after it. */
  function limitGrowth({ memory }: EngineMemory, allowed: number): () => void {
    let grown = 0;
    memory.grow = (pages) => {
      if (grown++ >= allowed) throw new RangeError('WebAssembly.Memory.grow(): Unable to grow');
      return WebAssembly.Memory.prototype.grow.call(memory, pages);
    };
    return () => Reflect.deleteProperty(memory, 'grow');
  }

  test('at any growth: a typed error, and what was there before works', async () => {
    const expected = await train(await Session.open({ threads: 1, arithmetic: 'portable' }));
    let refusals = 0;
    for (let allowed = 0; ; allowed++) {
      const session = await Session.open({ threads: 2, arithmetic: 'portable' });
      const engine = session.engine as WasmEngine;
      const first = new SmallTraining();
      const { run } = await first.prepare(session);
      await run(3);
      const lift = limitGrowth(engine.memory, allowed);
      const regions: Region[] = [];
      let failed = false;
      try {
        for (let i = 0; i < 5; i++) regions.push(engine.allocate(3 * 2 ** 20));
        // A larger arena: the old one is given up for it, and taken back.
        const big = cases.find(
          ({ name }) => name === 'conv2d 2,8,8,32 5,5,32,8 {"padding":[[2,2],[2,2]]}',
        )!;
        const large = {
          ...big,
          inputs: big.inputs.map((spec) => ({
            ...spec,
            shape: spec.shape.map((extent, axis) =>
              axis === 0 && spec.shape[0] === 2 ? 400 : extent,
            ),
          })),
        };
        const given = makeInputs(large.inputs);
        await runOnEngine(
          engine,
          buildCase(large),
          Object.fromEntries(given.map((data, i) => [`x${i}`, data])),
        );
      } catch (error) {
        failed = true;
        refusals++;
        says('MEMORY', /must grow to \d+ MB, received a refusal by the platform/)(error);
      }
      lift();
      for (const region of regions) engine.free(region);
      assert.equal(await run(3), 3);
      session.close();
      assert.equal(first.state(), expected, `after a refusal at growth ${allowed + 1}`);
      if (!failed) break;
    }
    assert.ok(refusals >= 5, `${refusals} refusals`);
  });

  test('a thread that receives the memory while it grows sees all of it', async () => {
    const module = new ModuleBuilder();
    const fn = new FunctionBuilder('run', new Array<'i32'>(5).fill('i32'));
    const [, , address] = fn.params;
    fn.push(memory.fill(address!.get(), i32.const(1), i32.const(64)));
    module.add(fn, 'run');
    const limits = { initial: 16, maximum: 16384, shared: true };
    const compiled = new WebAssembly.Module(module.encode(limits));
    const threads = await Threads.start(1);
    for (let program = 0; program < 1000; program++) {
      const shared = new WebAssembly.Memory(limits);
      threads.load(program, compiled, shared);
      // The thread takes some tenths of a millisecond to receive it.
      for (const until = performance.now() + (program % 30) / 100; performance.now() < until; );
      shared.grow(3);
      const memoryBytes = shared.buffer.byteLength;
      const request = { program, arena: memoryBytes - 64, control: 0, steps: 1, memoryBytes };
      await threads.run(request, () => undefined);
      threads.forget(program);
    }
    await threads.terminate();
  });

  test('programs that come and go leave no memory behind', async () => {
    const engine = await WasmEngine.start({ threads: 2 });
    const given = (one: (typeof cases)[number]) =>
      Object.fromEntries(makeInputs(one.inputs).map((data, i) => [`x${i}`, data]));
    const round = async () => {
      for (const one of cases.slice(40, 70)) await runOnEngine(engine, buildCase(one), given(one));
    };
    await round();
    const before = engine.memory.buffer.byteLength;
    for (let i = 0; i < 5; i++) await round();
    assert.equal(engine.memory.buffer.byteLength, before);
    engine.dispose();
  });
});

describe('regions', () => {
  test('never overlap, are zero, and are whole again when all are freed', () => {
    const memory = new EngineMemory(false);
    const random = new RandomSequence(4, 4);
    const first = memory.allocate(1);
    memory.free(first);
    const held: Region[] = [];
    for (let i = 0; i < 3000; i++) {
      if (held.length > 0 && random.uniform() < 0.48) {
        memory.free(held.splice(random.below(held.length), 1)[0]!);
        continue;
      }
      const region = memory.allocate(random.below(3000));
      const bytes = new Uint8Array(memory.buffer, region.address, region.bytes);
      assert.ok(
        bytes.every((byte) => byte === 0),
        'not zero',
      );
      bytes.fill(255);
      for (const other of held) {
        const apart =
          region.address + region.bytes <= other.address ||
          other.address + other.bytes <= region.address;
        assert.ok(apart, 'two regions overlap');
      }
      assert.equal(region.address % 64, 0);
      held.push(region);
    }
    for (const region of held) memory.free(region);
    const size = memory.buffer.byteLength;
    assert.equal(memory.allocate(1).address, first.address);
    memory.allocate(size / 2);
    assert.equal(memory.buffer.byteLength, size);
  });

  test('a region that is taken back is nobody else’s', () => {
    const memory = new EngineMemory(false);
    const regions = [100, 200, 300, 400].map((bytes) => memory.allocate(bytes));
    for (const [i, region] of regions.entries()) {
      memory.free(region);
      memory.reclaim(region);
      const other = memory.allocate(50);
      for (const known of regions)
        assert.ok(
          other.address >= known.address + known.bytes ||
            other.address + other.bytes <= known.address,
          `${i}`,
        );
      memory.free(other);
    }
    memory.free(regions[1]!);
    memory.free(regions[2]!);
    memory.reclaim(regions[2]!);
    assert.equal(memory.allocate(200).address, regions[1]!.address);
  });
});

test('addresses beyond 2 GiB, and regions that lie across', async (t) => {
  const plain = await WasmEngine.start({ threads: 2, arithmetic: 'portable' });
  const chosen = cases.filter(({ name }) =>
    /^(conv2d|conv relu pool|matmul 33|max pool|sum 33|softmax|concat)/.test(name),
  );
  assert.ok(chosen.length > 20);
  for (const before of [40_000, 10_000, -100_000]) {
    const engine = await WasmEngine.start({ threads: 2, arithmetic: 'portable' });
    try {
      engine.allocate(2 ** 31 - before);
    } catch (error) {
      says('MEMORY', /must grow/)(error);
      t.skip('the platform grants less than 2 GiB');
      engine.dispose();
      break;
    }
    for (const one of chosen) {
      const given = Object.fromEntries(makeInputs(one.inputs).map((data, i) => [`x${i}`, data]));
      const expected = await runOnEngine(plain, buildCase(one), given);
      assert.deepEqual(await runOnEngine(engine, buildCase(one), given), expected, one.name);
    }
    engine.dispose();
  }
  plain.dispose();
});
