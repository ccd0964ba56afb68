/** @file The examples, on few images: the three ways to write the network give the same bits, the others run. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { encode } from 'fast-png';

const folder = mkdtempSync(join(tmpdir(), 'tsuno-examples-'));
after(() => rmSync(folder, { recursive: true }));

/** Runs an example small; what it prints. */
async function run(example: string, ...options: string[]): Promise<string> {
  const program = fileURLToPath(new URL(`../../examples/${example}.js`, import.meta.url));
  const small = {
    TSUNO_RUN: folder,
    TSUNO_EPOCHS: '1',
    TSUNO_SAMPLES: '320',
    TSUNO_SEED: '3',
    TSUNO_SEEDS: '1',
  };
  const env = { ...process.env, ...small };
  const { stdout } = await promisify(execFile)(process.execPath, [program, ...options], { env });
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
    for (const picture of [
      'model',
      'curves',
      'predictions',
      'confusion',
      'filters',
      'feature_maps',
    ])
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

test('compare shows all its variants and draws them', async () => {
  const printed = await run('compare');
  const { variants, differences } = JSON.parse(
    readFileSync(join(folder, 'comparison.json'), 'utf8'),
  );
  assert.equal(variants.length, 8);
  for (const { name, runs } of variants) {
    assert.deepEqual(
      runs.map(({ complete }: { complete: boolean }) => complete),
      [true],
      name,
    );
    assert.match(printed, new RegExp(`^${name} +[\\d,]+ `, 'm'));
  }
  assert.equal(differences.length, 7);
  for (const kind of ['svg', 'png'])
    assert.ok(statSync(join(folder, `comparison.${kind}`)).size > 5000);
});

describe('resnet20', () => {
  const quick = ['--limit', '48', '--epochs', '1', '--batch-size', '16', '--out', folder];

  test('takes MNIST where Fashion-MNIST is not there, and says so', async () => {
    const printed = await run('resnet20', ...quick, '--from', join(folder, 'nowhere'));
    assert.match(printed, /There is no folder .*nowhere, so this trains on MNIST instead/);
    assert.match(printed, /Trainable params: 272,186/);
    assert.match(printed, /test accuracy \d+\.\d\d %/);
    for (const name of ['best.keras', 'curves.png', 'confusion.png', 'history.csv'])
      assert.ok(statSync(join(folder, name)).size > 40, name);
  });

  test('takes a folder of images', async () => {
    for (const [name, level] of [
      ['dark', 40],
      ['light', 200],
    ] as const) {
      mkdirSync(join(folder, 'photos', name), { recursive: true });
      for (let i = 0; i < 15; i++) {
        const data = new Uint8Array(40 * 36 * 3).fill(level + i);
        const png = encode({ width: 40, height: 36, channels: 3, depth: 8, data });
        writeFileSync(join(folder, 'photos', name, `${i}.png`), png);
      }
    }
    const whole = quick.filter((_, i) => i > 1); // without --limit
    const printed = await run('resnet20', ...whole, '--data', join(folder, 'photos'));
    assert.match(printed, /Found 30 files belonging to 2 classes/);
    assert.match(printed, /test accuracy \d+\.\d\d %/);
  });

  test('refuses what it cannot do', async () => {
    for (const wrong of [
      ['--depth', '21'],
      ['--epochs', 'many'],
    ])
      await assert.rejects(run('resnet20', ...wrong), /must be/);
  });
});
