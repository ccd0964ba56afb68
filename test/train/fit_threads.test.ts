/**
 * @file fit 29: threads that die, leave, run out of memory, fall silent or never come, each at twenty moments. `fit` ends
 * with a typed error that names the cause, the state is to the bit that after the last whole step, and `fit` works again.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, mock, test } from 'node:test';
import { Callback } from '../../src/callbacks/index.ts';
import { TsunoError } from '../../src/core/errors.ts';
import { RandomSequence } from '../../src/core/random.ts';
import type { Model } from '../../src/model/model.ts';
import type { Fault } from '../backends/fault_worker.ts';
import { started, useScript, watchWorkers } from '../backends/workers.ts';
import { bitsOf, smallModel, stripes } from '../support/small_models.ts';

const faultScript = new URL('../backends/fault_worker.js', import.meta.url);
const moments = 20;
/** Seconds: longer than a busy machine lets a healthy thread wait. */
const watchdog = 1.5;
const data = stripes(4000);
const options = { batchSize: 4, seed: 3, epochs: 50, verbose: 0 } as const;
const random = new RandomSequence(29, 1);

before(watchWorkers);
after(() => useScript());

const hashOf = (model: Model) => createHash('sha256').update(bitsOf(model).join()).digest('hex');
const stepsOf = (model: Model) => model.optimizer.iterations.data[0]!;

/** Hashes after 0, 1, 2, … steps of the fit of all tests here, on one undisturbed thread; as many as were needed. */
const states: string[] = [];

async function stateAfter(steps: number): Promise<string> {
  if (states.length <= steps) {
    const model = smallModel({ threads: 1 });
    const controller = new AbortController();
    states.length = 0;
    class Record extends Callback {
      override onTrainBegin(): void {
        states.push(hashOf(this.model as Model));
      }
      override onTrainBatchEnd(): void {
        states.push(hashOf(this.model as Model));
        if (states.length > 2 * steps) controller.abort();
      }
    }
    await model.fit(data, { ...options, callbacks: [new Record()], signal: controller.signal });
    model.close();
  }
  return states[steps]!;
}

