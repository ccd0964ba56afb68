/**
 * @file Random augmentation: that each image is changed as it should be, that draws have the right statistics, and that they
 * do not depend on threads.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { WasmEngine } from '../../src/backends/wasm/engine.ts';
import type { Value } from '../../src/ir/graph.ts';
import * as layers from '../../src/layers/index.ts';
import type { Layer } from '../../src/layers/layer.ts';
import { concat } from '../../src/ops/index.ts';
import {
  constant,
  counted,
  engineOfFile,
  fixture,
  imagesOf,
  type KerasFile,
  largestError,
  many,
  mean,
  type Numbers,
  near,
  run,
} from './augmentation_run.ts';
import { engineBackend } from './engine_backend.ts';

const fast = engineOfFile();

/** Layers that are random, for images of three channels. */
const random: Record<string, () => Layer> = {
  augMix: () => layers.augMix({ numChains: 2, chainDepth: 2 }),
  cutMix: () => layers.cutMix(),
  mixUp: () => layers.mixUp(1),
  pipeline: () => layers.pipeline([layers.randomBrightness(0.3), layers.randomFlip()]),
  randAugment: () => layers.randAugment(),
  randomBrightness: () => layers.randomBrightness(0.3),
  randomColorDegeneration: () => layers.randomColorDegeneration(0.5),
  randomColorJitter: () =>
    layers.randomColorJitter({ brightnessFactor: 0.2, contrastFactor: 0.2, hueFactor: 0.2 }),
  randomContrast: () => layers.randomContrast(0.5),
  randomElasticTransform: () => layers.randomElasticTransform(),
  randomErasing: () => layers.randomErasing(),
  randomFlip: () => layers.randomFlip(),
  randomGaussianBlur: () => layers.randomGaussianBlur(),
  randomGrayscale: () => layers.randomGrayscale(),
  randomHue: () => layers.randomHue(0.5),
  randomInvert: () => layers.randomInvert([0.5, 0.5]),
  randomPerspective: () => layers.randomPerspective(),
  randomPosterization: () => layers.randomPosterization(4),
  randomRotation: () => layers.randomRotation(0.3),
  randomSaturation: () => layers.randomSaturation([0.2, 0.8]),
  randomSharpness: () => layers.randomSharpness(0.9),
  randomShear: () => layers.randomShear({ xFactor: 0.3 }),
  randomTranslation: () => layers.randomTranslation(0.3, 0.3),
  randomZoom: () => layers.randomZoom(0.3),
  solarization: () => layers.solarization({ additionFactor: 0.3, thresholdFactor: 0.3 }),
};

describe('random augmentation', () => {
  const images = counted(6, 5, 4, 3);
  let others: WasmEngine[];
  before(async () => {
    others = [await WasmEngine.start({ threads: 1 }), await WasmEngine.start({ threads: 3 })];
  });
  after(() => {
    for (const other of others) other.dispose();
  });

  for (const [name, make] of Object.entries(random)) {
    test(`${name}: only in training, by seed and step, for any number of threads`, async () => {
      const layer = make();
      const [still] = await run(layer, [images], { training: false });
      assert.deepEqual(Array.from(still!.data), Array.from(images.data), 'inference');
      const [first] = await run(layer, [images], { backend: fast });
      assert.deepEqual(first!.shape, images.shape);
      assert.ok(Array.from(first!.data).every(Number.isFinite), 'finite');
      assert.notDeepEqual(Array.from(first!.data), Array.from(images.data), 'changed');
      for (const other of others) {
        const [again] = await run(layer, [images], { backend: engineBackend(other) });
        assert.deepEqual(again, first, `${other.threads} threads`);
      }
      const [next] = await run(layer, [images], { backend: fast, step: 4 });
      assert.notDeepEqual(next, first, 'another step');
      const [reference] = await run(layer, [images]);
      assert.ok(
        largestError([...(reference!.data as number[])], [...(first!.data as number[])]) < 5e-3,
      );
    });
  }
});

