/** @file Mixing of a batch: `mixUp` and `cutMix` blend images and labels by one and the same share. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as layers from '../../src/layers/index.ts';
import {
  counted,
  engineOfFile,
  imagesOf,
  mean,
  type Numbers,
  near,
  run,
} from './augmentation_run.ts';

const fast = engineOfFile();

/** Labels of which each sample has its own. */
const identity = (n: number): Numbers => ({
  shape: [n, n],
  data: Float32Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0)),
});

describe('mixing of a batch', () => {
  const n = 400;
  for (const alpha of [0.2, 1, 3]) {
    test(`mixUp(${alpha}) blends images and labels by Beta(α, α)`, async () => {
      const images = counted(n, 2, 1, 1);
      const shares: number[] = [];
      for (const step of [1, 2, 3, 4, 5]) {
        const options = { backend: fast, step };
        const [mixed, labels] = await run(layers.mixUp(alpha), [images, identity(n)], options);
        const partners: number[] = [];
        imagesOf(labels!).forEach((label, i) => {
          const partner = label.findIndex((share, j) => share > 0 && j !== i);
          const share = label[i]!;
          assert.ok(Math.abs(label.reduce((sum, x) => sum + x, 0) - 1) < 1e-5);
          partners.push(partner < 0 ? i : partner);
          if (partner < 0) return;
          shares.push(share);
          const expected = share * i * 2 + (1 - share) * partner * 2;
          const found = Number(mixed!.data[i * 2]);
          assert.ok(Math.abs(found - expected) < 1e-3 * n, `image ${i}: ${found}, ${expected}`);
        });
        // Shares of 1 hide a partner, so that a few may seem to be their own.
        assert.ok(new Set(partners).size > 0.8 * n, 'a permutation');
      }
      const variance = 1 / (4 * (2 * alpha + 1));
      const count = shares.length;
      assert.ok(Math.abs(mean(shares) - 0.5) < near(Math.sqrt(variance), count), `${mean(shares)}`);
      const found = mean(shares.map((share) => (share - 0.5) ** 2));
      assert.ok(Math.abs(found - variance) < near(0.2 * variance + 0.05, count), `${found}`);
    });
  }

  test('cutMix puts a rectangle of the partner in, and mixes labels by its area', async () => {
    const [n, size] = [40, 16];
    const images: Numbers = {
      shape: [n, size, size, 1],
      data: Float32Array.from({ length: n * size * size }, (_, i) => Math.floor(i / size ** 2)),
    };
    const [mixed, labels] = await run(layers.cutMix(), [images, identity(n)], { backend: fast });
    const rows = imagesOf(labels!);
    let cut = 0;
    imagesOf(mixed!).forEach((image, i) => {
      const strange = image.flatMap((pixel, at) => (pixel === i ? [] : [at]));
      if (strange.length === 0) return;
      cut++;
      const partner = image[strange[0]!]!;
      assert.ok(strange.every((at) => image[at] === partner));
      const high = new Set(strange.map((at) => Math.floor(at / size))).size;
      assert.equal(strange.length % high, 0, 'a rectangle');
      const area = strange.length / size ** 2;
      const share = rows[i]![partner]!;
      assert.ok(Math.abs(share - area) < 2.5 / size, `${share} of ${area}`);
      assert.ok(Math.abs(rows[i]![i]! + share - 1) < 1e-5);
    });
    assert.ok(cut > n / 4, `${cut} images have a piece of another`);
  });

  test('images alone, or with labels, in a network too', () => {
    const images = layers.mixUp().outputShape([null, 8, 8, 3]);
    assert.deepEqual(images, [null, 8, 8, 3]);
  });
});
