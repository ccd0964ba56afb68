/** @file What a comparison says of given runs, and how its tables look: no training here. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Comparison, type ComparisonParts } from '../../src/comparison/comparison.ts';
import { LiveTable } from '../../src/comparison/live_table.ts';
import type { RunResult, VariantResult } from '../../src/comparison/results.ts';
import { comparisonTable } from '../../src/comparison/table.ts';
import type { TsunoError } from '../../src/core/errors.ts';
import { comparisonChart } from '../../src/plots/comparison.ts';
import { svgToPng } from '../../src/plots/svg_to_png.ts';

function run(seed: number, accuracy: number, more: Partial<RunResult> = {}): RunResult {
  const history = {
    loss: [0.5, 0.25],
    accuracy: [0.8, 0.9],
    val_loss: [0.4, 0.3],
    val_accuracy: [accuracy - 0.1, accuracy],
  };
  return { seed, epoch: [0, 1], history, msPerStep: 2.5, seconds: 3, complete: true, ...more };
}

function variant(name: string, accuracies: readonly number[], parameters = 54_410): VariantResult {
  const runs = accuracies.map((accuracy, i) => run(i + 1, accuracy));
  return { name, parameters, epochs: 2, runs };
}

const failed: VariantResult = {
  name: 'too deep',
  parameters: undefined,
  epochs: 2,
  runs: [
    {
      ...run(1, 0),
      epoch: [],
      history: {},
      msPerStep: 0,
      complete: false,
      failure: {
        code: 'SHAPE',
        message: '[MaxPooling2D "p"] input must be larger. Take a smaller pool.',
      },
    },
  ],
};

function comparison(variants: VariantResult[], more: Partial<ComparisonParts> = {}): Comparison {
  return new Comparison({
    variants,
    monitor: 'val_accuracy',
    direction: 'up',
    baseline: variants[0]!.name,
    confidence: 0.95,
    seeds: [1, 2, 3],
    interrupted: false,
    ...more,
  });
}

describe('what is said', () => {
  const base = variant('a', [0.98, 0.981, 0.982]);

  test('a difference that exceeds the spread', () => {
    const [found] = comparison([base, variant('b', [0.99, 0.991, 0.992])]).differences;
    assert.equal(found!.verdict, 'better');
    // t(0.975, 4) · 0.001 · √(2/3) = 0.002267
    assert.equal(found!.text, 'b is better than a by 1.00 ± 0.23 points of val_accuracy (3 seeds)');
    const back = comparison([base, variant('b', [0.97, 0.971, 0.972])]).differences[0]!;
    assert.equal(back.text, 'b is worse than a by 1.00 ± 0.23 points of val_accuracy (3 seeds)');
  });

  test('none', () => {
    const [found] = comparison([base, variant('b', [0.979, 0.9815, 0.983])]).differences;
    assert.equal(found!.verdict, 'none');
    assert.match(found!.text, /^no difference seen between b and a: 0\.02 ± 0\.\d\d points of/);
  });

  test('each of several comparisons must be surer', () => {
    const b = variant('b', [0.99, 0.991, 0.992]);
    const one = comparison([base, b]).differences[0]!.margin!;
    const two = comparison([base, b, variant('c', [0.9, 0.91, 0.92])]).differences[0]!.margin!;
    // t(0.9875, 4) / t(0.975, 4) = 3.495406 / 2.776445
    assert.ok(Math.abs(two / one - 1.25895) < 1e-5, String(two / one));
  });

  test('one seed tells no spread', () => {
    const [found] = comparison([variant('a', [0.9]), variant('b', [0.95])]).differences;
    assert.equal(found!.margin, undefined);
    assert.match(found!.text, /^b beside a: \+5\.00 points of val_accuracy \(1 seed: too few/);
  });

  test('two seeds that show no difference give no interval, which would exceed all that can be', () => {
    const compared = comparison([variant('a', [0.5, 0.9]), variant('b', [0.6, 0.95])]);
    const [found] = compared.differences;
    assert.equal(found!.verdict, 'none');
    assert.ok(found!.margin! > 1, String(found!.margin));
    assert.match(found!.text, /^b beside a: \+7\.50 points of val_accuracy \(2 seeds: too few/);
    assert.doesNotMatch(compared.table(), /of a difference/);
    // A large one is seen with two.
    const far = comparison([variant('a', [0.5, 0.501]), variant('b', [0.9, 0.901])]).differences;
    assert.match(far[0]!.text, /^b is better than a by 40\.00 ± 0\.\d\d points/);
  });

  test('losses fall, and are told as they are', () => {
    const less = (name: string, losses: number[]): VariantResult => ({
      ...variant(name, losses),
      runs: losses.map((loss, i) => run(i + 1, 0.9, { history: { val_loss: [1, loss] } })),
    });
    const variants = [less('a', [0.5, 0.51, 0.52]), less('b', [0.3, 0.31, 0.32])];
    const found = comparison(variants, { monitor: 'val_loss', direction: 'down' });
    assert.equal(found.best!.name, 'b');
    assert.match(
      found.differences[0]!.text,
      /^b is better than a by 0\.2000 ± 0\.0227 in val_loss/,
    );
  });

  test('runs that are not complete count nowhere', () => {
    const b = variant('b', [0.99, 0.991, 0.5]);
    const cut = { ...b, runs: [...b.runs.slice(0, 2), { ...b.runs[2]!, complete: false }] };
    const found = comparison([base, cut], { interrupted: true });
    assert.equal(found.spread('b')!.count, 2);
    assert.match(found.differences[0]!.text, /\(2 and 3 seeds\)$/);
    assert.match(found.table(), /interrupted: runs that are not complete are left out\n$/);
  });

  test('history, best, and plain data', () => {
    const found = comparison([base, failed, variant('b', [0.99, 0.991, 0.992])]);
    assert.equal(found.best!.name, 'b');
    assert.deepEqual(found.history('b', 2).history.val_accuracy, [0.991 - 0.1, 0.991]);
    assert.throws(
      () => found.history('b', 4),
      (error: TsunoError) => error.code === 'ARGUMENT',
    );
    const data = JSON.parse(JSON.stringify(found));
    assert.equal(data.best, 'b');
    assert.equal(data.variants.length, 3);
    assert.equal(data.differences[0].verdict, 'better');
    assert.match(data.method, /Welch/);
  });

  test('all failed', () => {
    const found = comparison([failed]);
    assert.equal(found.best, undefined);
    assert.deepEqual(found.differences, []);
    assert.match(found.table(), /too deep failed \(seed 1\): \[MaxPooling2D "p"\]/);
  });
});

describe('the table', () => {
  test('to the character', () => {
    const text = comparison([variant('a', [0.98, 0.981, 0.982]), failed]).table();
    assert.equal(
      text,
      [
        'variant   parameters  ms/step  seeds  epoch             loss        accuracy         val_loss    val_accuracy',
        '─'.repeat(109),
        'a             54,410     2.50      3      2  0.2500 ± 0.0000  90.00 ± 0.00 %  0.3000 ± 0.0000  98.10 ± 0.10 %',
        'too deep                         1/1  failed: [MaxPooling2D "p"] input must be larger.',
        '',
        'best val_accuracy: a, 98.10 %',
        'too deep failed (seed 1): [MaxPooling2D "p"] input must be larger. Take a smaller pool.',
        '',
      ].join('\n'),
    );
  });

  test('cut at the width of the terminal, in colours', () => {
    const lines = comparisonTable([variant('a', [0.98])], {
      monitor: 'val_accuracy',
      columns: 40,
      colours: true,
      best: 'a',
    });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the terminal's own.
    const plain = lines.map((line) => line.replace(/\x1b\[[\d;]*m/g, ''));
    assert.ok(plain.every((line) => line.length <= 40));
    assert.ok(lines[2]!.startsWith('\x1b[1;38;5;34ma\x1b[0m'));
  });
});

describe('the live table', () => {
  const shown = (done: number) => ({
    variants: [variant('a', [0.98])],
    options: { monitor: 'val_accuracy', seeds: 3 },
    done,
    runs: { ended: 1, all: 3 },
  });

  test('is redrawn in place on a terminal, at most ten times a second', () => {
    let text = '';
    let now = 0;
    const live = new LiveTable({
      write: (part) => (text += part),
      where: { isTerminal: true, columns: 100, colour: false },
      rows: 30,
      clock: () => now,
    });
    live.update(shown(0));
    const first = text;
    assert.equal(first.split('\n').length - 1, 4, 'header, rule, row, bar');
    now = 0.05;
    live.update(shown(0.2));
    assert.equal(text, first);
    now = 10;
    live.update(shown(0.5));
    const second = text.slice(first.length);
    assert.ok(second.startsWith('\x1b[4A\r\x1b[J'));
    assert.match(second, /━{10} {10} +1 of 3 runs, 0:10, about 0:10 left\n$/);
    live.finish('the end\n');
    assert.ok(text.endsWith('\x1b[4A\r\x1b[Jthe end\n'));
  });

  test('shows a run in progress', () => {
    const lines = comparisonTable([{ ...variant('a', []), runs: [] }], {
      monitor: 'val_accuracy',
      seeds: 3,
      running: {
        variant: 'a',
        seed: 1,
        epoch: 1,
        step: 30,
        steps: 120,
        logs: { loss: 0.5, accuracy: 0.75 },
      },
    });
    assert.match(lines[2]!, /^a +54,410 +1\/3 +2\/2 +25 % +0\.5000 +75\.00 %$/);
  });

  test('leaves a line for each run elsewhere', () => {
    let text = '';
    const live = new LiveTable({
      write: (part) => (text += part),
      where: { isTerminal: false, columns: 80, colour: false },
    });
    live.update(shown(0.1));
    live.ended(shown(0.3), variant('a', [0.98]));
    live.ended(shown(0.3), failed);
    assert.equal(
      text,
      '[1/3] a, seed 1: 54,410 parameters, 2.50 ms/step, 2 of 2 epochs, loss 0.2500, accuracy 90.00 %, val_loss 0.3000, val_accuracy 98.00 %\n' +
        '[1/3] too deep, seed 1: [MaxPooling2D "p"] input must be larger. Take a smaller pool.\n',
    );
  });
});

describe('the curves', () => {
  const count = (svg: string, label: string) => svg.split(`aria-label="${label}"`).length - 1;

  test('a line, a band and a name for each variant, a chart for each metric', async () => {
    const variants = [variant('a <b>', [0.98, 0.981]), variant('b', [0.99, 0.98]), failed];
    const svg = await comparisonChart(variants, { metrics: ['val_accuracy', 'val_loss'] });
    assert.equal(count(svg, 'line'), 4);
    assert.equal(count(svg, 'area'), 4);
    assert.ok(svg.includes('a &lt;b&gt;') && svg.includes('Val accuracy'));
    assert.ok(!svg.includes('>too deep<'), 'what has no curve has no line in the key');
    assert.ok((await svgToPng(svg)).length > 2000, 'is well-formed');
  });

  test('by the comparison: what decides and the validation loss', async () => {
    const svg = await comparison([variant('a', [0.98, 0.981])]).chart();
    assert.equal(count(svg, 'line'), 2);
    assert.match(svg, /width="1136" height="412"/);
  });

  test('refused', async () => {
    const refused = async (code: string, call: Promise<string>) =>
      assert.rejects(call, (error: TsunoError) => error.code === code);
    await refused('DATA_EMPTY', comparisonChart([failed]));
    await refused('ARGUMENT', comparisonChart([variant('a', [1])], { metrics: ['auc'] }));
    await refused('ARGUMENT', comparisonChart([variant('a', [1])], { width: 10 }));
  });
});
