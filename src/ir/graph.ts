/**
 * @file What a computation is: nodes in topological order, each an operation on values of earlier nodes. Shapes are
 * concrete. A graph is only ever appended to; passes build a new one.
 */
import type { DType } from '../core/dtype.ts';
import { internal } from '../core/errors.ts';
import type { Shape } from '../core/shape.ts';
import type { Op, TensorType } from './op.ts';

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
  readonly shape: Shape;
  readonly dtype: DType;
}

/**
 * A computation: nodes, named results, and which variables get which new values when the run has ended.
 *
 * @example
 * ```ts no-run
 * const graph = new Graph();
 * const x = input(graph, 'x', [2, 3]);
 * graph.outputs.set('y', relu(add(x, 1)));
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
