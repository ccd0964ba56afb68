/** @file fit 35: what fit, evaluate and predict print, on a terminal and elsewhere. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { EarlyStopping, ProgbarLogger } from '../../src/callbacks/index.ts';
import type { FitOptions } from '../../src/train/fit_options.ts';
import { printed } from '../support/printed.ts';
import { smallModel, stripes } from '../support/small_models.ts';

const data = stripes(40);

/** Times are those of this machine. */
const timeless = (text: string) => text.replaceAll(/\d+(s|ms|us)(?=\/step|\b)/g, 'T');
const escapeCode = String.fromCharCode(27);
const withoutColours = (text: string) =>
  text.replaceAll(new RegExp(`${escapeCode}\\[\\d*m`, 'g'), '');

async function fitted(options: FitOptions, isTerminal?: boolean): Promise<string> {
  const model = smallModel();
  let text = '';
  const bar = new ProgbarLogger(
    (part) => {
      text += part;
    },
    { isTerminal: isTerminal === true },
  );
  const callbacks = [...(options.callbacks ?? []), ...(isTerminal === undefined ? [] : [bar])];
  const found = await printed(() => model.fit(data, { batchSize: 8, ...options, callbacks }));
  model.close();
  return isTerminal === undefined ? found.text : text;
}

describe('fit 35: printing', () => {
  test('off a terminal an epoch leaves its last line', async () => {
    const text = timeless(await fitted({ epochs: 2, validationSplit: 0.2 }));
    const bar = '━'.repeat(20);
    const line = `4/4 ${bar} T T/step - accuracy: N - loss: N - val_accuracy: N - val_loss: N\n`;
    assert.equal(text.replaceAll(/\d\.\d{4}/g, 'N'), `Epoch 1/2\n${line}Epoch 2/2\n${line}`);
  });

  test('one epoch has no headline; verbose 2 is a line an epoch, 0 nothing', async () => {
    assert.doesNotMatch(await fitted({}), /Epoch/);
    const lines = timeless(await fitted({ epochs: 2, verbose: 2 })).replaceAll(/\d\.\d{4}/g, 'N');
    const line = '5/5 - T - T/step - accuracy: N - loss: N\n';
    assert.equal(lines, `Epoch 1/2\n${line}Epoch 2/2\n${line}`);
    assert.equal(await fitted({ epochs: 2, verbose: 0 }), '');
  });

  test('on a terminal the line is redrawn, the last time with validation', async () => {
    const text = await fitted({ epochs: 1, validationSplit: 0.2 }, true);
    assert.match(text, /^\r/);
    const redraws = withoutColours(text)
      .split(/[\b]*\r/)
      .filter(Boolean);
    assert.ok(redraws.length >= 2, JSON.stringify(text));
    for (const line of redraws.slice(0, -1)) assert.doesNotMatch(line, /val_/);
    assert.match(redraws.at(-1)!, /^4\/4 ━+ .*- val_accuracy: [\d.]+ - val_loss: [\d.]+ *\n$/);
  });

  test('messages of callbacks stand between the lines, as in Keras', async () => {
    const stop = new EarlyStopping({
      monitor: 'loss',
      minDelta: 100,
      verbose: 1,
      restoreBestWeights: true,
    });
    const lines = (await fitted({ epochs: 9, callbacks: [stop] })).trimEnd().split('\n');
    assert.deepEqual(lines.slice(-2), [
      'Epoch 2: early stopping',
      'Restoring model weights from the end of the best epoch: 1.',
    ]);
    assert.equal(lines.filter((line) => /^Epoch \d\/9$/.test(line)).length, 2);
  });

  test('evaluate prints a bar, predict one where it is asked for', async () => {
    const model = smallModel();
    const evaluated = await printed(() => model.evaluate(data, { batchSize: 10 }));
    assert.match(evaluated.text, /^4\/4 ━+ \S+ \S+\/step - accuracy: [\d.]+ - loss: [\d.]+\n$/);
    const asked = await printed(() => model.predict(data, { batchSize: 10, verbose: 1 }));
    assert.match(asked.text, /^4\/4 ━+ \S+ \S+\/step\n$/);
    assert.equal((await printed(() => model.predict(data, { verbose: 0 }))).text, '');
    await assert.rejects(model.predict(data, { verbose: 3 as 2 }), { code: 'ARGUMENT' });
    model.close();
  });
});