describe('draws of augmentation', () => {
  test('flips mirror half of the images, each as asked', async () => {
    const images = counted(many, 2, 3, 1);
    for (const [mode, order] of [
      ['horizontal', [2, 1, 0, 5, 4, 3]],
      ['vertical', [3, 4, 5, 0, 1, 2]],
      ['horizontal_and_vertical', [5, 4, 3, 2, 1, 0]],
    ] as const) {
      const [y] = await run(layers.randomFlip(mode), [images], { backend: fast });
      const flipped = imagesOf(y!).map((image, n) => {
        const same = image.every((pixel, i) => pixel === n * 6 + i);
        const mirrored = image.every((pixel, i) => pixel === n * 6 + order[i]!);
        assert.ok(same !== mirrored, `image ${n}`);
        return mirrored ? 1 : 0;
      });
      assert.ok(Math.abs(mean(flipped) - 0.5) < near(0.5), `${mode}: ${mean(flipped)}`);
    }
  });

  test('crops are windows, at every place alike; the middle in inference', async () => {
    const images = counted(many, 5, 6, 1);
    const layer = layers.randomCrop(3, 4);
    const window = (n: number, top: number, left: number) =>
      Array.from({ length: 12 }, (_, i) => n * 30 + (top + Math.floor(i / 4)) * 6 + left + (i % 4));
    const [y] = await run(layer, [images], { backend: fast });
    assert.deepEqual(y!.shape, [many, 3, 4, 1]);
    const starts = new Map<number, number>();
    imagesOf(y!).forEach((image, n) => {
      const start = image[0]! - n * 30;
      assert.deepEqual(image, window(n, Math.floor(start / 6), start % 6), `image ${n}`);
      starts.set(start, (starts.get(start) ?? 0) + 1);
    });
    assert.deepEqual(
      [...starts.keys()].sort((a, b) => a - b),
      [0, 1, 2, 6, 7, 8, 12, 13, 14],
    );
    for (const count of starts.values()) {
      assert.ok(Math.abs(count / many - 1 / 9) < near(Math.sqrt(8) / 9), `${count} of ${many}`);
    }
    const [middle] = await run(layer, [images], { training: false });
    assert.deepEqual(imagesOf(middle!)[5], window(5, 1, 1));
    const [enlarged] = await run(layers.randomCrop(8, 8), [counted(2, 5, 6, 1)]);
    assert.deepEqual(enlarged!.shape, [2, 8, 8, 1]);
  });

  test('factors are uniform between their bounds', async () => {
    const layer = layers.randomBrightness([-0.1, 0.5], { valueRange: [0, 1] });
    const [y] = await run(layer, [constant([many, 1, 1, 1], 0.2)], { backend: fast });
    const shifts = Array.from(y!.data, (value) => value - 0.2);
    assert.ok(Math.min(...shifts) >= -0.1001 && Math.max(...shifts) <= 0.5001);
    assert.ok(Math.abs(mean(shifts) - 0.2) < near(0.6 / Math.sqrt(12)), `mean ${mean(shifts)}`);
    const variance = mean(shifts.map((shift) => (shift - mean(shifts)) ** 2));
    assert.ok(Math.abs(variance - 0.03) < 0.002, `variance ${variance}`);
  });

  test('chances are as asked', async () => {
    const images = constant([many, 1, 1, 3], 1);
    const inverted = await run(layers.randomInvert([0.3, 0.3]), [images], { backend: fast });
    const share = mean(imagesOf(inverted[0]!).map(([red]) => (red === 254 ? 1 : 0)));
    assert.ok(Math.abs(share - 0.3) < near(Math.sqrt(0.21)), `inverted ${share}`);
    const coloured: Numbers = { shape: [many, 1, 1, 3], data: images.data };
    const data = Float32Array.from({ length: many * 3 }, (_, i) => [100, 0, 0][i % 3]!);
    const [grey] = await run(layers.randomGrayscale(0.7), [{ ...coloured, data }], {
      backend: fast,
    });
    const greys = imagesOf(grey!).map(([red, green]) => (red === green ? 1 : 0));
    assert.ok(Math.abs(mean(greys) - 0.7) < near(Math.sqrt(0.21)), `grey ${mean(greys)}`);
  });

  test('posterization draws whole bits, the upper bound not among them', async () => {
    const [y] = await run(layers.randomPosterization([1, 4]), [constant([many, 1, 1, 1], 255)]);
    const tones = new Map<number, number>();
    for (const tone of Array.from(y!.data)) tones.set(tone, (tones.get(tone) ?? 0) + 1);
    assert.deepEqual([...tones.keys()].sort(), [128, 192, 224]);
    for (const count of tones.values())
      assert.ok(Math.abs(count / many - 1 / 3) < near(Math.sqrt(2) / 3));
  });

  test('RandAugment chooses among eleven changes for each image, all alike', async () => {
    // Brightness alone shows in an image of one tone: every other change leaves it, or makes it one of few tones.
    const found = new Map<number, number>();
    class Watched extends layers.RandAugment {
      protected override augment(images: Value) {
        return this.choice(images, this.count);
      }
    }
    const [y] = await run(new Watched(), [constant([many, 1, 1, 1], 5)], { backend: fast });
    for (const choice of Array.from(y!.data)) found.set(choice, (found.get(choice) ?? 0) + 1);
    assert.deepEqual(
      [...found.keys()].sort((a, b) => a - b),
      [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
    );
    for (const count of found.values())
      assert.ok(Math.abs(count / many - 1 / 11) < near(Math.sqrt(10) / 11), `${count}`);
  });

  for (const alpha of [0.5, 1, 3]) {
    test(`AugMix shares images out by Dirichlet(${alpha}) and Beta(${alpha}, ${alpha})`, async () => {
      class Watched extends layers.AugMix {
        protected override augment(images: Value) {
          const { own, chains } = this.blend(images);
          return concat([own, ...chains], 3);
        }
      }
      const [y] = await run(new Watched({ alpha }), [constant([many, 1, 1, 1], 5)]);
      const rows = imagesOf({ shape: [many, 1, 1, 4], data: y!.data });
      const column = (i: number) => rows.map((row) => row[i]!);
      for (const [, ...chains] of rows)
        assert.ok(Math.abs(chains.reduce((sum, x) => sum + x) - 1) < 1e-5);
      const check = (shares: readonly number[], center: number, variance: number) => {
        assert.ok(Math.abs(mean(shares) - center) < near(Math.sqrt(variance)), `${mean(shares)}`);
        const found = mean(shares.map((share) => (share - center) ** 2));
        assert.ok(Math.abs(found - variance) < 0.12 * variance, `${found} of ${variance}`);
      };
      check(column(0), 1 / 2, 1 / (4 * (2 * alpha + 1)));
      for (const i of [1, 2, 3]) check(column(i), 1 / 3, 2 / (9 * (3 * alpha + 1)));
    });
  }

  test('Equalization acts in training alone, CLAHE and AutoContrast always', async () => {
    const images = fixture<KerasFile[]>('Equalization')[0]!.input;
    const acts = async (layer: Layer, training: boolean) => {
      const [y] = await run(layer, [images], { training });
      return largestError(Array.from(y!.data), Array.from(images.data)) > 1;
    };
    const clahe = layers.contrastLimitedAdaptiveHistogramEqualization();
    assert.equal(await acts(layers.equalization(), true), true);
    assert.equal(await acts(layers.equalization(), false), false);
    for (const layer of [clahe, layers.autoContrast()])
      for (const training of [true, false]) assert.equal(await acts(layer, training), true);
  });

  test('tones of one image do not change another of the batch', async () => {
    const [bright, dark] = [fixture<KerasFile[]>('Equalization')[0]!.input, counted(1, 9, 7, 3)];
    const both = [...(bright.data as number[]), ...Array.from(dark.data)];
    const [alone] = await run(layers.equalization(), [bright], { backend: fast });
    const batch = { shape: [2, 9, 7, 3], data: both };
    const [together] = await run(layers.equalization(), [batch], { backend: fast });
    assert.deepEqual(imagesOf(together!)[0], Array.from(alone!.data));
  });

  test('elastic transforms move across and down apart', async () => {
    const size = 24;
    const ramp = (down: boolean): Numbers => ({
      shape: [1, size, size, 1],
      data: Float32Array.from({ length: size * size }, (_, i) =>
        down ? Math.floor(i / size) : i % size,
      ),
    });
    const layer = layers.randomElasticTransform({ factor: [1, 1], scale: [1, 1] });
    const [down] = await run(layer, [ramp(true)], { backend: fast });
    const [across] = await run(layer, [ramp(false)], { backend: fast });
    const middle = (y: Numbers, at: (i: number) => number) =>
      Array.from(y.data)
        .map((value, i) => value - at(i))
        .filter((_, i) =>
          [Math.floor(i / size), i % size].every((place) => place > 5 && place < 18),
        );
    const rows = middle(down!, (i) => Math.floor(i / size));
    const columns = middle(across!, (i) => i % size);
    const product = mean(rows.map((row, i) => row * columns[i]!));
    const scale = Math.sqrt(mean(rows.map((x) => x * x)) * mean(columns.map((x) => x * x)));
    assert.ok(scale > 0.2, `moved by ${scale}`);
    assert.ok(Math.abs(product) < 0.5 * scale, `alike: ${product} of ${scale}`);
  });

  for (const fillMode of ['reflect', 'mirror', 'wrap', 'nearest', 'constant'] as const) {
    test(`elastic transforms with ${fillMode} stay within what the image has`, async () => {
      const layer = layers.randomElasticTransform({ fillMode, fillValue: 7, factor: [1, 1] });
      const [y] = await run(layer, [constant([4, 20, 20, 1], 7)], { backend: fast });
      assert.ok(Array.from(y!.data).every((pixel) => Math.abs(pixel - 7) < 1e-4));
    });
  }

  test('solarization inverts what reaches the threshold, after the addition', async () => {
    const ramp: Numbers = {
      shape: [500, 1, 256, 1],
      data: Float32Array.from({ length: 500 * 256 }, (_, i) => i % 256),
    };
    const layer = layers.solarization({ additionFactor: 0.1, thresholdFactor: [0, 0.4] });
    const [y] = await run(layer, [ramp], { backend: fast });
    const [additions, thresholds] = [[] as number[], [] as number[]];
    for (const image of imagesOf(y!)) {
      // Tones rise one by one, up to a jump at the threshold.
      const first = image.findIndex((tone, i) => i > 0 && tone > image[i - 1]! + 2);
      if (first < 1) continue;
      const addition = image[0]!;
      additions.push(addition);
      thresholds.push(first + addition);
      image.forEach((tone, i) => {
        const added = Math.min(i + addition, 255);
        assert.ok(Math.abs(tone - (i < first ? added : 255 - added)) < 1e-3, `pixel ${i}`);
      });
    }
    assert.ok(additions.length > 400);
    assert.ok(Math.max(...additions) <= 25.5 && Math.max(...additions) > 24);
    assert.ok(Math.max(...thresholds) <= 103 && Math.max(...thresholds) > 98);
  });

  test('what is erased is one rectangle, of the area asked for', async () => {
    const size = 20;
    const scale = [0.04, 0.25] as const;
    const layer = layers.randomErasing({ factor: [1, 1], scale, fillValue: 9 });
    const [y] = await run(layer, [constant([200, size, size, 1], 1)], { backend: fast });
    for (const image of imagesOf(y!)) {
      const erased = image.flatMap((pixel, i) => (pixel === 9 ? [i] : []));
      const rows = new Set(erased.map((i) => Math.floor(i / size)));
      const columns = new Set(erased.map((i) => i % size));
      assert.equal(erased.length, rows.size * columns.size, 'a full rectangle');
      for (const extent of [rows.size, columns.size]) {
        assert.ok(extent >= Math.sqrt(scale[0]) * size - 1, `${extent} pixels`);
        assert.ok(extent <= Math.sqrt(scale[1]) * size + 1, `${extent} pixels`);
      }
    }
  });
});
