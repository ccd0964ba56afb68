/** @file The curves of a training run: which charts, which lines, which ticks. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TsunoError } from '../../src/core/errors.ts';
import { type CurveOptions, type HistoryData, historyChart } from '../../src/plots/curves.ts';
import { svgToPng } from '../../src/plots/svg_to_png.ts';

const epochs = (count: number) => Array.from({ length: count }, (_, i) => i);

/** The texts of each chart, its title first. */
function charts(svg: string): string[][] {
  return svg
    .split('<text x="20" y="26"')
    .slice(1)
    .map((part) => [...`<text${part}`.matchAll(/<text[^>]*>([^<]*)/g)].map(([, text]) => text!));
}

/** Numbers on the epoch axis of the first chart. */
function epochTicks(svg: string): string[] {
  const axis = /aria-label="x-axis tick label"[^>]*>(.*?)<\/g>/.exec(svg)![1]!;
  return [...axis.matchAll(/>([^<]+)<\/text>/g)].map(([, text]) => text!);
}

const lines = (svg: string) => [...svg.matchAll(/aria-label="line"/g)].length;
const dots = (svg: string) => [...svg.matchAll(/<circle/g)].length;

const five: HistoryData = {
  epoch: epochs(5),
  history: {
    accuracy: [0.92, 0.976, 0.983, 0.987, 0.989],
    loss: [0.25, 0.077, 0.054, 0.042, 0.035],
    val_accuracy: [0.978, 0.984, 0.987, 0.989, 0.989],
    val_loss: [0.073, 0.052, 0.042, 0.037, 0.036],
  },
};

describe('historyChart', () => {
  test('has a chart for the loss and one for the accuracy, training and validation in each', async () => {
    const svg = await historyChart(five);
    const [loss, accuracy, ...others] = charts(svg);
    assert.deepEqual(loss!.slice(0, 3), ['Loss', 'training', 'validation']);
    assert.deepEqual(accuracy!.slice(0, 3), ['Accuracy', 'training', 'validation']);
    assert.ok(loss!.includes('epoch') && accuracy!.includes('epoch'));
    assert.equal(others.length, 0);
    assert.equal(lines(svg), 4);
    assert.equal(dots(svg), 4 * 5 + 4, 'a dot an epoch, one in the key');
    assert.match(svg, /width="896" height="350"/);
    assert.ok((await svgToPng(svg)).length > 1000, 'is well-formed');
  });

  test('counts epochs from 1, in whole numbers', async () => {
    assert.deepEqual(epochTicks(await historyChart(five)), ['1', '2', '3', '4', '5']);
    for (const count of [1, 2, 3, 7, 40, 120, 1000]) {
      const ticks = epochTicks(
        await historyChart({ epoch: epochs(count), history: { loss: epochs(count) } }),
      );
      assert.ok(ticks.length >= 1 && ticks.length <= 10, `${count} epochs: ${ticks}`);
      assert.ok(ticks.every((tick) => /^\d+$/.test(tick) && +tick >= 1 && +tick <= count));
      assert.equal(new Set(ticks).size, ticks.length);
    }
    const resumed = await historyChart({ epoch: [5, 6, 7], history: { loss: [3, 2, 1] } });
    assert.deepEqual(epochTicks(resumed), ['6', '7', '8']);
  });

  test('pairs validation with its metric, and draws what has no pair alone', async () => {
    const history = {
      val_auc: [0.5, 0.6],
      learning_rate: [1e-3, 1e-4],
      my_loss: [1, 2],
      loss: [3, 2],
    };
    const all = charts(await historyChart({ epoch: [0, 1], history }));
    const heads = all.map((texts) => texts.slice(0, 2));
    assert.deepEqual(heads, [
      ['Loss', 'training'],
      ['Auc', 'validation'],
      ['Learning rate', 'training'],
      ['My loss', 'training'],
    ]);
    const one = await historyChart({ epoch: [0, 1], history }, { metrics: ['auc'] });
    assert.equal(charts(one).length, 1);
  });

  test('puts validation of every second epoch where it belongs', async () => {
    const svg = await historyChart({
      epoch: epochs(4),
      history: { loss: [4, 3, 2, 1], val_loss: [3.5, 1.5] },
    });
    const points = (aria: RegExp) =>
      [...aria.exec(svg)![1]!.matchAll(/([\d.]+),[\d.]+/g)].map(([, x]) => Number(x));
    const [validation, training] = [
      points(/aria-label="line"[^>]*><path d="([^"]*)"/),
      points(/aria-label="line".*aria-label="line"[^>]*><path d="([^"]*)"/s),
    ];
    assert.equal(training.length, 4);
    assert.deepEqual(validation, [training[1], training[3]]);
  });

  test('leaves gaps for what is not finite, and says where nothing is', async () => {
    const broken = await historyChart({
      epoch: epochs(4),
      history: { loss: [1, Number.NaN, 2, Number.POSITIVE_INFINITY] },
    });
    assert.doesNotMatch(broken, /NaN|Infinity/);
    assert.equal(dots(broken), 3);
    const nothing = await historyChart({ epoch: [0], history: { loss: [Number.NaN] } });
    assert.match(nothing, /no finite value/);
  });

  test('writes very large and very small values short', async () => {
    const labels = async (values: number[]) =>
      charts(await historyChart({ epoch: epochs(2), history: { loss: values } }))[0]!;
    assert.ok((await labels([1e9, 3e9])).includes('2e9'));
    assert.ok((await labels([1e-5, 3e-5])).includes('2e-5'));
    assert.ok((await labels([0.99, 0.99])).some((label) => /^(0\.9|1\.0)/.test(label)));
  });

  test('names cannot break out', async () => {
    const name = `<script>&"'`;
    const svg = await historyChart({ epoch: [0, 1], history: { [name]: [1, 2] } });
    assert.ok(!svg.includes('<script'));
    assert.ok((await svgToPng(svg)).length > 1000);
  });

  test('refuses an empty history, unknown metrics and impossible sizes', async () => {
    const code = (history: HistoryData, options?: CurveOptions) =>
      historyChart(history, options).then(
        () => 'drawn',
        (error) => (error instanceof TsunoError ? error.code : error),
      );
    assert.equal(await code({ epoch: [], history: {} }), 'DATA_EMPTY');
    assert.equal(await code({ epoch: [0], history: {} }), 'DATA_EMPTY');
    assert.equal(await code(five, { metrics: ['recall'] }), 'ARGUMENT');
    assert.equal(await code(five, { width: 20 }), 'ARGUMENT');
    assert.equal(await code(five, { columns: 1.5 }), 'ARGUMENT');
  });
});
