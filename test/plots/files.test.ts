/** @file Pictures in files: the format by the ending, clear refusals before anything is drawn or written. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { decode } from 'fast-png';
import { type ErrorCode, TsunoError } from '../../src/core/errors.ts';
import { tensor } from '../../src/core/tensor.ts';
import * as plots from '../../src/plots/index.ts';
import { mnistModel, unbuiltModel } from '../support/descriptions.ts';

const folder = mkdtempSync(join(tmpdir(), 'tsuno-plots-'));
after(() => rmSync(folder, { recursive: true }));

const run = { epoch: [0, 1], history: { loss: [2, 1], val_loss: [2, 1.5] } };
const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="8" height="4"></svg>';

describe('the doors', () => {
  test('give the SVG, and write it where a path is given', async () => {
    const path = join(folder, 'model.svg');
    const drawn = await plots.model(mnistModel, path, { showShapes: true, dpi: 72 });
    assert.equal(readFileSync(path, 'utf8'), drawn);
    assert.match(drawn, /^<svg /);
    assert.equal(await plots.diagram(mnistModel, undefined, { showShapes: true, dpi: 72 }), drawn);
  });

  test('take a model by its describe()', async () => {
    const described = await plots.model({ describe: () => mnistModel });
    assert.equal(described, await plots.model(mnistModel));
  });

  test('write PNG: a diagram at its dpi, charts at twice their size', async () => {
    const sizeOf = (name: string) => decode(readFileSync(join(folder, name)));
    await plots.model(mnistModel, join(folder, 'model.png'), { dpi: 100 });
    const curves = await plots.history(run, join(folder, 'curves.PNG'), { width: 300 });
    await plots.predictions(tensor([[[0, 1]]]), { predicted: [1] }, join(folder, 'one.png'));
    const svg = await plots.model(mnistModel, undefined, { dpi: 100 });
    const [, width, height] = /^<svg width="(\d+)" height="(\d+)"/.exec(svg)!.map(Number);
    assert.deepEqual([sizeOf('model.png').width, sizeOf('model.png').height], [width, height]);
    assert.match(curves, /width="300"/);
    assert.equal(sizeOf('curves.PNG').width, 600);
    assert.ok(sizeOf('one.png').width > 100);
  });

  test('write the same bytes every time', async () => {
    const [a, b] = ['a.png', 'b.png'].map((name) => join(folder, name));
    await plots.history(run, a);
    await plots.history(run, b);
    assert.ok(readFileSync(a!).equals(readFileSync(b!)));
  });
});

describe('paths', () => {
  const refused = (code: ErrorCode, work: Promise<unknown>, words: RegExp) =>
    assert.rejects(
      work,
      (error) => error instanceof TsunoError && error.code === code && words.test(error.message),
    );

  test('of other formats are refused', async () => {
    await refused('ARGUMENT', plots.savePlot(svg, join(folder, 'a.jpg')), /\.svg or \.png/);
    await refused('ARGUMENT', plots.savePlot(svg, join(folder, 'png')), /\.svg or \.png/);
  });

  test('in a missing folder, or of a folder, are refused', async () => {
    mkdirSync(join(folder, 'folder.svg'));
    writeFileSync(join(folder, 'file'), '');
    const at = (...parts: string[]) => plots.savePlot(svg, join(folder, ...parts));
    await refused('FILE', at('missing', 'a.svg'), /no folder ".*missing"/);
    await refused('FILE', at('file', 'a.svg'), /no folder/);
    await refused('FILE', at('folder.svg'), /a folder of that name/);
    await refused('FILE', at(`${'x'.repeat(300)}.svg`), /ENAMETOOLONG/);
  });

  test('that cannot be are refused before anything is drawn, and a failed drawing leaves no file', async () => {
    const before = readdirSync(folder);
    await refused('FILE', plots.model(unbuiltModel, join(folder, 'no', 'a.svg')), /no folder/);
    await refused('STATE', plots.model(unbuiltModel, join(folder, 'unbuilt.svg')), /built/);
    await refused('ARGUMENT', plots.savePlot('no svg', join(folder, 'no.png')), /SVG/);
    assert.deepEqual(readdirSync(folder), before);
  });
});
