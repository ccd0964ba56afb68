/** @file The examples, on few images: the three ways to write the network give the same bits. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const folder = mkdtempSync(join(tmpdir(), 'tsuno-examples-'));
after(() => rmSync(folder, { recursive: true }));

/** Runs an example small; what it prints. */
async function run(example: string): Promise<string> {
  const program = fileURLToPath(new URL(`../../examples/${example}.js`, import.meta.url));
  const small = { TSUNO_RUN: folder, TSUNO_EPOCHS: '1', TSUNO_SAMPLES: '320', TSUNO_SEED: '3' };
  const env = { ...process.env, ...small };
  const { stdout } = await promisify(execFile)(process.execPath, [program], { env });
  return stdout;
}

test('mnist, mnist_sequential and mnist_subclass train the same model, to the bit', async () => {
  await run('mnist');
  const result = JSON.parse(readFileSync(join(folder, 'result.json'), 'utf8'));
  assert.equal(result.parameters, 93_962);
  assert.ok(result.msPerStep > 0 && result.secondsPerEpoch > 0 && result.threads >= 1);
  assert.ok(result.testLoss > 0 && result.testAccuracy > 0.1 && result.testAccuracy < 1);
  assert.match(result.weightsSha256, /^[0-9a-f]{64}$/);
  for (const kind of ['svg', 'png']) {
    for (const picture of ['model', 'curves', 'predictions'])
      assert.ok(statSync(join(folder, `${picture}.${kind}`)).size > 1000);
  }
  for (const name of ['mnist.keras', 'history.json', 'history.csv'])
    assert.ok(readdirSync(folder).includes(name), name);
  // Wrong ones are marked.
  assert.match(readFileSync(join(folder, 'predictions.svg'), 'utf8'), /#dc2626/);
  for (const example of ['mnist_sequential', 'mnist_subclass']) {
    const printed = await run(example);
    assert.equal(printed.trimEnd().split('\n').at(-1), result.weightsSha256, example);
  }
});
