/** @file The progress bar against what Keras wrote to a terminal, replayed with a clock that the test sets. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { exponential, fixed, memorySize, thousands } from '../../src/callbacks/number_format.ts';
import { epochLine, type Logs, Progbar, type ProgbarOptions } from '../../src/callbacks/progbar.ts';
import { goldenText } from '../support/golden_text.ts';

/** A bar that writes into `text()`, at the time `at(seconds)`. */
function recorder(options: Partial<ProgbarOptions> = {}) {
  let now = 0;
  let text = '';
  const bar = new Progbar({
    target: 20,
    isTerminal: true,
    clock: () => now,
    write: (part) => {
      text += part;
    },
    ...options,
  });
  return {
    bar,
    text: () => text,
    at: (seconds: number) => {
      now = seconds;
    },
  };
}

const styles = new RegExp(`${String.fromCharCode(27)}\\[\\d*m`, 'g');
const withoutStyles = (text: string) => text.replaceAll(styles, '');

interface Frame {
  step: number;
  secondsPerStep: number;
  logs: Logs;
}

/** What a redraw says, read back from the text that Keras wrote. */
function parseFrame(text: string): Frame {
  const [, step, time, metrics] = withoutStyles(text).match(/(\d+)\/20 .*? (\d+)ms\/step(.*)/)!;
  const logs = [...metrics!.matchAll(/(\w+): (\S+)/g)].map(([, name, value]) => [
    name!,
    Number(value),
  ]);
  return {
    step: Number(step),
    secondsPerStep: Number(time) / 1000,
    logs: Object.fromEntries(logs),
  };
}

/** The same line from our bar; values in reverse order, since the bar sorts them. */
function replay(golden: string): string {
  const { bar, text, at } = recorder();
  const frames = golden
    .split(/[\b]*\r/)
    .filter((part) => part !== '')
    .map(parseFrame);
  const first = frames[0]!.secondsPerStep;
  frames.forEach(({ step, secondsPerStep, logs }, i) => {
    at(step === 1 ? first : first + secondsPerStep * (step - 1));
    const reversed = Object.fromEntries(Object.entries(logs).reverse());
    if (i < frames.length - 1) bar.update(step, reversed);
    else bar.finish(reversed);
  });
  return text();
}

describe('on a terminal', () => {
  const lines = goldenText('progress_terminal.raw').trimEnd().split('\n');

  test('two epochs with validation, an evaluation and a prediction are Keras’s to the byte', () => {
    const redrawn = lines.filter((line) => line.startsWith('\r'));
    assert.equal(redrawn.length, 4);
    for (const line of redrawn) assert.equal(replay(line), `${line}\n`);
  });

  test('epochs are named as Keras names them, a single one not at all', () => {
    const named = lines.filter((line) => line.startsWith('Epoch')).map((line) => `${line}\n`);
    assert.deepEqual([epochLine(0, 2), epochLine(1, 2)], named);
    assert.equal(epochLine(0, 1), '');
  });

  test('verbose 2 is one line an epoch', () => {
    const golden = lines.at(-1)!;
    const { bar, text, at } = recorder({ verbose: 2 });
    const [, seconds] = golden.match(/(\d+)ms\/step/)!;
    const logs = [...golden.matchAll(/(\w+): (\S+)/g)].map(([, name, value]) => [name, +value!]);
    at(0.1);
    bar.update(1, { loss: 9 });
    at((Number(seconds) / 1000) * 20);
    bar.finish(Object.fromEntries(logs) as Logs);
    assert.equal(text(), `${golden}\n`);
  });

  test('redraws at most every 0.05 s, and always the last time', () => {
    const { bar, text, at } = recorder({ target: 1000 });
    for (let step = 1; step <= 1000; step++) {
      at(step / 500);
      bar.update(step, { loss: 1 });
    }
    const redraws = text().split('\r').length - 1;
    assert.ok(redraws >= 37 && redraws <= 40, `${redraws} redraws in two seconds`);
    at(2.1);
    bar.finish({ loss: 1 });
    assert.equal(text().split('\r').length - 1, redraws + 1);
    assert.ok(text().endsWith('2s\u001b[0m 2ms/step - loss: 1.0000\n'));
  });

  test('a shorter line wipes the end of the longer one', () => {
    const { bar, text, at } = recorder();
    at(50);
    bar.update(1, { loss: 1 });
    at(51);
    bar.update(2, { loss: 1 });
    const [, long, short] = text().split(/[\b]*\r/);
    assert.equal(withoutStyles(short!).length, withoutStyles(long!).length);
    assert.match(short!, /loss: 1\.0000 +$/);
  });

  test('time left in seconds, minutes and hours', () => {
    const left = (seconds: number) => {
      const { bar, text, at } = recorder({ target: 2 });
      at(seconds);
      bar.update(1);
      return withoutStyles(text()).split(' ').at(-2);
    };
    assert.equal(left(59.9), '59s');
    assert.equal(left(60), '60s');
    assert.equal(left(2811), '46:51');
    assert.equal(left(3600), '60:00');
    assert.equal(left(3723), '1:02:03');
  });

  test('a step in seconds, milliseconds and microseconds', () => {
    const step = (seconds: number) => {
      const { bar, text, at } = recorder({ unitName: 'sample' });
      at(seconds);
      bar.update(1);
      return text().split(' ').at(-1);
    };
    assert.equal(step(2.4), '2s/sample');
    assert.equal(step(0.0064), '6ms/sample');
    assert.equal(step(0.00012), '120us/sample');
    assert.equal(step(0), '0s/sample');
  });

  test('an unknown number of steps is counted, and known at the end', () => {
    const { bar, text, at } = recorder({ target: undefined });
    at(1);
    bar.update(7, { loss: 0.5 });
    assert.equal(withoutStyles(text()), '\r      7/Unknown 1s 143ms/step - loss: 0.5000');
    at(2);
    bar.finish({ loss: 0.25 });
    const last = withoutStyles(text()).split('\r').at(-1)!;
    assert.match(last, /^7\/7 ━{20} 2s 286ms\/step - loss: 0\.2500 *\n$/);
  });

  test('the first step does not count for the time of the others', () => {
    const { bar, text, at } = recorder();
    at(5);
    bar.update(1);
    at(5.09);
    bar.update(10);
    const [, first, later] = withoutStyles(text()).split(/[\b]*\r/);
    assert.match(first!, / 1:35 5s\/step/);
    assert.match(later!, / 0s 10ms\/step/);
  });
});

