/** @file The confusion matrix: counts in their squares, shares at the edges, refusals. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { TsunoError } from '../../src/core/errors.ts';
import { tensor } from '../../src/core/tensor.ts';
import { type ConfusionOptions, confusionChart } from '../../src/plots/confusion_matrix.ts';
import { svgToPng } from '../../src/plots/svg_to_png.ts';

/** What each square says to a pointer. */
const squares = (svg: string) => [...svg.matchAll(/<title>([^<]*)</g)].map(([, text]) => text!);
const texts = (svg: string) => [...svg.matchAll(/<text[^>]*>([^<]*)</g)].map(([, text]) => text!);

describe('confusionChart', () => {
  const labels = [0, 0, 0, 1, 1, 2];
  const predicted = [0, 0, 1, 1, 1, 0];

  test('counts pairs of true and predicted class', async () => {
    const svg = confusionChart({ labels, predicted, classNames: ['cat', 'dog', 'a<b'] });
    assert.deepEqual(squares(svg), [
      'true cat, predicted cat: 2',
      'true cat, predicted dog: 1',
      'true cat, predicted a&lt;b: 0',
      'true dog, predicted cat: 0',
      'true dog, predicted dog: 2',
      'true dog, predicted a&lt;b: 0',
      'true a&lt;b, predicted cat: 1',
      'true a&lt;b, predicted dog: 0',
      'true a&lt;b, predicted a&lt;b: 0',
    ]);
    const said = texts(svg);
    assert.ok(said.includes('Confusion matrix: 4 of 6 right, 66.7 %'));
    // Recall of cat and dog; precision 2 of 3 each, of the last class none.
    for (const share of ['66.7', '100.0', '0.0', '–']) assert.ok(said.includes(share), share);
    assert.ok((await svgToPng(svg)).length > 1000, 'is well-formed');
  });

  test('the right are blue, the wrong red, nothing is white', () => {
    const svg = confusionChart({ labels, predicted });
    const fills = [...svg.matchAll(/<rect x=[^>]*fill="rgb\((\d+),(\d+),(\d+)\)"/g)].map(
      ([, r, , b]) => (r === b ? 'white' : Number(b) > Number(r) ? 'blue' : 'red'),
    );
    assert.deepEqual(fills, [
      'blue',
      'red',
      'white',
      'white',
      'blue',
      'white',
      'red',
      'white',
      'white',
    ]);
  });

  test('takes probabilities, one-hot labels, one sigmoid; says percent', () => {
    const probabilities = tensor([
      [0.9, 0.1],
      [0.6, 0.4],
    ]);
    const oneHot = tensor([
      [1, 0],
      [0, 1],
    ]);
    const svg = confusionChart({ labels: oneHot, probabilities, show: 'percent' });
    assert.deepEqual(
      squares(svg).map((text) => text.slice(-1)),
      ['1', '0', '1', '0'],
    );
    assert.equal(texts(svg).filter((text) => text === '100').length, 2);
    const sigmoid = confusionChart({ labels: [1, 1], probabilities: tensor([[0.2], [0.7]]) });
    assert.deepEqual(
      squares(sigmoid).map((text) => text.slice(-1)),
      ['0', '0', '1', '1'],
    );
  });

  test('a thousand classes are many, but squares', () => {
    const many = Array.from({ length: 200 }, (_, i) => i);
    const svg = confusionChart({ labels: many, predicted: many });
    assert.equal(squares(svg).length, 40_000);
    assert.match(svg, /width="\d+(\.\d)?" height="\d+"/);
  });

  test('refused', () => {
    const wrong: [Partial<ConfusionOptions>, string][] = [
      [{ predicted: [1] }, 'DATA_MISMATCH'],
      [{ labels: [], predicted: [] }, 'DATA_EMPTY'],
      [{ labels: [0, 0.5, 0, 0, 0, 0] }, 'LABEL_RANGE'],
      [{ classNames: ['a', 'b'] }, 'LABEL_RANGE'],
      [{ labels: [-1, 0, 0, 0, 0, 0] }, 'LABEL_RANGE'],
      [{ show: 'all' as 'counts' }, 'ARGUMENT'],
      [{ size: 1 }, 'ARGUMENT'],
      [{ labels: tensor(1) }, 'SHAPE'],
    ];
    for (const [options, code] of wrong) {
      assert.throws(
        () => confusionChart({ labels, predicted, ...options }),
        (error: TsunoError) => error.code === code,
        code,
      );
    }
    assert.throws(() => confusionChart({ labels }), /probabilities or predicted must be given/);
  });
});
