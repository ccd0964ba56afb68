/** @file A drawing becomes a picture as MNIST has them: in a box of 20 × 20, its mass in the middle, grey at the edges. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Point, rasterise, type Stroke, side } from '../../demo/digit.ts';
import { datasets } from '../../src/index.ts';

/** Part of a circle, from angle `from` to `to`. */
function arc(x: number, y: number, radius: number, from: number, to: number): Point[] {
  return Array.from({ length: 25 }, (_, i) => {
    const angle = from + ((to - from) * i) / 24;
    return { x: x + radius * Math.cos(angle), y: y + radius * Math.sin(angle) };
  });
}

const drawings: Record<string, Stroke[]> = {
  zero: [arc(0.5, 0.5, 0.3, 0, 2 * Math.PI)],
  one: [
    [
      { x: 0.5, y: 0.1 },
      { x: 0.5, y: 0.9 },
    ],
  ],
  seven: [
    [
      { x: 0.2, y: 0.2 },
      { x: 0.8, y: 0.2 },
      { x: 0.4, y: 0.9 },
    ],
  ],
  'a six in the corner': [arc(0.2, 0.25, 0.08, 0, 6), arc(0.24, 0.2, 0.12, 3.3, 4.6)],
  'plus of two strokes': [
    [
      { x: 0.3, y: 0.5 },
      { x: 0.7, y: 0.5 },
    ],
    [
      { x: 0.5, y: 0.2 },
      { x: 0.5, y: 0.8 },
    ],
  ],
};

/** First and last row and column with ink of at least `least`. */
function boxOf(pixels: Uint8Array, least: number) {
  const inked = [...pixels.keys()].filter((i) => pixels[i]! >= least);
  const columns = inked.map((i) => i % side);
  const rows = inked.map((i) => Math.floor(i / side));
  const span = (values: number[]) => Math.max(...values) - Math.min(...values) + 1;
  return { width: span(columns), height: span(rows) };
}

function centreOf(pixels: Uint8Array): Point {
  const mass = pixels.reduce((sum, ink) => sum + ink, 0);
  const sum = (place: (i: number) => number) =>
    pixels.reduce((total, ink, i) => total + ink * place(i), 0) / mass;
  return { x: sum((i) => i % side), y: sum((i) => Math.floor(i / side)) };
}

for (const [name, strokes] of Object.entries(drawings)) {
  describe(name, () => {
    const pixels = rasterise(strokes, 1);

    test('fills the box of 20 × 20 and stays in it', () => {
      const { width, height } = boxOf(pixels, 128);
      assert.ok(Math.max(width, height) >= 19 && Math.max(width, height) <= 21);
      const all = boxOf(pixels, 1);
      assert.ok(Math.max(all.width, all.height) <= 22);
    });

    test('has its centre of mass in the middle', () => {
      const { x, y } = centreOf(pixels);
      assert.ok(Math.abs(x - 13.5) < 0.1 && Math.abs(y - 13.5) < 0.1, `${x} ${y}`);
    });

    test('is black and white with grey edges', () => {
      const grey = pixels.filter((ink) => ink > 0 && ink < 255).length;
      assert.ok(Math.max(...pixels) === 255);
      assert.ok(grey > 10, `${grey} grey pixels`);
    });

    test('looks the same wherever and however large it was drawn', () => {
      const moved = strokes.map((stroke) =>
        stroke.map(({ x, y }) => ({ x: 100 + 150 * x, y: 20 + 150 * y })),
      );
      const again = rasterise(moved, 300);
      const difference = pixels.reduce(
        (most, ink, i) => Math.max(most, Math.abs(ink - again[i]!)),
        0,
      );
      assert.ok(difference <= 1, `${difference}`);
    });
  });
}

test('nothing drawn is nothing', () => {
  assert.ok(rasterise([], 1).every((ink) => ink === 0));
});

test('a dot stays a dot, in the middle', () => {
  const pixels = rasterise([[{ x: 0.9, y: 0.1 }]], 1);
  assert.deepEqual(boxOf(pixels, 128), { width: 2, height: 2 });
  assert.ok(Math.abs(centreOf(pixels).x - 13.5) < 0.01);
});

test('the pen is as wide as those of MNIST', async () => {
  const { test: digits } = await datasets.mnist.load({ only: 'test' });
  const ink = (digit: number) => {
    const sums = Array.from({ length: 2000 }, (_, i) => i)
      .filter((i) => digits.labels.at(i) === digit)
      .map((i) => digits.images.slice(i, i + 1).data.reduce((sum, value) => sum + value, 0));
    return sums.sort((a, b) => a - b);
  };
  for (const [digit, name] of [
    [0, 'zero'],
    [1, 'one'],
    [7, 'seven'],
  ] as const) {
    const known = ink(digit);
    const drawn = rasterise(drawings[name]!, 1).reduce((sum, value) => sum + value, 0);
    const rank = known.filter((sum) => sum < drawn).length / known.length;
    assert.ok(rank > 0.05 && rank < 0.95, `${name}: more ink than ${rank} of MNIST's`);
  }
});
