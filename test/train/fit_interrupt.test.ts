/** @file fit 31–34: Ctrl-C once, twice, and the signal option. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Callback } from '../../src/callbacks/index.ts';
import { smallModel, stripes } from '../support/small_models.ts';

const program = fileURLToPath(new URL('./interrupted_fit.js', import.meta.url));

interface Ended {
  code: number | null;
  output: string;
}

/** Starts the program and sends a signal at each of these words. */
function interrupted(script: string, signals: readonly [string, NodeJS.Signals][]): Promise<Ended> {
  const child = spawn(process.execPath, [program, script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const waiting = [...signals];
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    if (waiting.length === 0 || !output.includes(waiting[0]![0])) return;
    const [, signal] = waiting.shift()!;
    child.kill(signal);
  });
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, output })));
}

describe('fit 31–34: stopping', () => {
  for (const [signal, status] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    test(`${signal} once: fit returns, the program goes on and ends with ${status}`, async () => {
      const { code, output } = await interrupted('once', [['training', signal]]);
      assert.equal(code, status);
      const found = JSON.parse(output.trimEnd().split('\n').at(-1)!);
      assert.equal(found.interrupted, true);
      assert.deepEqual(found.ends, ['onTrainEnd']);
      assert.ok(found.epochs >= 1 && found.steps >= found.epochs * 225, output);
      assert.deepEqual(found.lengths, [found.epochs, found.epochs, found.epochs, found.epochs]);
      assert.ok(found.agrees);
    });
  }

  test('Ctrl-C twice leaves before the callback ends', async () => {
    const { code, output } = await interrupted('twice', [
      ['training', 'SIGINT'],
      ['callback', 'SIGINT'],
    ]);
    assert.equal(code, 130);
    assert.ok(!output.includes('{'), output);
  });

  test('the signal option, also when it is aborted before', async () => {
    const controller = new AbortController();
    class Abort extends Callback {
      override onEpochBegin(epoch: number): void {
        if (epoch === 2) controller.abort();
      }
    }
    const model = smallModel();
    const { signal } = controller;
    const options = { epochs: 9, callbacks: [new Abort()], signal, verbose: 0 } as const;
    const history = await model.fit(stripes(50), options);
    assert.deepEqual(history.epoch, [0, 1]);
    assert.equal(history.interrupted, true);
    assert.equal(model.optimizer.iterations.data[0], 4);
    assert.deepEqual((await model.fit(stripes(50), options)).epoch, []);
    assert.equal(process.listenerCount('SIGINT'), 0);
    assert.equal(process.exitCode, undefined);
    model.close();
  });
});
