/** @file A system clock that is set back, and time zones that change, while a model trains: nothing but dates notices. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, mock, test } from 'node:test';
import { BackupAndRestore, LambdaCallback, ModelCheckpoint } from '../../src/callbacks/index.ts';
import type { Model } from '../../src/model/model.ts';
import { printed } from '../support/printed.ts';
import { bitsOf, smallModel, stripes } from '../support/small_models.ts';

const data = stripes(48);
const usual = { epochs: 3, batchSize: 8, seed: 7 } as const;
const hour = 3_600_000;
const zones = ['Pacific/Kiritimati', 'America/Los_Angeles', 'Asia/Kolkata'];
const { TZ } = process.env;

let home = '';
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'tsuno-clock-'));
});
afterEach(() => {
  mock.timers.reset();
  if (TZ === undefined) delete process.env.TZ;
  else process.env.TZ = TZ;
  rmSync(home, { recursive: true });
});

/** Sets the clock back by an hour after each step, and moves to another place. */
function jumping(): LambdaCallback {
  let steps = 0;
  return new LambdaCallback({
    onTrainBatchEnd() {
      mock.timers.setTime(Date.now() - hour);
      process.env.TZ = zones[steps++ % zones.length]!;
    },
  });
}

/** Trains in `place` with backups and checkpoints that stay, and says what the progress bar printed. */
async function trained(
  model: Model,
  place: string,
  more: LambdaCallback[],
  signal?: AbortSignal,
): Promise<string> {
  const callbacks = [
    ...more,
    new BackupAndRestore(join(place, 'run'), { saveFreq: 2, deleteCheckpoint: false }),
    new ModelCheckpoint(join(place, 'epoch-{epoch:02d}.keras'), { keep: 2 }),
  ];
  const run = () => model.fit(data, { ...usual, verbose: 1, callbacks, ...(signal && { signal }) });
  return (await printed(run)).text;
}

/** Trains in `place` up to the ninth step, and with another model to the end. */
async function inTwo(place: string, more: () => LambdaCallback[]): Promise<[Model, string]> {
  const first = smallModel();
  const stop = new AbortController();
  let steps = 0;
  const stopping = new LambdaCallback({
    onTrainBatchEnd() {
      if (++steps === 9) stop.abort();
    },
  });
  const begun = await trained(first, place, [...more(), stopping], stop.signal);
  first.close();
  const second = smallModel();
  return [second, begun + (await trained(second, place, more()))];
}

const namesIn = (place: string) => (readdirSync(place, { recursive: true }) as string[]).sort();

test('names and order of files, bits and the sign of times are those of a steady clock', async () => {
  const [steady] = await inTwo(join(home, 'steady'), () => []);
  mock.timers.enable({ apis: ['Date'], now: Date.UTC(2026, 10, 24) });
  const [jumpy, text] = await inTwo(join(home, 'jumpy'), () => [jumping()]);
  assert.ok(Date.now() < Date.UTC(2026, 10, 24) - 17 * hour, 'the clock was not set back');
  assert.deepEqual(bitsOf(jumpy), bitsOf(steady));
  assert.deepEqual(namesIn(join(home, 'jumpy')), namesIn(join(home, 'steady')));
  assert.match(text, /6\/6 .* \d+[mu]?s\/step/);
  assert.doesNotMatch(text, /\s-\d/);
  steady.close();
  jumpy.close();
});
