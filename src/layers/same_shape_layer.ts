/** @file The base of layers whose output has the shape of their input. */
import type { PartialShape } from '../core/shape.ts';
import { Layer } from './layer.ts';

export abstract class SameShapeLayer extends Layer {
  override outputShape(inputShape: PartialShape): PartialShape {
    return inputShape;
  }
}
