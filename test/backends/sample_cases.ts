/** @file Cases of images read at places between pixels: inside, on the edge, outside, far outside. */
import type { Value } from '../../src/ir/graph.ts';
import * as ops from '../../src/ops/index.ts';
import type { Case } from './judge.ts';

const shapes = [
  { image: [1, 1, 1, 1], places: [1, 1, 1] },
  { image: [2, 5, 6, 3], places: [2, 5, 6] },
  { image: [3, 4, 7, 4], places: [3, 2, 9] },
  { image: [2, 9, 8, 9], places: [2, 8, 8] },
  { image: [5, 28, 28, 1], places: [5, 28, 28] },
] as const;

/** From one pixel and a half before the image to as much behind, now and then on a pixel or far away. */
const around = (extent: number) => (u: number, i: number) => {
  const place = u * (extent + 2) - 1.5;
  if (i % 7 === 0) return Math.round(place);
  return i % 31 === 30 ? place * 1e9 : place;
};

export const sampleCases: readonly Case[] = shapes.flatMap(({ image, places }) =>
  (['bilinear', 'nearest'] as const).map((interpolation) => ({
    name: `sample ${interpolation} ${image.join('×')} at ${places.join('×')}`,
    inputs: [
      { shape: image },
      { shape: places, fill: around(image[1]) },
      { shape: places, fill: around(image[2]) },
      { shape: [...places, image[3]] },
    ],
    build: ([images, rows, columns, g]: readonly Value[]) => {
      const attrs = { interpolation, fillValue: 0.25 };
      return [
        ops.sample2d(images!, rows!, columns!, attrs),
        g!.graph.apply(ops.sample2dGradientOp, [g!, rows!, columns!], {
          ...attrs,
          imageShape: image,
        })[0]!,
      ];
    },
    tolerance: { rtol: 2e-6, atol: 5e-6 },
  })),
);
