/**
 * @file Augmentation: where chance has no say, what Keras does with the same arguments; else that each image is changed as
 * it should be, that draws have the right statistics, and that they do not depend on threads.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { WasmEngine } from '../../src/backends/wasm/engine.ts';
import { type Shape, sizeOf } from '../../src/core/shape.ts';
import { Graph, type Value } from '../../src/ir/graph.ts';
import * as layers from '../../src/layers/index.ts';
import type { Layer } from '../../src/layers/layer.ts';
import { layerFromConfig } from '../../src/layers/registry.ts';
import type { Config } from '../../src/layers/serialized.ts';
import { Trace, tracing } from '../../src/layers/trace.ts';
import { concat, input, scalar } from '../../src/ops/index.ts';
import { root } from '../repository/sources.ts';
import { engineBackend } from './engine_backend.ts';
import { type CaseBackend, referenceBackend } from './run_case.ts';

interface Numbers {
  shape: number[];
  data: ArrayLike<number>;
}

interface KerasFile {
  config: Config;
  input: Numbers;
  /** Those of which each image may have one. */
  outputs: Numbers[];
}

/** With the changes that each image went through. */
interface ChosenFile extends KerasFile {
  chains: (string | null)[][];
}

interface NoisyFile extends KerasFile {
  noise: Numbers;
}

function fixture<T>(name: string): T {
  const path = join(root, 'test', 'fixtures', 'keras', 'augmentation', `${name}.json`);
  return JSON.parse(readFileSync(path, 'utf8')) as T;
}

const classes = [
  'AutoContrast',
  'ContrastLimitedAdaptiveHistogramEqualization',
  'Equalization',
  'RandomBrightness',
  'RandomColorDegeneration',
  'RandomColorJitter',
  'RandomContrast',
  'RandomErasing',
  'RandomGaussianBlur',
  'RandomGrayscale',
  'RandomHue',
  'RandomInvert',
  'RandomPosterization',
  'RandomRotation',
  'RandomSaturation',
  'RandomSharpness',
  'RandomShear',
  'RandomTranslation',
  'RandomZoom',
  'Solarization',
];

interface RunOptions {
  backend?: CaseBackend;
  training?: boolean;
  step?: number;
  onGraph?: (graph: Graph) => void;
}

/** What the layer makes of its inputs, one list of numbers for each output. */
async function run(
  layer: Layer,
  inputs: readonly Numbers[],
  { backend = referenceBackend, training = true, step = 3, onGraph }: RunOptions = {},
): Promise<Numbers[]> {
  const graph = new Graph();
  onGraph?.(graph);
  const values = inputs.map(({ shape }, i) => input(graph, `x${i}`, shape));
  const trace = new Trace(graph, training, {
    seed: scalar(values[0]!, 7, 'int32'),
    step: scalar(values[0]!, step, 'int32'),
  });
  const outputs = tracing(trace, () => layer.outputsOf(values.length === 1 ? values[0]! : values));
  outputs.forEach((value, i) => {
    graph.outputs.set(`y${i}`, value);
  });
  const given = Object.fromEntries(inputs.map(({ data }, i) => [`x${i}`, data]));
  const found = await backend(graph, given, () => []);
  return outputs.map(({ shape }, i) => ({ shape: [...shape], data: found.outputs.get(`y${i}`)! }));
}

/** Images whose pixels are numbered. */
const counted = (...shape: number[]): Numbers => ({
  shape,
  data: Float32Array.from({ length: sizeOf(shape) }, (_, i) => i),
});

const imagesOf = ({ shape, data }: Numbers): number[][] => {
  const size = sizeOf(shape.slice(1));
  const all = Array.from(data);
  return Array.from({ length: shape[0]! }, (_, i) => all.slice(i * size, (i + 1) * size));
};

/** As JSON holds it, which knows no −0. */
const plain = (config: Config): unknown => JSON.parse(JSON.stringify(config));

const mean = (numbers: readonly number[]) =>
  numbers.reduce((sum, x) => sum + x, 0) / numbers.length;

const largestError = (a: readonly number[], b: readonly number[]) =>
  a.reduce((worst, x, i) => Math.max(worst, Math.abs(x - b[i]!)), 0);

let engine: WasmEngine;
let fast: CaseBackend;
before(async () => {
  engine = await WasmEngine.start({ threads: 2 });
  fast = engineBackend(engine);
});
after(() => engine.dispose());

