/** @file Images turned about their middle. */
import type { Value } from '../ir/graph.ts';
import { add, cos, mul, neg, scalar, sin, sub } from '../ops/index.ts';
import {
  type AffineMap,
  BaseGeometricAugmentation,
  type GeometricOptions,
} from './affine_transform.ts';
import { type Factor, factorOf, type Range, signedShares } from './base_image_augmentation.ts';
import type { Config } from './serialized.ts';

export interface RandomRotationArguments extends GeometricOptions {
  factor: Factor;
}

export class RandomRotation extends BaseGeometricAugmentation {
  static readonly className = 'RandomRotation';
  readonly factor: Range;

  constructor(options: RandomRotationArguments) {
    super(options);
    this.factor = factorOf(this.where, 'factor', options.factor, signedShares);
  }

  override map(images: Value): AffineMap {
    const [, h, w] = images.shape as readonly [number, number, number, number];
    const turns = this.perImage(images, this.factor);
    const angle = mul(typeof turns === 'number' ? scalar(images, turns) : turns, 2 * Math.PI);
    const [sine, cosine] = [sin(angle), cos(angle)];
    const [cx, cy] = [(w - 1) / 2, (h - 1) / 2];
    // The middle stays: it is added after what the turn makes of it.
    const shiftX = sub(add(cx, neg(mul(cosine, cx))), mul(neg(sine), cy));
    const shiftY = sub(add(cy, neg(mul(sine, cx))), mul(cosine, cy));
    return { x: [cosine, neg(sine), shiftX], y: [sine, cosine, shiftY] };
  }

  override config(): Config {
    return { ...super.config(), factor: [...this.factor] };
  }
}

/**
 * In training, turns each image about its middle.
 *
 * @param factor in whole turns, positive counter-clockwise: 0.1 turns by −36° to 36°, [−0.2, 0.3] by −72° to 108°.
 * @see https://keras.io/api/layers/preprocessing_layers/image_augmentation/random_rotation/
 * @example
 * ```ts
 * const x = Input({ shape: [32, 32, 3] });
 * randomRotation(0.1, { fillMode: 'constant' })(x).shape; // [null, 32, 32, 3]
 * ```
 */
export function randomRotation(factor: Factor, options: GeometricOptions = {}): RandomRotation {
  return new RandomRotation({ ...options, factor });
}
