/**
 * @file Augmentation that mixes each image of a batch with another one of it, and their labels alike: the layer takes
 * images, or images and labels.
 */
import { show, TsunoError } from '../core/errors.ts';
import type { PartialShape } from '../core/shape.ts';
import type { Value } from '../ir/graph.ts';
import { add, cast, gatherRows, less, mul, reduceSum, reshape, sub } from '../ops/index.ts';
import { type AugmentationOptions, BaseImageAugmentation } from './base_image_augmentation.ts';
import { symmetricBeta } from './beta.ts';
import type { CallContext, InputShape, OneOrMany } from './layer.ts';

/** What a batch is mixed with, and how. */
export interface Mixing {
  /** Which image, `int32` [n]. */
  partner: Value;
  /** The images mixed. */
  images: Value;
  /** How much of an image is its own, [n, 1, 1, 1]. */
  share: Value;
}

export abstract class BaseMixing extends BaseImageAugmentation {
  constructor(options: AugmentationOptions) {
    super(options);
    this.inputSpec = undefined;
  }

  override call(inputs: OneOrMany<Value>, { training }: CallContext): Value {
    const [images, labels] = (Array.isArray(inputs) ? inputs : [inputs]) as readonly Value[];
    this.check(images!, labels);
    if (!training) return inputs as Value;
    const { partner, images: mixed, share } = this.mix(images!);
    if (!labels) return Array.isArray(inputs) ? ([mixed] as unknown as Value) : mixed;
    const own = reshape(share, [labels.shape[0]!, ...labels.shape.slice(1).map(() => 1)]);
    const blended = add(mul(labels, own), mul(gatherRows(labels, partner), sub(1, own)));
    return [mixed, blended] as unknown as Value;
  }

  protected override augment(images: Value): Value {
    return this.mix(images).images;
  }

  protected abstract mix(images: Value): Mixing;

  /** Another image for each, by a random order of the batch. */
  protected partners(images: Value): Value {
    const n = images.shape[0]!;
    const keys = this.uniform([n]);
    const before = less(reshape(keys, [1, n]), reshape(keys, [n, 1]));
    return cast(reduceSum(cast(before, 'float32'), [1]), 'int32');
  }

  /** Beta(α, α) for each image, [n, 1, 1, 1]. */
  protected beta(images: Value, alpha: Value): Value {
    const shape = [images.shape[0]!, 1, 1, 1];
    const uniform = () => this.uniform(shape);
    return symmetricBeta(alpha, { uniform, normal: () => this.normal(shape) });
  }

  private check(images: Value, labels: Value | undefined): void {
    const fits = images.shape.length === 4 && (!labels || labels.shape[0] === images.shape[0]);
    if (fits) return;
    throw new TsunoError('SHAPE', {
      where: this.where,
      what: 'input',
      expected: 'images [n, h, w, c], and labels of as many',
      found: [images, ...(labels ? [labels] : [])]
        .map(({ shape }) => show([...shape]))
        .join(' and '),
    });
  }

  override outputShape(inputShape: InputShape): PartialShape {
    return inputShape as PartialShape;
  }
}
