/** @file The summary table against what Keras printed. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TsunoError } from '../../src/core/errors.ts';
import { isChain, type ModelDescription } from '../../src/plots/description.ts';
import { type SummaryOptions, summaryText } from '../../src/plots/summary.ts';
import {
  branchyModel,
  chain,
  from,
  layer,
  mnistModel,
  model,
  sequentialModel,
  subclassModel,
  unbuiltModel,
} from '../support/descriptions.ts';
import { goldenText } from '../support/golden_text.ts';

const compiled = { ...sequentialModel, optimizerParameters: { count: 27_254, bytes: 109_020 } };

const golden: [file: string, model: ModelDescription, options?: SummaryOptions][] = [
  ['functional', mnistModel],
  ['functional_100', mnistModel, { lineLength: 100 }],
  ['functional_trainable', mnistModel, { showTrainable: true }],
  ['branches', branchyModel],
  ['branches_nested', branchyModel, { expandNested: true, showTrainable: true }],
  ['sequential', sequentialModel],
  ['sequential_compiled', compiled],
  ['subclass', subclassModel],
  ['unbuilt', unbuiltModel],
];

/** Lines of the table, without its rules, as lists of cells. */
function rows(text: string): string[][] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('│'))
    .map((line) =>
      line
        .split('│')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

describe('summary', () => {
  for (const [file, description, options] of golden) {
    test(`${file} is Keras’s to the character`, () => {
      const expected = `${goldenText(`summary_${file}.txt`).trimEnd()}\n`;
      assert.equal(summaryText(description, options), expected);
    });
  }

  test('columns of 80, 120 and with connections have Keras’s widths', () => {
    const widths = (description: ModelDescription, options: SummaryOptions) =>
      summaryText(description, options)
        .split('\n')[1]!
        .slice(1, -1)
        .split('┳')
        .map((cell) => cell.length);
    assert.deepEqual(widths(mnistModel, { columns: 80 }), [33, 24, 15]);
    assert.deepEqual(widths(mnistModel, { columns: 120 }), [38, 29, 17]);
    assert.deepEqual(widths(branchyModel, { columns: 120 }), [31, 27, 17, 28]);
    assert.deepEqual(widths(branchyModel, { columns: 80 }), [21, 19, 12, 19]);
    assert.deepEqual(widths(mnistModel, { showTrainable: true }), [29, 23, 12, 7]);
  });

  test('a terminal gets Keras’s colours, and the same text', () => {
    const plain = summaryText(branchyModel, { showTrainable: true });
    const coloured = summaryText(branchyModel, { showTrainable: true, colour: true });
    const esc = String.fromCharCode(27);
    assert.equal(coloured.replaceAll(new RegExp(`${esc}\\[[\\d;]*m`, 'g'), ''), plain);
    assert.deepEqual(plain.match(new RegExp(esc)), null);
    const line = coloured.split('\n').find((text) => text.includes('conv2d_1 ('))!;
    assert.equal(
      line.replaceAll(esc, '^'),
      '│ conv2d_1 (^[38;5;33mConv2D^[0m) │ (^[38;5;45mNone^[0m, ^[38;5;34m8^[0m, ^[38;5;34m8^[0m, ' +
        '^[38;5;34m4^[0m) │        ^[38;5;34m16^[0m │ input_layer[^[38;5;34m0^[0m… │   ^[1;38;5;34mY^[0m   │',
    );
    assert.ok(coloured.includes('\u001b[1;91mN\u001b[0m'), 'frozen layers are red');
    assert.ok(coloured.startsWith('\u001b[1mModel: "branchy"\u001b[0m\n'));
    assert.ok(
      coloured.endsWith(
        '\u001b[1m Non-trainable params: \u001b[0m\u001b[38;5;34m112\u001b[0m (448.00 B)\n',
      ),
    );
  });

  test('several outputs, a vector shape and an unknown one', () => {
    const text = summaryText(
      model({
        name: 'many',
        kind: 'sequential',
        layers: [
          layer({ name: 'pair', className: 'Pair', outputShape: [[null, 2], [3]] }),
          layer({ name: 'one', className: 'One', outputShape: [[null, 5]] }),
          layer({ name: 'scalar', className: 'Scalar', outputShape: [] }),
          layer({ name: 'unknown', className: 'Unknown' }),
        ],
      }),
    );
    assert.deepEqual(
      rows(text).map((cells) => cells[1]),
      ['[(None, 2), (3)]', '(None, 5)', '()', '?'],
    );
  });

  test('layerRange lists from the first to the last match, in either order', () => {
    const names = (range: [string, string]) =>
      rows(summaryText(mnistModel, { layerRange: range, columns: 120 })).map(
        ([name]) => name!.split(' ')[0],
      );
    assert.deepEqual(names(['conv2d_1', 'max_pooling2d_1']), ['conv2d_1', 'max_pooling2d_1']);
    assert.deepEqual(names(['flatten', 'dense']), ['flatten', 'dropout', 'dense']);
    assert.deepEqual(names(['dense', 'flatten']), ['flatten', 'dropout', 'dense']);
    assert.equal(names(['conv2d', 'conv.*']).length, 5, 'patterns match the beginning of a name');
  });

  test('names that could steer the terminal are shown harmless, wide ones keep the table straight', () => {
    const hostile = 'a\u001b[2J\nb\u0007';
    const text = summaryText(
      model({
        name: hostile,
        kind: 'sequential',
        layers: chain({ name: hostile, className: 'X' }, { name: '畳み込み層', className: 'Y' }),
      }),
      { colour: false },
    );
    assert.doesNotMatch(text.replaceAll('\n', ''), /\p{Cc}/u);
    assert.ok(text.includes('│ 畳み込み層 (Y)                  │'));
  });

  test('a terminal of any width cuts it off, from one column', () => {
    for (const showTrainable of [false, true]) {
      for (let columns = 1; columns < 60; columns++) {
        for (const line of summaryText(mnistModel, { columns, showTrainable }).split('\n'))
          assert.ok([...line].length <= columns, `${columns} columns: ${line}`);
      }
    }
  });

  test('what cannot be printed is refused', () => {
    const refused = (options: SummaryOptions) =>
      assert.throws(
        () => summaryText(mnistModel, options),
        (error) => error instanceof TsunoError && error.code === 'ARGUMENT',
      );
    refused({ lineLength: 10 });
    refused({ positions: [0.5, 1] });
    refused({ positions: [0.5, 0.4, 1] });
    refused({ layerRange: ['conv2d', 'nowhere'] });
    refused({ layerRange: ['(', 'dense'] });
  });
});

describe('a chain', () => {
  const relu = (name: string, ...sources: string[]) =>
    layer({ name, className: 'ReLU', connectedTo: sources.map((source) => from(source)) });
  const functional = (...layers: ReturnType<typeof relu>[]) =>
    model({ name: 'm', kind: 'functional', layers });

  test('is one layer after another', () => {
    assert.ok(isChain(functional(relu('a'), relu('b', 'a'), relu('c', 'b'))));
    assert.ok(isChain(subclassModel));
  });

  test('is no branch, no second input, no shared layer', () => {
    assert.ok(!isChain(functional(relu('a'), relu('b', 'a'), relu('c', 'a'))));
    assert.ok(!isChain(functional(relu('a'), relu('b'), relu('c', 'b'))));
    assert.ok(!isChain(functional(relu('a'), relu('b', 'a', 'a'))));
  });
});