/** The error of a fit that must fail. */
async function failureOf(fitted: Promise<unknown>): Promise<TsunoError> {
  const error = await fitted.then(
    () => assert.fail('it did not fail'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof TsunoError, String(error));
  assert.equal(error.code, 'WORKER', error.message);
  return error;
}

/** Training goes on, as that of a model on one thread which was given the same state. */
async function goesOn(model: Model, compared = true): Promise<void> {
  if (!compared) {
    const before = stepsOf(model);
    await model.fit(data.take(42), { ...options, epochs: 2 });
    assert.equal(stepsOf(model), before + 22);
    return;
  }
  const other = smallModel({ threads: 1 });
  await other.fit(data.take(4), options);
  const to = [...other.weights, ...other.optimizer.variables];
  [...model.weights, ...model.optimizer.variables].forEach((variable, i) => {
    to[i]!.assign(variable.data);
  });
  const more = { ...options, epochs: 2 };
  for (const one of [model, other]) await one.fit(data.take(42), more);
  assert.deepEqual(bitsOf(model), bitsOf(other));
  other.close();
}

describe('fit 29: a thread that fails by itself after so many steps', () => {
  const kinds: [fault: Fault['fault'], says: RegExp][] = [
    ['throw', /thrown on purpose/],
    ['exit', /exit with code 3/],
    ['memory', /memory limit/],
  ];
  for (const [fault, says] of kinds) {
    test(`${fault}, ${moments} moments`, async () => {
      for (let moment = 0; moment < moments; moment++) {
        const [threads, steps] = [random.below(3) + 1, random.below(60)];
        const culprit = random.below(threads);
        const small = { resourceLimits: { maxOldGenerationSizeMb: 16 } };
        useScript(
          faultScript,
          { culprit, fault, steps } satisfies Fault,
          fault === 'memory' ? small : {},
        );
        const model = smallModel({ threads });
        assert.equal((await model.engine()).threads, threads);
        useScript();
        const error = await failureOf(model.fit(data, options));
        const what = `thread ${culprit} of ${threads}, ${steps} steps`;
        assert.match(error.message, says);
        assert.match(error.message, new RegExp(`epoch 1, step ${steps + 1} of 1000, thread`), what);
        assert.equal(stepsOf(model), steps, what);
        assert.equal(hashOf(model), await stateAfter(steps), what);
        await goesOn(model, moment % 5 === 0);
        model.close();
      }
    });
  }
});

test(`fit 29: a thread that is killed, ${moments} moments`, async () => {
  let between = 0;
  for (let moment = 0; moment < moments; ) {
    useScript();
    const threads = random.below(3) + 1;
    const model = smallModel({ threads });
    await model.engine();
    const victim = started.at(-1 - random.below(threads))!;
    class Kill extends Callback {
      override onEpochBegin(): void {
        setTimeout(() => void victim.terminate(), random.uniform() * 20);
      }
    }
    let seen = 0;
    class Watch extends Callback {
      override onProgress(done: number): void {
        seen = Math.max(seen, done);
      }
    }
    const callbacks = [new Kill(), new Watch()];
    const fitted = model.fit(data, { ...options, callbacks });
    const isWhole = await fitted.then(
      () => true,
      () => false,
    );
    if (isWhole) {
      // It was killed between two runs, so that others took its place in time.
      assert.equal(stepsOf(model), options.epochs * 1000);
      model.close();
      assert.ok(++between < 5 * moments, 'nearly always killed between two runs');
      continue;
    }
    const error = await failureOf(fitted);
    assert.match(error.message, /exit with code 1/);
    const steps = stepsOf(model);
    assert.ok(steps >= seen, `${steps} steps are left of ${seen}`);
    const [epoch, step] = [Math.floor(steps / 1000) + 1, (steps % 1000) + 1];
    assert.match(error.message, new RegExp(`epoch ${epoch}, step ${step} of 1000`));
    assert.equal(hashOf(model), await stateAfter(steps));
    await goesOn(model, moment++ % 5 === 0);
    model.close();
  }
});

describe('fit 29: a thread that never answers', () => {
  test('in mid-step: the watchdog names kernel and shape', async () => {
    for (const [threads, culprit, steps] of [
      [1, 0, 3],
      [2, 1, 21],
      [3, 2, 40],
    ] as const) {
      useScript(faultScript, { culprit, fault: 'hang', steps } satisfies Fault);
      const model = smallModel({ threads, watchdog });
      await model.engine();
      useScript();
      const error = await failureOf(model.fit(data, options));
      assert.match(
        error.message,
        /the kernel "%\d+ = \w+\(.*\) .*: \w+\[.*\]" must end within 1\.5 s/,
      );
      assert.equal(hashOf(model), await stateAfter(steps));
      await goesOn(model);
      model.close();
    }
  });

  test('thirty seconds are the default', async (t) => {
    useScript(faultScript, { culprit: 0, fault: 'hang', steps: 3 } satisfies Fault);
    const model = smallModel({ threads: 2 });
    await model.engine();
    useScript();
    const { now } = Date;
    let isLate = false;
    t.after(() => mock.restoreAll());
    // Each look at the clock is five seconds after the one before.
    let looks = 0;
    mock.method(Date, 'now', () => now() + (isLate ? looks++ * 5000 : 0));
    isLate = true;
    const error = await failureOf(model.fit(data, options));
    assert.match(error.message, /must end within 30 s/);
    model.close();
  });

  test('at the start: one thread, one warning, the same bits', async () => {
    const warnings: string[] = [];
    useScript(new URL('../backends/silent_worker.js', import.meta.url));
    const model = smallModel({ threads: 2, warn: (text) => warnings.push(text) });
    mock.timers.enable({ apis: ['setTimeout'] });
    const engine = model.engine();
    await new Promise((resolve) => setImmediate(resolve));
    mock.timers.tick(10_000);
    mock.timers.reset();
    assert.equal((await engine).threads, 1);
    useScript();
    assert.deepEqual(warnings, ['one thread: workers could not be started (no answer in 10 s).']);
    await model.fit(data.take(160), { ...options, epochs: 1 });
    const other = smallModel({ threads: 2 });
    await other.fit(data.take(160), { ...options, epochs: 1 });
    assert.deepEqual(bitsOf(model), bitsOf(other));
    model.close();
    other.close();
  });
});

describe('fit 29: a worker script that is missing', () => {
  const missing = new URL('../backends/no_such_worker.js', import.meta.url);

  test('from the start: one thread, one warning, the same bits', async () => {
    const warnings: string[] = [];
    useScript(missing);
    const model = smallModel({ threads: 3, warn: (text) => warnings.push(text) });
    await model.fit(data.take(160), { ...options, epochs: 2 });
    useScript();
    assert.equal((await model.engine()).threads, 1);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0]!, /one thread: workers could not be started \(Cannot find module/);
    const other = smallModel({ threads: 3 });
    await other.fit(data.take(160), { ...options, epochs: 2 });
    assert.deepEqual(bitsOf(model), bitsOf(other));
    model.close();
    other.close();
  });

  test('closing in mid-run is an error there too, never the numbers of some of the samples', async () => {
    useScript(missing);
    const model = smallModel({ threads: 2, warn: () => undefined });
    class Closing extends Callback {
      override onProgress = () => model.close();
    }
    const closing = { batchSize: 4, verbose: 0, callbacks: [new Closing()] } as const;
    await assert.rejects(model.evaluate(data, closing), { code: 'STATE' });
    await assert.rejects(model.predict(data, closing), { code: 'STATE' });
    await assert.rejects(model.fit(data, closing), { code: 'STATE' });
    useScript();
    const { loss } = await model.evaluate(data, { verbose: 0 });
    assert.ok(Number.isFinite(loss));
    model.close();
  });

  test('when a dead thread is to be replaced: one thread goes on, from the last whole step', async () => {
    const warnings: string[] = [];
    useScript(faultScript, { culprit: 1, fault: 'exit', steps: 20 } satisfies Fault);
    const model = smallModel({ threads: 2, warn: (text) => warnings.push(text) });
    await model.engine();
    useScript(missing);
    const error = await failureOf(model.fit(data, options));
    assert.match(error.message, /step 21 of 1000, thread 1 of 2.*exit with code 3/);
    assert.equal(hashOf(model), await stateAfter(20));
    assert.equal(warnings.length, 1);
    assert.equal((await model.engine()).threads, 1);
    await goesOn(model);
    model.close();
    useScript();
  });
});
