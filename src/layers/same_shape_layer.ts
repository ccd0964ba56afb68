/** @file The base of layers without weights whose output has the shape of their input: built from the start. */
import type { PartialShape } from '../core/shape.ts';
import { Layer, type LayerOptions } from './layer.ts';

export abstract class SameShapeLayer extends Layer {
  constructor(options: LayerOptions) {
    super(options);
    this.built = true;
  }

  override outputShape(inputShape: PartialShape): PartialShape {
    return inputShape;
  }
}