describe('augmentation as in Keras, where nothing is left to chance', () => {
  for (const className of classes) {
    test(className, async (t) => {
      for (const [i, given] of fixture<KerasFile[]>(className).entries()) {
        const { config } = given;
        await t.test(`${i}`, async () => {
          for (const backend of [referenceBackend, fast]) {
            const layer = layerFromConfig({ class_name: className, config });
            assert.deepEqual(plain(layer.config()), plain(config));
            const [y] = await run(layer, [given.input], { backend });
            assert.deepEqual(y!.shape, given.outputs[0]!.shape);
            const choices = given.outputs.map(imagesOf);
            const [, high] = (config.value_range as number[] | undefined) ?? [0, 255];
            imagesOf(y!).forEach((image, n) => {
              const error = Math.min(...choices.map((choice) => largestError(image, choice[n]!)));
              assert.ok(error <= 1e-5 * high!, `image ${n} differs by ${error}`);
            });
          }
        });
      }
    });
  }

  test('RandomPerspective, its corners given', async () => {
    const stretches = [
      [0.8, 1.3, 1.1, 0.9],
      [1.4, 0.6, 0.7, 1.45],
    ] as const;
    for (const [i, { input, outputs }] of fixture<KerasFile[]>('RandomPerspective').entries()) {
      class Given extends layers.RandomPerspective {
        protected override shifts(images: Value) {
          const [right, bottom, column, row] = stretches[i]!.map((x) => scalar(images, x));
          return { right: right!, bottom: bottom!, column: column!, row: row! };
        }
      }
      for (const backend of [referenceBackend, fast]) {
        const [y] = await run(new Given({ factor: [1, 1], fillValue: 3.5 }), [input], { backend });
        const error = largestError(Array.from(y!.data), Array.from(outputs[0]!.data));
        assert.ok(error < 1e-2, `differs by ${error}`);
      }
    }
  });

  const changes = [
    'random_shear',
    'random_translation',
    'random_rotation',
    'random_posterization',
    'solarization',
    'auto_contrast',
    'equalization',
    'random_brightness',
    'random_color_degeneration',
    'random_contrast',
    'random_sharpness',
  ];
  /** Numbers of changes, in turn; one that does not exist for none. */
  const numbersOf = (chains: readonly (readonly (string | null)[])[]) =>
    chains.flat().map((name) => (name === null ? changes.length : changes.indexOf(name)));

  for (const [i, given] of fixture<ChosenFile[]>('RandAugment').entries()) {
    test(`RandAugment ${given.chains[0]![0]}, the change given`, async () => {
      const choices = numbersOf(given.chains);
      class Given extends layers.RandAugment {
        protected override choice(images: Value) {
          return scalar(images, choices[0]!);
        }
      }
      for (const backend of [referenceBackend, fast]) {
        const layer = Given.fromConfig(given.config);
        assert.deepEqual(plain(layer.config()), plain(given.config));
        // A shear is to one side or the other.
        const errors: number[] = [];
        for (const step of i === 0 ? [1, 2, 3, 4, 5, 6, 7, 8] : [1]) {
          const [y] = await run(layer, [given.input], { backend, step });
          errors.push(largestError(Array.from(y!.data), Array.from(given.outputs[0]!.data)));
        }
        assert.ok(Math.min(...errors) <= 255e-5, `differs by ${Math.min(...errors)}`);
      }
    });
  }

  test('AugMix, changes and shares given', async () => {
    const [given] = fixture<ChosenFile[]>('AugMix');
    const choices = numbersOf(given!.chains);
    for (const backend of [referenceBackend, fast]) {
      let turn = 0;
      class Given extends layers.AugMix {
        protected override choice(images: Value) {
          return scalar(images, choices[turn++ % choices.length]!);
        }
        protected override blend(images: Value) {
          const [own, ...chains] = [0.4, 0.7, 0.3].map((share) => scalar(images, share));
          return { own: own!, chains };
        }
      }
      const layer = Given.fromConfig(given!.config);
      assert.deepEqual(plain(layer.config()), plain(given!.config));
      const [y] = await run(layer, [given!.input], { backend });
      const error = largestError(Array.from(y!.data), Array.from(given!.outputs[0]!.data));
      assert.equal(turn, choices.length);
      assert.ok(error <= 255e-5, `differs by ${error}`);
    }
  });

  for (const [i, given] of fixture<NoisyFile[]>('RandomElasticTransform').entries()) {
    test(`RandomElasticTransform ${i}, its noise given`, async () => {
      class Given extends layers.RandomElasticTransform {
        protected override noise(shape: Shape) {
          return input(noiseGraph!, 'noise', shape);
        }
      }
      let noiseGraph: Graph | undefined;
      for (const backend of [referenceBackend, fast]) {
        const layer = Given.fromConfig(given.config);
        assert.deepEqual(plain(layer.config()), plain(given.config));
        const withNoise: CaseBackend = (graph, inputs, values) =>
          backend(graph, { ...inputs, noise: given.noise.data }, values);
        const [y] = await run(layer, [given.input], {
          backend: withNoise,
          onGraph: (graph) => {
            noiseGraph = graph;
          },
        });
        const expected = Array.from(given.outputs[0]!.data);
        const found = Array.from(y!.data);
        if (given.config.interpolation === 'bilinear') {
          assert.ok(largestError(found, expected) <= 2e-2, `${largestError(found, expected)}`);
        } else {
          // The nearest pixel may be another where a place is in the middle of two.
          const others = found.filter((pixel, at) => Math.abs(pixel - expected[at]!) > 1e-3);
          assert.ok(others.length <= 0.005 * found.length, `${others.length} pixels differ`);
        }
      }
    });
  }

  test('configs', () => {
    for (const [className, config] of Object.entries(fixture<Record<string, Config>>('configs'))) {
      const layer = layerFromConfig({ class_name: className, config });
      assert.deepEqual(plain(layer.config()), plain(config), className);
    }
  });
});

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

const many = 2000;
const constant = (shape: Shape, value: number): Numbers => ({
  shape: [...shape],
  data: new Float32Array(sizeOf(shape)).fill(value),
});
/** Four standard errors of a mean of `count` numbers of this deviation. */
const near = (deviation: number, count = many) => (4 * deviation) / Math.sqrt(count);

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
