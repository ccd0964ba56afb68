/**
 * @file Symbolic tensors: what `Input` gives and a layer called on it returns. They have a shape and a type and remember
 * which call of which layer they come from; a network is read off that memory.
 */
import type { DType } from '../core/dtype.ts';
import { type PartialShape, showShape } from '../core/shape.ts';

/** What a call of a layer was given beside its tensors. */
export interface CallOptions {
  /** Whether the layer behaves as in training. Default: as the layer or model around it. */
  training?: boolean | undefined;
}

/** What the memory of a tensor needs to know of its layer. */
export interface Producer {
  readonly name: string;
  readonly inboundNodes: readonly InboundNode[];
}

/** Where a symbolic tensor comes from: output `tensor` of call number `node` of `layer`. */
export interface History {
  readonly layer: Producer;
  readonly node: number;
  readonly tensor: number;
}

/** One call of a layer on symbolic tensors. */
export interface InboundNode {
  readonly layer: Producer;
  readonly inputs: readonly SymbolicTensor[];
  readonly outputs: readonly SymbolicTensor[];
  /** Whether the layer was given a list. */
  readonly many: boolean;
  readonly options: CallOptions;
}

/**
 * A tensor without numbers: its shape (`null`: not known yet, as the batch) and where it comes from.
 *
 * @example
 * ```ts
 * Input({ shape: [28, 28, 1] }).shape; // [null, 28, 28, 1]
 * ```
 * @see https://keras.io/api/layers/core_layers/input/
 */
export class SymbolicTensor {
  readonly shape: PartialShape;
  readonly dtype: DType;
  readonly history: History;

  constructor(shape: PartialShape, dtype: DType, history: History) {
    this.shape = Object.freeze([...shape]);
    this.dtype = dtype;
    this.history = history;
  }

  /** The call that gave it. */
  get node(): InboundNode {
    return this.history.layer.inboundNodes[this.history.node]!;
  }

  toString(): string {
    return `${this.history.layer.name}${showShape(this.shape)}`;
  }
}
