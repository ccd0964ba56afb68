/** @file The figures of a run, as `result.json` holds them. */
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import type { History, Model } from 'tsuno';

/** SHA-256 of all weights: equal for equal bits. */
function weightsSha256(model: Model): string {
  const sha = createHash('sha256');
  for (const { data } of model.getWeights())
    sha.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return sha.digest('hex');
}

/** Writes `result.json` into the folder of a run. */
export async function writeResult(
  folder: string,
  model: Model,
  history: History,
  test: Record<string, number>,
): Promise<void> {
  const { threads, arithmetic } = await model.engine();
  const seconds = history.timing.reduce((sum, epoch) => sum + epoch.seconds, 0);
  const result = {
    testLoss: test.loss,
    testAccuracy: test.accuracy,
    parameters: model.countParams(),
    // Steps of training alone, without validation.
    msPerStep: history.msPerStep,
    secondsPerEpoch: seconds / Math.max(1, history.timing.length),
    threads,
    arithmetic,
    weightsSha256: weightsSha256(model),
  };
  await writeFile(`${folder}/result.json`, `${JSON.stringify(result, null, 2)}\n`);
}
