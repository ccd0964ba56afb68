/** @file The diagram of a model: which boxes and arrows, what they say, and that no name can break out. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TsunoError } from '../../src/core/errors.ts';
import type { ModelDescription } from '../../src/plots/description.ts';
import { type DiagramOptions, modelDiagram, modelToDot } from '../../src/plots/diagram.ts';
import { svgToPng } from '../../src/plots/svg_to_png.ts';
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

/** `a → b` by the names in the boxes, sorted. */
function arrows(description: ModelDescription, options: DiagramOptions = {}): string[] {
  const dot = modelToDot(description, { ...options, showLayerNames: true });
  const names = new Map(
    [...dot.matchAll(/(n[_\d]*) \[label=.*?<b>(.*?)<\/b>/g)].map(([, id, name]) => [id, name]),
  );
  return [...dot.matchAll(/(n[_\d]*) -> (n[_\d]*)/g)]
    .map(([, source, target]) => `${names.get(source)} → ${names.get(target)}`)
    .sort();
}

/** The texts of the SVG, in order. */
function texts(svg: string): string[] {
  return [...svg.matchAll(/<text [^>]*>([^<]*)<\/text>/g)].map(([, text]) =>
    text!
      .replaceAll('&lt;', '<')
      .replaceAll('&gt;', '>')
      .replaceAll('&quot;', '"')
      .replaceAll(/&#(\d+);/g, (_, code) => String.fromCodePoint(Number(code)))
      .replaceAll('&amp;', '&')
      .trim(),
  );
}

/** A functional model of two inputs and two outputs, used as a layer of another. */
const twoByTwo = model({
  name: 'inner',
  kind: 'functional',
  layers: [
    layer({ name: 'left', className: 'InputLayer', outputShape: [null, 4] }),
    layer({ name: 'right', className: 'InputLayer', outputShape: [null, 4] }),
    layer({ name: 'double', className: 'Dense', connectedTo: [from('left')] }),
    layer({ name: 'both', className: 'Add', connectedTo: [from('left'), from('right')] }),
  ],
  inputs: ['right', 'left'],
  outputs: [from('both'), from('double')],
});

const holder = model({
  name: 'holder',
  kind: 'functional',
  layers: [
    layer({ name: 'a', className: 'InputLayer' }),
    layer({ name: 'b', className: 'InputLayer' }),
    layer({
      name: 'inner',
      className: 'Functional',
      connectedTo: [from('a'), from('b')],
      nested: twoByTwo,
    }),
    layer({ name: 'first', className: 'ReLU', connectedTo: [from('inner', 0, 0)] }),
    layer({ name: 'second', className: 'ReLU', connectedTo: [from('inner', 0, 1)] }),
  ],
});

describe('boxes and arrows', () => {
  test('follow the connections of a functional model, once each', () => {
    assert.deepEqual(arrows(branchyModel), [
      'add → concatenate',
      'concatenate → head',
      'conv2d → add',
      'conv2d → concatenate',
      'conv2d_1 → add',
      'head → global_average_pooling2d',
      'input_layer → conv2d',
      'input_layer → conv2d_1',
    ]);
    const twice = model({
      name: 'twice',
      kind: 'functional',
      layers: [
        layer({ name: 'x', className: 'InputLayer' }),
        layer({ name: 'sum', className: 'Add', connectedTo: [from('x'), from('x')] }),
      ],
    });
    assert.deepEqual(arrows(twice), ['x → sum']);
  });

  test('follow the order of a sequential model, which has no input box', () => {
    assert.deepEqual(arrows(sequentialModel), [
      'batch_normalization → max_pooling2d',
      'conv2d → batch_normalization',
      'flatten → dense',
      'max_pooling2d → flatten',
    ]);
  });

  test('lead into open nested models by their inputs and out of them by their outputs', () => {
    assert.deepEqual(arrows(holder, { expandNested: true }), [
      'a → right',
      'b → left',
      'both → first',
      'double → second',
      'left → both',
      'left → double',
      'right → both',
    ]);
    const nested = arrows(branchyModel, { expandNested: true });
    assert.ok(nested.includes('concatenate → conv2d_2'));
    assert.ok(nested.includes('conv2d_2 → global_average_pooling2d'));
  });

  test('a subclass is one box, open only where its layers are connected', () => {
    assert.deepEqual(arrows(subclassModel), []);
    assert.equal(modelToDot(subclassModel, { expandNested: true }).match(/label=/g)!.length, 1);
    const traced = model({
      name: 'traced',
      kind: 'subclass',
      layers: chain({ name: 'a', className: 'Conv2D' }, { name: 'b', className: 'Dense' }),
    });
    assert.deepEqual(arrows(traced, { expandNested: true }), ['a → b']);
    assert.deepEqual(arrows(traced), []);
  });
});

describe('modelDiagram', () => {
  test('says what Keras says in each box', async () => {
    assert.deepEqual(texts(await modelDiagram(mnistModel)).slice(0, 3), [
      'InputLayer',
      'Rescaling',
      'Conv2D',
    ]);
    const all = texts(
      await modelDiagram(branchyModel, {
        showShapes: true,
        showDtype: true,
        showLayerNames: true,
        showLayerActivations: true,
        showTrainable: true,
        expandNested: true,
      }),
    );
    const at = all.indexOf('conv2d');
    assert.deepEqual(all.slice(at, at + 9), [
      'conv2d',
      '(Conv2D)',
      'Input shape:',
      '(None, 8, 8, 3)',
      'Output shape:',
      '(None, 8, 8, 4)',
      'Output dtype:',
      'float32',
      'Non-trainable',
    ]);
    assert.ok(all.includes('[(None, 8, 8, 4), (None, 8, 8, 4)]'));
    assert.ok(all.includes('head'), 'the frame of the nested model has its name');
    const activations = texts(await modelDiagram(mnistModel, { showLayerActivations: true }));
    assert.equal(activations.filter((text) => text === 'Activation:').length, 4);
    assert.equal(activations.at(-1), 'softmax');
  });

  test('is as large as dpi says, and its texts keep to their boxes', async () => {
    const size = async (dpi: number) => {
      const svg = await modelDiagram(mnistModel, { dpi, showShapes: true });
      assert.equal(svg.match(/<text /g)!.length, svg.match(/textLength=/g)!.length);
      return /^<svg width="(\d+)" height="(\d+)"/.exec(svg)!.slice(1).map(Number);
    };
    const [width, height] = await size(72);
    const [fine, high] = await size(200);
    assert.ok(Math.abs(fine! / width! - 200 / 72) < 0.01);
    assert.ok(Math.abs(high! / height! - 200 / 72) < 0.01);
    assert.ok(high! > 2 * fine!, 'from top to bottom');
  });

  test('runs from left to right on demand', async () => {
    const svg = await modelDiagram(mnistModel, { rankdir: 'LR' });
    const [width, height] = /^<svg width="(\d+)" height="(\d+)"/.exec(svg)!.slice(1).map(Number);
    assert.ok(width! > 5 * height!);
  });

  test('no name can break out of its box', async () => {
    const names = ['<b>x</b>', '"', "'", '&amp;', ']]>', '\\N \\G', '{a|b}', '', 'a\u0000\nb'];
    const shown = ['<b>x</b>', '"', "'", '&amp;', ']]>', '\\N \\G', '{a|b}', '', 'a\ufffd b'];
    for (const [i, name] of names.entries()) {
      const inner = model({ name, kind: 'sequential', layers: chain({ name, className: name }) });
      const outer = model({
        name,
        kind: 'functional',
        layers: chain({
          name: `${name}_`,
          className: name,
          dtype: name,
          activation: name,
          nested: inner,
        }),
      });
      const options = { showDtype: true, showLayerActivations: true, showLayerNames: true };
      for (const expandNested of [false, true]) {
        const svg = await modelDiagram(outer, { ...options, expandNested });
        const found = texts(svg);
        assert.ok(found.includes(shown[i]!), `${JSON.stringify(name)} in ${found}`);
        assert.ok((await svgToPng(svg)).length > 100, 'is well-formed');
      }
    }
  });

  test('draws hundreds of layers', async () => {
    const layers = Array.from({ length: 400 }, (_, i) => ({ name: `l${i}`, className: 'ReLU' }));
    const svg = await modelDiagram(
      model({ name: 'deep', kind: 'sequential', layers: chain(...layers) }),
    );
    assert.equal(texts(svg).length, 400);
    assert.equal(svg.match(/class="edge"/g)!.length, 399);
  });

  test('refuses what it cannot draw', async () => {
    const code = (description: ModelDescription, options: object) =>
      modelDiagram(description, options).then(
        () => 'drawn',
        (error) => (error instanceof TsunoError ? error.code : error),
      );
    assert.equal(await code(unbuiltModel, {}), 'STATE');
    assert.equal(await code(mnistModel, { rankdir: 'BT; a' }), 'ARGUMENT');
    assert.equal(await code(mnistModel, { splines: 'none, x' }), 'ARGUMENT');
    assert.equal(await code(mnistModel, { dpi: 0 }), 'ARGUMENT');
  });
});
