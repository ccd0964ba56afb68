/**
 * @file What an operation is: one record that answers every question the rest of the engine asks. Passes, gradients,
 * plans and backends ask a property of the record; none of them branches on an operation's name.
 */
import type { DType } from '../core/dtype.ts';
import type { Shape } from '../core/shape.ts';
import type { Value } from './graph.ts';
import type { Lanes } from './lanes.ts';

export interface TensorType {
  readonly shape: Shape;
  readonly dtype: DType;
}

/** A tensor of the float64 reference: what the fast backends are judged by. */
export interface ReferenceTensor {
  readonly shape: Shape;
  readonly data: Float64Array;
}

/** What a gradient rule sees: the node's values and the gradient that reached each output (missing: none did). */
export interface GradientContext<A> {
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly attrs: A;
  readonly gradients: readonly (Value | undefined)[];
}

/** How an elementwise operation computes one element. */
export interface ElementwiseRule<A> {
  /** In float64. `index` is the element's place in the output, row-major. */
  scalar(inputs: readonly number[], attrs: A, index: number): number;
  /** Four elements at a time, in the engine. */
  lanes<L>(lanes: Lanes<L>, inputs: readonly L[], attrs: A): L;
}

/**
 * An operation with attributes of type `A`.
 *
 * Exactly one of `elementwise`, `decompose` and `reference` says what it computes: per element (inputs broadcast),
 * by other operations, or in plain float64 loops (such an operation needs a kernel in each fast backend).
 */
export interface Op<A = unknown, Name extends string = string> {
  readonly name: Name;
  /** Types of the outputs. @throws TsunoError `SHAPE` where the inputs do not fit. */
  infer(inputs: readonly TensorType[], attrs: A): readonly TensorType[];
  /** Gradients for the inputs, `undefined` where none flows. Absent: nothing flows through the operation. */
  gradient?(context: GradientContext<A>): readonly (Value | undefined)[];
  readonly elementwise?: ElementwiseRule<A>;
  decompose?(inputs: readonly Value[], attrs: A): readonly Value[];
  reference?(
    inputs: readonly ReferenceTensor[],
    attrs: A,
    outputs: readonly TensorType[],
  ): readonly Float64Array[];
  /** The output is the first input's memory under another shape: no work, no buffer. */
  readonly alias?: true;
  /** The node's value comes from outside: an input, a variable or a constant. */
  readonly source?: true;
  /** Each run may give another value: never merged with an equal node nor moved out of the step. */
  readonly volatile?: true;
}
