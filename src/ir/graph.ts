/**
 * @file What a computation is: nodes in topological order, each an operation on values of earlier nodes. Shapes are
 * concrete. A graph is only ever appended to; passes build a new one.
 */
import type { DType } from '../core/dtype.ts';
import { internal } from '../core/errors.ts';
import type { Shape } from '../core/shape.ts';
import type { Lanes } from './lanes.ts';

/** One output of a node. */
export class Value implements TensorType {
  readonly node: Node;
  /** Which output of the node. */
  readonly index: number;
  readonly shape: Shape;
  readonly dtype: DType;

  constructor(node: Node, index: number, type: TensorType) {
    this.node = node;
    this.index = index;
    this.shape = type.shape;
    this.dtype = type.dtype;
  }

  get graph(): Graph {
    return this.node.graph;
  }
}

export class Node {
  readonly graph: Graph;
  readonly id: number;
  readonly op: Op;
  readonly inputs: readonly Value[];
  readonly attrs: unknown;
  readonly outputs: readonly Value[];
  /** The layer that asked for it, for printing and for errors: `conv2d_1`. */
  readonly scope: string;

  constructor(
    graph: Graph,
    id: number,
    op: Op,
    inputs: readonly Value[],
    attrs: unknown,
    scope: string,
  ) {
    this.graph = graph;
    this.id = id;
    this.op = op;
    this.inputs = inputs;
    this.attrs = attrs;
    this.scope = scope;
    this.outputs = op.infer(inputs, attrs).map((type, index) => new Value(this, index, type));
  }
}

/** A state that outlives a run: a weight, a statistic, an optimizer's moment. Compared by identity. */
export interface VariableRef {
  readonly name: string;
  /** Full name, where it has one; printed in place of the name. */
  readonly path?: string;
  readonly shape: Shape;
  readonly dtype: DType;
}

/**
 * A computation: nodes, named results, and which variables get which new values when the run has ended.
 *
 * @example
 * ```ts no-run
 * const graph = new Graph();
 * const x = ops.input(graph, 'x', [2, 3]);
 * graph.outputs.set('y', ops.relu(ops.add(x, 1)));
 * ```
 */
export class Graph {
  readonly nodes: Node[] = [];
  readonly outputs = new Map<string, Value>();
  readonly updates = new Map<VariableRef, Value>();
  /** Value of each variable that the graph reads. */
  readonly variables = new Map<VariableRef, Value>();
  private scopeNow = '';

  /** Appends a node and returns its outputs. */
  apply<A>(op: Op<A>, inputs: readonly Value[], attrs: A): readonly Value[] {
    for (const input of inputs) {
      if (input.graph !== this) throw internal(`${op.name}: an input belongs to another graph`);
    }
    const node = new Node(this, this.nodes.length, op as Op, inputs, attrs, this.scopeNow);
    this.nodes.push(node);
    return node.outputs;
  }

  /** Nodes appended by `body` carry `scope`. */
  within<T>(scope: string, body: () => T): T {
    const outer = this.scopeNow;
    this.scopeNow = scope;
    try {
      return body();
    } finally {
      this.scopeNow = outer;
    }
  }

  get scope(): string {
    return this.scopeNow;
  }

  /** Every value that must exist after a run. */
  results(): Value[] {
    return [...this.outputs.values(), ...this.updates.values()];
  }
}

/** Applies an operation with one output. */
export function apply1<A>(op: Op<A>, inputs: readonly [Value, ...Value[]], attrs: A): Value {
  return inputs[0].graph.apply(op, inputs, attrs)[0]!;
}

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
  /** Each output element depends on the inputs' elements at its own place only, so an output may be an input's memory. */
  readonly inPlace?: true;
  /** The node's value comes from outside: an input, a variable or a constant. */
  readonly source?: true;
  /** Each run may give another value: never merged with an equal node nor moved out of the step. */
  readonly volatile?: true;
}
