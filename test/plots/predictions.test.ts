/** @file The grid of images: their pixels, what is said under them, which are marked. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decode } from 'fast-png';
import { TsunoError } from '../../src/core/errors.ts';
import { Tensor, tensor } from '../../src/core/tensor.ts';
import { type PredictionOptions, predictionGrid } from '../../src/plots/predictions.ts';
import { svgToPng } from '../../src/plots/svg_to_png.ts';

/** Three images of 2 × 3 grey pixels. */
const grey = new Tensor(
  'uint8',
  [3, 2, 3, 1],
  Uint8Array.from({ length: 18 }, (_, i) => i * 14),
);

/** The embedded images, decoded. */
function pictures(svg: string) {
  return [...svg.matchAll(/base64,([^"]*)"/g)].map(([, data]) =>
    decode(Buffer.from(data!, 'base64')),
  );
}

/** The lines under the images, a list an image. */
function captions(svg: string): string[][] {
  return svg
    .split('<image ')
    .slice(1)
    .map((cell) =>
      [...cell.matchAll(/<text[^>]*>(.*?)<\/text>/g)].map(([, text]) =>
        text!.replaceAll(/<[^>]*>/g, '').trim(),
      ),
    );
}

const marked = (svg: string) => [...svg.matchAll(/stroke="#dc2626"/g)].length;

describe('predictionGrid', () => {
  test('says class, probability and truth, and marks what is wrong', async () => {
    const svg = await predictionGrid(grey, {
      probabilities: tensor([
        [0.1, 0.9],
        [0.75, 0.25],
        [0.0004, 0.9996],
      ]),
      labels: [1, 1, 1],
      classNames: ['cat', 'dog'],
      columns: 2,
    });
    assert.deepEqual(captions(svg), [
      ['dog 90.0%', 'true dog'],
      ['cat 75.0%', 'true dog'],
      ['dog 100.0%', 'true dog'],
    ]);
    assert.equal(marked(svg), 1);
    assert.equal([...svg.matchAll(/<text[^>]*fill="#dc2626"/g)].length, 2, 'both lines are red');
    assert.ok((await svgToPng(svg)).length > 1000, 'is well-formed');
  });

  test('takes classes, labels as tensors, one sigmoid, or no labels', async () => {
    const first = async (options: PredictionOptions) =>
      captions(await predictionGrid(grey, options)).map((lines) => lines.join(', '));
    assert.deepEqual(await first({ predicted: [2, 0, 1] }), ['2', '0', '1']);
    const sigmoid = tensor([[0.9], [0.2], [0.5]]);
    assert.deepEqual(await first({ probabilities: sigmoid }), ['1 90.0%', '0 80.0%', '1 50.0%']);
    const truths = ['2, true 1', '0, true 0', '1, true 2'];
    const column = new Tensor('int32', [3, 1], Int32Array.of(1, 0, 2));
    const oneHot = tensor([
      [0, 1, 0],
      [1, 0, 0],
      [0, 0, 1],
    ]);
    for (const labels of [column, column.reshape([3]), oneHot, [1, 0, 2]])
      assert.deepEqual(await first({ predicted: [2, 0, 1], labels }), truths);
  });

  test('embeds the pixels as they are, grey and in colour', async () => {
    const [, second] = pictures(await predictionGrid(grey, { predicted: [0, 0, 0] }));
    assert.deepEqual([second!.width, second!.height, second!.channels], [3, 2, 1]);
    assert.deepEqual([...second!.data], [...grey.data.subarray(6, 12)]);
    const colours = new Tensor('uint8', [1, 1, 2, 3], Uint8Array.of(255, 0, 0, 0, 0, 255));
    const [only] = pictures(await predictionGrid(colours, { predicted: [0] }));
    assert.deepEqual([...only!.data], [255, 0, 0, 0, 0, 255]);
  });

  test('brings floats to bytes by their range', async () => {
    const bytes = async (values: number[]) => {
      const images = new Tensor('float32', [1, 1, values.length], Float32Array.from(values));
      return [...pictures(await predictionGrid(images, { predicted: [0] }))[0]!.data];
    };
    assert.deepEqual(await bytes([0, 0.5, 1]), [0, 128, 255]);
    assert.deepEqual(await bytes([0, 100, 255]), [0, 100, 255]);
    assert.deepEqual(await bytes([-1, 0, 1]), [0, 128, 255]);
    assert.deepEqual(await bytes([0, 0, 0]), [0, 0, 0]);
  });

  test('enlarges pixels without smoothing', async () => {
    const checks = new Tensor('uint8', [1, 2, 2], Uint8Array.of(0, 255, 255, 0));
    const svg = await predictionGrid(checks, { predicted: [0], size: 50 });
    const { data, width, channels } = decode(await svgToPng(svg));
    const row = 12 + 10;
    const line = Array.from({ length: 44 }, (_, x) => data[(row * width + 15 + x) * channels]!);
    assert.deepEqual([...new Set(line)], [0, 255]);
  });

  test('shortens and escapes names', async () => {
    const svg = await predictionGrid(grey, {
      predicted: [0, 1, 1],
      classNames: ['<script>alert("x")</script> and much more text', 'b&w'],
    });
    assert.ok(!svg.includes('<script'));
    assert.match(captions(svg)[0]![0]!, /^&lt;script.*…$/);
    assert.equal(captions(svg)[1]![0], 'b&amp;w');
  });

  test('refuses what does not fit together', async () => {
    const code = (images: Tensor, options: PredictionOptions) =>
      predictionGrid(images, options).then(
        () => 'drawn',
        (error) => (error instanceof TsunoError ? error.code : error),
      );
    const predicted = [0, 0, 0];
    assert.equal(await code(grey, {}), 'ARGUMENT');
    assert.equal(await code(grey, { predicted: [0] }), 'DATA_MISMATCH');
    assert.equal(await code(grey, { predicted, labels: [0, 1] }), 'DATA_MISMATCH');
    assert.equal(await code(grey, { predicted, classNames: [] }), 'LABEL_RANGE');
    assert.equal(await code(grey, { predicted, columns: 0 }), 'ARGUMENT');
    assert.equal(await code(grey, { predicted, size: 0.5 }), 'ARGUMENT');
    assert.equal(await code(grey.reshape([3, 6]), { predicted }), 'SHAPE');
    assert.equal(await code(grey.reshape([3, 1, 3, 2]), { predicted }), 'SHAPE');
    assert.equal(await code(grey, { probabilities: grey }), 'SHAPE');
    assert.equal(await code(grey, { predicted, labels: grey }), 'SHAPE');
    assert.equal(await code(grey.slice(0, 0), { predicted: [] }), 'DATA_EMPTY');
  });
});
