/**
 * @file Threads that fail: killed at any moment, throwing, leaving, silent, never there. A run ends with a typed error that
 * names the cause, the variables are those of a whole step, the process lives and the next run works.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { EngineOptions } from '../../src/backends/wasm/engine.ts';
import type { ErrorCode } from '../../src/core/errors.ts';
import { TsunoError } from '../../src/core/errors.ts';
import { RandomSequence } from '../../src/core/random.ts';
import { Session } from '../../src/runtime/session.ts';
import type { Fault } from './fault_worker.ts';
import { type PreparedTraining, SmallTraining } from './small_training.ts';
import { started, useScript, watchWorkers } from './workers.ts';

const faultScript = new URL('./fault_worker.js', import.meta.url);
/** Longer than any test waits. */
const endless = 1_000_000;
/** Seconds: longer than a busy machine lets a healthy thread wait. */
const watchdog = 1.5;

/** States after 5 and after 10 steps, on one thread and undisturbed. */
const whole: string[] = [];

interface Subject {
  training: SmallTraining;
  session: Session;
  run: PreparedTraining['run'];
}

async function open(options: EngineOptions): Promise<Subject> {
  const training = new SmallTraining();
  const session = await Session.open({ arithmetic: 'portable', ...options });
  const { run } = await training.prepare(session);
  return { training, session, run };
}

before(async () => {
  watchWorkers();
  const { training, session, run } = await open({ threads: 1 });
  for (let i = 0; i < 2; i++) {
    await run(5);
    whole.push(training.state());
  }
  session.close();
});

/** Expects a refusal with `code`. */
async function refused(run: Promise<unknown>, code: ErrorCode, says: RegExp): Promise<void> {
  await assert.rejects(run, (error) => {
    assert.ok(error instanceof TsunoError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, says);
    return true;
  });
}

/** After a failed run: the state is that of step 5, and five more steps lead to that of step 10. */
async function goesOn({ training, run }: Subject): Promise<void> {
  assert.equal(training.state(), whole[0]);
  assert.equal(await run(5), 5);
  assert.equal(training.state(), whole[1]);
}

describe('a worker that is killed in mid-run', () => {
  const random = new RandomSequence(11, 1);
  for (const threads of [1, 2, 3]) {
    test(`${threads} threads, 7 moments`, async () => {
      useScript();
      const subject = await open({ threads });
      for (let moment = 0; moment < 7; moment++) {
        subject.training.reset();
        await subject.run(5);
        const run = subject.run(endless);
        const victim = started.at(-1 - random.below(threads))!;
        setTimeout(() => void victim.terminate(), random.uniform() * 40);
        await refused(run, 'WORKER', /exit with code 1/);
        await goesOn(subject);
      }
      subject.session.close();
    });
  }
});

describe('a worker that fails by itself', () => {
  const kinds: [fault: Fault['fault'], says: RegExp][] = [
    ['throw', /thrown on purpose/],
    ['exit', /exit with code 3/],
  ];
  for (const [fault, says] of kinds) {
    for (const [threads, culprit, steps] of [
      [1, 0, 0],
      [2, 0, 1],
      [2, 1, 17],
      [3, 1, 40],
      [3, 2, 0],
    ] as const) {
      test(`${fault}, thread ${culprit} of ${threads} after ${steps} steps`, async () => {
        // Five steps pass, then the run that fails.
        useScript(faultScript, { culprit, fault, steps: steps + 5 } satisfies Fault);
        const subject = await open({ threads });
        await subject.run(5);
        useScript();
        await refused(subject.run(endless), 'WORKER', says);
        await goesOn(subject);
        subject.session.close();
      });
    }
  }

  test('between two runs: the next one starts others', async () => {
    useScript(faultScript, { culprit: 1, fault: 'idle', steps: 5 } satisfies Fault);
    const subject = await open({ threads: 2 });
    let isGone = false;
    started[1]!.once('exit', () => {
      isGone = true;
    });
    await subject.run(5);
    useScript();
    while (!isGone) await new Promise((resolve) => setTimeout(resolve, 10));
    await goesOn(subject);
    assert.equal(started.length, 2);
    subject.session.close();
  });

  test('a program that cannot be instantiated', async () => {
    useScript(faultScript, { culprit: 0, fault: 'load', steps: 0 } satisfies Fault);
    const subject = await open({ threads: 2 });
    useScript();
    await refused(subject.run(5), 'WORKER', /no instance on purpose/);
    assert.equal(subject.training.step.data[0], 0);
    await subject.run(5);
    await goesOn(subject);
    subject.session.close();
  });
});

describe('a worker that never answers', () => {
  for (const [threads, culprit] of [
    [1, 0],
    [2, 0],
    [3, 2],
  ] as const) {
    test(`thread ${culprit} of ${threads}: the watchdog names kernel and shape`, async () => {
      useScript(faultScript, { culprit, fault: 'hang', steps: 7 } satisfies Fault);
      const subject = await open({ threads, watchdog });
      await subject.run(5);
      useScript();
      const says =
        /kernel "%\d+ = \w+\(.*\) .*: \w+\[.*\]" must end within 1\.5 s, received no answer/;
      await refused(subject.run(endless), 'WORKER', says);
      await goesOn(subject);
      subject.session.close();
    });
  }

  test('many steps are no silence', async () => {
    useScript();
    const subject = await open({ threads: 2, watchdog: 1 });
    // About two seconds on an idle machine.
    assert.equal(await subject.run(2500), 2500);
    subject.session.close();
  });
});

test('a worker script that is missing: one thread, one warning, the same bits', async () => {
  useScript(new URL('./no_such_worker.js', import.meta.url));
  const warnings: string[] = [];
  const subject = await open({ threads: 3, warn: (text) => warnings.push(text) });
  assert.equal(subject.session.engine.threads, 1);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0]!, /one thread: workers could not be started/);
  await subject.run(5);
  await goesOn(subject);
  subject.session.close();
  useScript();
});

describe('one thing at a time', () => {
  test('a second run is refused, the first goes on undisturbed', async () => {
    useScript();
    const subject = await open({ threads: 2 });
    const first = subject.run(5);
    await refused(subject.run(1), 'STATE', /must wait for the one before it/);
    assert.equal(await first, 5);
    await goesOn(subject);
    subject.session.close();
  });

  test('a program compiled during a run leaves the run its memory', async () => {
    useScript();
    const subject = await open({ threads: 2 });
    const first = subject.run(5);
    const other = new SmallTraining();
    const { run } = await other.prepare(subject.session);
    assert.equal(await first, 5);
    await run(5);
    assert.equal(other.state(), whole[0]);
    await goesOn(subject);
    subject.session.close();
  });

  test('an engine that is closed in mid-run refuses it, and what comes after', async () => {
    useScript();
    const subject = await open({ threads: 2 });
    const run = subject.run(endless);
    setTimeout(() => subject.session.engine.dispose(), 20);
    await refused(run, 'STATE', /must be open/);
    await refused(subject.run(1), 'STATE', /must be open/);
    await refused(subject.session.compile(subject.training.graph), 'STATE', /must be open/);
  });
});

after(() => useScript());
