/** @file Filters and feature maps: which images, in which colours, and that they are what the layers compute. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decode } from 'fast-png';
import type { TsunoError } from '../../src/core/errors.ts';
import { Tensor, tensor } from '../../src/core/tensor.ts';
import * as layers from '../../src/layers/index.ts';
import { Model, Sequential } from '../../src/model/model.ts';
import { featureMapGrid, filterGrid } from '../../src/plots/layer_images.ts';
import { svgToPng } from '../../src/plots/svg_to_png.ts';
import { diverging, sequential } from '../../src/plots/tiles.ts';
import { Input } from '../../src/topology/input.ts';

/** The embedded images, decoded. */
const pictures = (svg: string) =>
  [...svg.matchAll(/base64,([^"]*)"/g)].map(([, data]) => decode(Buffer.from(data!, 'base64')));
const pixels = (picture: ReturnType<typeof decode>) =>
  Array.from({ length: picture.data.length / 3 }, (_, i) =>
    Array.from(picture.data.slice(3 * i, 3 * i + 3)),
  );

function network(channels: number, filters: number): Model {
  const inputs = Input({ shape: [4, 4, channels] });
  const maps = layers.conv2d(filters, 2, { name: 'maps' })(inputs);
  return new Model({ inputs, outputs: layers.dense(2)(layers.flatten({ name: 'flat' })(maps)) });
}

const refused = (code: string, call: Promise<string>) =>
  assert.rejects(call, (error: TsunoError) => error.code === code);

describe('filterGrid', () => {
  test('red above 0, blue below, the strongest in full colour', async () => {
    const model = network(1, 2);
    const kernel = model.getLayer({ name: 'maps' }).weights[0]!;
    // [2, 2, 1, 2]: filter 0 is 1, 0, −2, 0; filter 1 is 0, 2, 0, −1.
    kernel.assign([1, 0, 0, 2, -2, 0, 0, -1]);
    const svg = await filterGrid(model, 'maps');
    const [first, second] = pictures(svg).map(pixels);
    assert.deepEqual(first, [diverging(0.5), diverging(0), diverging(-1), diverging(0)]);
    assert.deepEqual(second, [diverging(0), diverging(1), diverging(0), diverging(-0.5)]);
    assert.match(svg, /2 filters, 2 × 2, 1 channel</);
    assert.ok((await svgToPng(svg)).length > 500, 'is well-formed');
  });

  test('three channels are colours, others stand side by side', async () => {
    const rgb = network(3, 5);
    const kernel = rgb.getLayer({ name: 'maps' }).weights[0]!;
    kernel.assign(new Float32Array(kernel.size));
    const [grey] = pictures(await filterGrid(rgb, 1));
    assert.deepEqual(pixels(grey!)[0], [128, 128, 128]);
    assert.equal(pictures(await filterGrid(rgb, 1)).length, 5);
    const deep = network(12, 5);
    assert.equal(pictures(await filterGrid(deep, deep.layers[1]!)).length, 5 * 8);
    const some = await filterGrid(deep, 1, { most: 2, channels: 3 });
    assert.equal(pictures(some).length, 6);
    assert.match(some, /2 of 5 filters, 2 × 2, 3 of 12 channels/);
  });

  test('refused', async () => {
    const model = network(1, 2);
    await refused('ARGUMENT', filterGrid(model, 'flat'));
    await refused('ARGUMENT', filterGrid(model, 'other'));
    await refused('ARGUMENT', filterGrid(model, 3));
    await refused('ARGUMENT', filterGrid(model, 1, { most: 0 }));
    await refused('STATE', filterGrid(new Sequential([layers.conv2d(2, 3)]), 0));
  });
});

describe('featureMapGrid', () => {
  test('shows what the layer computes, each map on its own scale', async () => {
    const model = network(1, 3);
    const [kernel, bias] = model.getLayer({ name: 'maps' }).weights;
    // Filter 0 hands the corner on, filter 1 its negative, filter 2 nothing.
    kernel!.assign([1, -1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    bias!.assign([0, 0, 0]);
    const image = tensor(
      Float32Array.from({ length: 16 }, (_, i) => i),
      [4, 4, 1],
    );
    const svg = await featureMapGrid(model, 'maps', image);
    const found = pictures(svg).map(pixels);
    const corners = [0, 1, 2, 4, 5, 6, 8, 9, 10];
    assert.deepEqual(
      found[0],
      corners.map((value) => [...sequential(value / 10)]),
    );
    assert.deepEqual(
      found[1],
      corners.map((value) => [...sequential(1 - value / 10)]),
    );
    assert.deepEqual(new Set(found[2]!.map(String)).size, 1);
    assert.deepEqual(found[2]![0], [...sequential(0)]);
    assert.match(svg, /3 × 3, 3 maps/);
    // The model goes on as it was.
    const before = await model.predict(image.reshape([1, 4, 4, 1]), { verbose: 0 });
    await featureMapGrid(model, 'maps', image);
    assert.deepEqual(await model.predict(image.reshape([1, 4, 4, 1]), { verbose: 0 }), before);
    model.close();
  });

  test('several layers, bytes, the first of several images', async () => {
    const model = new Sequential([
      Input({ shape: [8, 8, 1] }),
      layers.rescaling(1 / 255),
      layers.conv2d(4, 3, { activation: 'relu' }),
      layers.maxPooling2d(2),
    ]);
    const images = new Tensor(
      'uint8',
      [2, 8, 8, 1],
      Uint8Array.from({ length: 128 }, (_, i) => i),
    );
    const svg = await featureMapGrid(model, [1, 2], images, { most: 2, columns: 1 });
    assert.deepEqual(
      pictures(svg).map(({ width }) => width),
      [6, 6, 3, 3],
    );
    const alone = await featureMapGrid(model, [1, 2], images.slice(0, 1), { most: 2, columns: 1 });
    assert.equal(svg, alone);
  });

  test('refused', async () => {
    const model = network(1, 2);
    const image = new Tensor('float32', [4, 4, 1]);
    await refused('SHAPE', featureMapGrid(model, 'flat', image));
    await refused('SHAPE', featureMapGrid(model, 'maps', new Tensor('float32', [5, 4, 1])));
    await refused('ARGUMENT', featureMapGrid(model, [], image));
    await refused('ARGUMENT', featureMapGrid(model, 'maps', image, { columns: 0 }));
    class Own extends Model {
      readonly maps = layers.conv2d(2, 2);
      override call(x: Parameters<Model['call']>[0]) {
        return this.maps(x);
      }
    }
    const own = new Own();
    own.build([null, 4, 4, 1]);
    await refused('UNSUPPORTED', featureMapGrid(own, own.layers[0]!, image));
  });
});
