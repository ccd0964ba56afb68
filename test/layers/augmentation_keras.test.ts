/** @file Augmentation where chance has no say, or its draws are given: what Keras does with the same arguments. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Shape } from '../../src/core/shape.ts';
import type { Graph, Value } from '../../src/ir/graph.ts';
import * as layers from '../../src/layers/index.ts';
import { layerFromConfig } from '../../src/layers/registry.ts';
import type { Config } from '../../src/layers/serialized.ts';
import { input, scalar } from '../../src/ops/index.ts';
import {
  engineOfFile,
  fixture,
  imagesOf,
  type KerasFile,
  largestError,
  type Numbers,
  run,
} from './augmentation_run.ts';
import { type CaseBackend, referenceBackend } from './run_case.ts';

const fast = engineOfFile();

/** With the changes that each image went through. */
interface ChosenFile extends KerasFile {
  chains: (string | null)[][];
}

interface NoisyFile extends KerasFile {
  noise: Numbers;
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

/** As JSON holds it, which knows no −0. */
const plain = (config: Config): unknown => JSON.parse(JSON.stringify(config));

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