describe('off a terminal', () => {
  test('an epoch leaves its last line, without escape sequences', () => {
    const { bar, text, at } = recorder({ isTerminal: false });
    for (let step = 1; step <= 20; step++) {
      at(step);
      bar.update(step, { loss: step, accuracy: 0.15625 });
    }
    assert.equal(text(), '');
    bar.finish({ val_loss: 3, val_accuracy: 0.09375, loss: 2e-4 });
    assert.equal(
      text(),
      '20/20 ━━━━━━━━━━━━━━━━━━━━ 20s 1s/step - accuracy: 0.1562 - loss: 2.0000e-04' +
        ' - val_accuracy: 0.0938 - val_loss: 3.0000\n',
    );
  });

  test('verbose 0 prints nothing', () => {
    const { bar, text } = recorder({ verbose: 0 });
    bar.update(1, { loss: 1 });
    bar.finish({ loss: 1 });
    assert.equal(text(), '');
  });
});

describe('numbers as Python prints them', () => {
  test('ties go to the even digit', () => {
    assert.deepEqual(
      [0.15625, 0.03125, 0.09375, 0.84375, -0.15625, 0.5, 1e21].map((x) => fixed(x, 4)),
      ['0.1562', '0.0312', '0.0938', '0.8438', '-0.1562', '0.5000', '1000000000000000000000.0000'],
    );
    assert.deepEqual(
      [0.5, 1.5, 2.5, 3.5, -0.5, 2.4999].map((x) => fixed(x, 0)),
      ['0', '2', '2', '4', '-0', '2'],
    );
  });

  test('exponents have two digits, and what is no number has Python’s name', () => {
    assert.equal(exponential(3.12e-4, 4), '3.1200e-04');
    assert.equal(exponential(-1e-12, 4), '-1.0000e-12');
    assert.equal(exponential(-42.5625, 4), '-4.2562e+01');
    assert.equal(exponential(0, 4), '0.0000e+00');
    assert.deepEqual(
      [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY].map((x) => fixed(x, 4)),
      ['nan', 'inf', '-inf'],
    );
  });

  test('thousands and memory', () => {
    assert.deepEqual([0, 999, 1290, 93962, 138357544].map(thousands), [
      '0',
      '999',
      '1,290',
      '93,962',
      '138,357,544',
    ]);
    assert.deepEqual([0, 584, 375848, 5.1e8].map(memorySize), [
      '0.00 B',
      '584.00 B',
      '367.04 KB',
      '486.37 MB',
    ]);
  });
});
