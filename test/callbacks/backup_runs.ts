/** @file What the tests of backups share: a folder for each run, the data, and runs that are stopped. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { BackupAndRestore, type History, LambdaCallback } from '../../src/callbacks/index.ts';
import { TsunoError } from '../../src/core/errors.ts';
import type { Model } from '../../src/model/model.ts';
import type { FitOptions } from '../../src/train/fit_options.ts';
import { stripes } from '../support/small_models.ts';

const home = mkdtempSync(join(tmpdir(), 'tsuno-backups-'));
after(() => rmSync(home, { recursive: true }));
let places = 0;
/** A folder of its own for a run. */
export const fresh = () => join(home, `run${places++}`);

export const data = stripes(48);
export const usual = { epochs: 3, batchSize: 8, seed: 7, verbose: 0 } as const;

/** Trains until `steps` steps are done, then stops in order. */
export async function stopped(
  model: Model,
  place: ConstructorParameters<typeof BackupAndRestore>[0],
  steps: number,
  options: FitOptions = {},
): Promise<History> {
  const controller = new AbortController();
  let done = 0;
  const stop = new LambdaCallback({
    onTrainBatchEnd: () => {
      if (++done === steps) controller.abort();
    },
  });
  const callbacks = [...(options.callbacks ?? []), stop, new BackupAndRestore(place)];
  return model.fit(data, { ...usual, ...options, callbacks, signal: controller.signal });
}

/** The error of `body`. */
export async function refusal(body: () => Promise<unknown>): Promise<TsunoError> {
  const error = await body().then(
    () => undefined,
    (caught: unknown) => caught,
  );
  assert.ok(error instanceof TsunoError, String(error));
  return error;
}
