/**
 * @file Images at another size: the layers beside Keras (test/fixtures/keras/parts/resizing.json), and beside what the
 * readers of image files do, so that a network is given the same pixels whichever of the two made them small.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { evaluate } from '../../src/backends/reference/evaluate.ts';
import type { Shape } from '../../src/core/shape.ts';
import { cropBox, resize } from '../../src/data/image_resize.ts';
import { Graph } from '../../src/ir/graph.ts';
import type { Resizing } from '../../src/layers/index.ts';
import { layerFromConfig } from '../../src/layers/registry.ts';
import type { Config } from '../../src/layers/serialized.ts';
import { Trace, tracing } from '../../src/layers/trace.ts';
import { input, scalar } from '../../src/ops/index.ts';
import { read } from '../repository/sources.ts';

interface Cases {
  shape: Shape;
  image: readonly number[];
  cases: readonly { class_name: string; config: Config; output: readonly number[] }[];
}

const { shape, image, cases }: Cases = JSON.parse(read('test/fixtures/keras/parts/resizing.json'));
const [, height, width] = shape as readonly [number, number, number, number];
const channels = 2;
const pixels = { width, height, channels, data: Uint8Array.from(image) } as const;

/** Of 255, for positions and weights in float32. */
const tolerance = 0.01;

function resized(class_name: string, config: Config): ArrayLike<number> {
  const graph = new Graph();
  const x = input(graph, 'x', shape);
  const randomness = { seed: scalar(x, 1, 'int32'), step: scalar(x, 2, 'int32') };
  const layer = layerFromConfig({ class_name, config });
  const y = tracing(new Trace(graph, false, randomness), () => layer(x));
  assert.deepEqual(layer.outputShape(shape), y.shape);
  return evaluate(graph, { x: image }, () => assert.fail('no weights')).find(y).data;
}

function near(found: ArrayLike<number>, expected: ArrayLike<number>): void {
  assert.equal(found.length, expected.length);
  const worst = Array.from(found, (value, i) => Math.abs(value - expected[i]!));
  assert.ok(Math.max(...worst) <= tolerance, `off by ${Math.max(...worst)}`);
}

const named = ({ class_name, config }: Cases['cases'][number]) =>
  `${class_name} ${JSON.stringify(config)}`;

describe('sizes as in Keras', () => {
  for (const one of cases)
    test(named(one), () => near(resized(one.class_name, one.config), one.output));
});

describe('sizes as of the readers of image files', () => {
  const both = cases.filter(
    ({ class_name, config }) =>
      class_name === 'Resizing' && !config.antialias && !config.pad_to_aspect_ratio,
  );
  for (const one of both)
    test(named(one), () => {
      const layer = layerFromConfig(one) as Resizing;
      const size = [layer.height, layer.width] as const;
      const out = new Float32Array(layer.height * layer.width * channels);
      const box = layer.cropToAspectRatio ? cropBox(pixels, size) : undefined;
      resize(pixels, size, layer.interpolation, out, box);
      near(resized(one.class_name, one.config), out);
    });

  test('there are some of each kind', () => {
    assert.equal(both.length, 40);
    assert.equal(new Set(both.map(({ config }) => config.interpolation)).size, 5);
  });
});
