/**
 * @file What values of an ONNX graph become: constants, and flows, which are the tensors of layers. A flow remembers which
 * axis of its tensor carries which axis of the graph, so that a transpose is a note and not a layer, and images that the
 * graph has with channels first lie with channels last. What scales and shifts channels is kept until something else
 * comes, so that it ends up in the weights of the convolution before it.
 */
import { Tensor } from '../core/tensor.ts';
import type { Layer } from '../layers/layer.ts';
import type { SymbolicTensor } from '../layers/symbolic.ts';
import type { Constant } from './onnx_decode.ts';

export type PartialExtents = readonly (number | null)[];

/** A layer that is not made yet, whose output channels can still be scaled and shifted: its weights take it. */
export interface Linear {
  readonly channels: number;
  /** Whether the last axis of the kernel counts output channels, so that a scale can go into it. */
  readonly scalable: boolean;
  /** The layer's output for a kernel whose channels are scaled, and this bias. */
  make(scale: Float64Array, shift: Float64Array): SymbolicTensor;
}

/** A scale and a shift of every channel (or of all: one number), applied to `source`. */
interface Affine {
  readonly source: Flow;
  readonly scale: Float64Array;
  readonly shift: Float64Array;
}

export interface FlowParts {
  readonly shape: PartialExtents;
  readonly axes: readonly number[];
  readonly isNonNegative?: boolean | undefined;
}

/** The tensor of a layer as the graph sees it. */
export class Flow {
  readonly kind = 'flow';
  /** In the graph's order; the batch is first and open. */
  readonly shape: PartialExtents;
  /** The axis of the tensor that carries each axis of the graph. */
  readonly axes: readonly number[];
  /** Whether no element is below 0, as after a rectifier: zeros around it change no maximum. */
  readonly isNonNegative: boolean;
  readonly linear: Linear | undefined;
  readonly affine: Affine | undefined;
  private readonly make: () => SymbolicTensor;
  private made: SymbolicTensor | undefined;

  constructor(
    parts: FlowParts,
    make: () => SymbolicTensor,
    more: Pick<Partial<Flow>, 'linear' | 'affine'> = {},
  ) {
    this.shape = parts.shape;
    this.axes = parts.axes;
    this.isNonNegative = parts.isNonNegative ?? false;
    this.make = make;
    this.linear = more.linear;
    this.affine = more.affine;
  }

  get rank(): number {
    return this.shape.length;
  }

  /** The tensor; its layers are made on the first call. */
  get symbol(): SymbolicTensor {
    this.made ??= this.make();
    return this.made;
  }

  /** Shape of the tensor, the batch open. */
  get physical(): PartialExtents {
    const shape: (number | null)[] = [];
    this.axes.forEach((axis, i) => {
      shape[axis] = this.shape[i]!;
    });
    return shape;
  }
}

export type Known = Constant | Flow;

export const channelsFirst = [0, 3, 1, 2] as const;

/** 0, 1, …: the axes of a tensor that lies as the graph has it. */
export function plainAxes(rank: number): number[] {
  return Array.from({ length: rank }, (_, axis) => axis);
}

export function sameList(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((item, i) => item === b[i]);
}

/** Whether the elements lie in the same order for both, since only axes of extent 1 have changed places. */
export function liesAlike(
  shape: PartialExtents,
  axes: readonly number[],
  wanted: readonly number[],
): boolean {
  const order = (of: readonly number[]) =>
    plainAxes(shape.length)
      .filter((axis) => shape[axis] !== 1)
      .sort((a, b) => of[a]! - of[b]!);
  return sameList(order(axes), order(wanted));
}

/** Calls a layer and gives it weights. */
export function apply(
  layer: Layer,
  inputs: SymbolicTensor | readonly SymbolicTensor[],
  weights: readonly Tensor[] = [],
): SymbolicTensor {
  const output = layer(inputs as SymbolicTensor);
  if (weights.length > 0) layer.setWeights(weights);
  return output;
}

export function float32(data: ArrayLike<number>, shape: readonly number[]): Tensor<'float32'> {
  return new Tensor('float32', shape, Float32Array.from(data));
}

/** Axes in which tensors of several flows lie alike: those of images, where one has them. */
export function commonAxes(flows: readonly Flow[]): readonly number[] {
  return (flows.find(({ axes }) => sameList(axes, channelsFirst)) ?? flows[0]!).axes;
}
