/** @file Colours as brightness alone, or as hue, saturation and value, all [n, h, w, 1] and from the three channels. */
import type { Value } from '../ir/graph.ts';
import {
  abs,
  add,
  concat,
  div,
  equal,
  less,
  maximum,
  minimum,
  mul,
  type Operand,
  select,
  slice,
  sub,
} from '../ops/index.ts';
import { clip } from './base_image_augmentation.ts';

type Channels = readonly [Value, Value, Value];

/** Red, green and blue of [n, h, w, 3]. */
export function channelsOf(images: Value): Channels {
  const [n, h, w] = images.shape as readonly [number, number, number, number];
  const channel = (i: number) => slice(images, [0, 0, 0, i], [n, h, w, 1]);
  return [channel(0), channel(1), channel(2)];
}

/** How bright the eye sees the colours; of one channel the channel itself. */
export function grayscale(images: Value): Value {
  if (images.shape[3] === 1) return images;
  const [r, g, b] = channelsOf(images);
  return add(add(mul(r, 0.2989), mul(g, 0.587)), mul(b, 0.114));
}

/** Hue from 0 to 1, saturation from 0 to 1, value in the colours' own range. */
export function hsvOf([r, g, b]: Channels): Channels {
  const value = maximum(maximum(r, g), b);
  const range = sub(value, minimum(minimum(r, g), b));
  const isGrey = equal(range, 0);
  // Where there is no colour nothing is divided by 0.
  const saturation = select(isGrey, 0, div(range, select(isGrey, 1, value)));
  const sector = (a: Value, from: Value, start: number) =>
    add(div(sub(a, from), mul(select(isGrey, 1, range), 6)), start);
  const hue = select(
    equal(r, value),
    sector(g, b, 0),
    select(equal(g, value), sector(b, r, 2 / 6), sector(r, g, 4 / 6)),
  );
  const turned = select(less(hue, 0), add(hue, 1), hue);
  return [select(isGrey, 0, turned), saturation, value];
}

/** Colours [n, h, w, 3] of hue, saturation and value. */
export function colorsOf([hue, saturation, value]: Channels): Value {
  const sixth = mul(hue, 6);
  const share = (centre: number) => abs(sub(sixth, centre));
  const pure: readonly [Value, Value, Value] = [
    sub(share(3), 1),
    sub(2, share(2)),
    sub(2, share(4)),
  ];
  const white = sub(1, saturation);
  const channel = (x: Value): Value =>
    mul(add(white, mul(saturation, clip(x, [0, 1]))), value as Operand);
  return concat([channel(pure[0]), channel(pure[1]), channel(pure[2])], 3);
}
