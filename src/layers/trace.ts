/**
 * @file Tracing: while a model's layers are called on values of a graph, one ambient trace says whether this is training,
 * where random numbers come from, and collects penalties and changes of state.
 */
import { internal } from '../core/errors.ts';
import { streams } from '../core/random.ts';
import type { Shape } from '../core/shape.ts';
import type { Graph, Value } from '../ir/graph.ts';
import { add, erfInverse, mul, randomUniform, read, scalar } from '../ops/index.ts';
import type { Variable } from './variable.ts';

/** Scalars (`int32`) that make random numbers a function of the run and the step. */
export interface TraceRandomness {
  seed: Value;
  step: Value;
}

export class Trace {
  readonly graph: Graph;
  /** Scalars that layers add to the loss: regularizers, activity regularizers, `addLoss`. */
  readonly losses: Value[] = [];
  private readonly randomness: TraceRandomness | undefined;
  private readonly penalized = new Set<Variable>();
  private draws = 0;
  private mode: boolean;

  constructor(graph: Graph, training: boolean, randomness?: TraceRandomness) {
    this.graph = graph;
    this.mode = training;
    this.randomness = randomness;
  }

  /** Whether layers behave as in training; a layer called with `{ training }` decides for all inside it. */
  get training(): boolean {
    return this.mode;
  }

  /** Runs `body`, the inside of layer `name`, in the given mode; its nodes carry the name, after those around it. */
  within<T>(name: string, training: boolean, body: () => T): T {
    const outer = this.mode;
    const { scope } = this.graph;
    this.mode = training;
    try {
      return this.graph.within(scope ? `${scope}/${name}` : name, body);
    } finally {
      this.mode = outer;
    }
  }

  /** The value of a variable before this step. */
  read(variable: Variable): Value {
    return read(this.graph, variable);
  }

  /** `variable` becomes `value` when the step ends; what this step reads does not change. */
  update(variable: Variable, value: Value): void {
    this.graph.updates.set(variable, value);
  }

  addLoss(loss: Value): void {
    this.losses.push(loss);
  }

  /** Adds the penalty of a variable's regularizer, once however often its layer is called. */
  penalize(variable: Variable): void {
    if (!variable.regularizer || this.penalized.has(variable)) return;
    this.penalized.add(variable);
    this.addLoss(variable.regularizer(this.read(variable)));
  }

  /**
   * Uniform in [0, 1); each call of a trace has a stream of its own, the n-th call the same in each trace.
   *
   * @param seed a seed of the layer's own, in place of the run's.
   */
  uniform(shape: Shape, seed?: number): Value {
    if (!this.randomness) throw internal('this trace has no randomness');
    const { seed: ofRun, step } = this.randomness;
    const stream = streams.layer + this.draws++;
    const key = seed === undefined ? ofRun : scalar(step, seed | 0, 'int32');
    return randomUniform(key, step, { shape, stream });
  }

  /** Standard normal: the inverse of the normal distribution at the middle of each of the 2²⁴ steps of `uniform`. */
  normal(shape: Shape, seed?: number): Value {
    const centred = add(mul(this.uniform(shape, seed), 2), 2 ** -24 - 1);
    return mul(erfInverse(centred), Math.SQRT2);
  }
}

let current: Trace | undefined;

/** Runs `body` with `trace` as the ambient trace. */
export function tracing<T>(trace: Trace, body: () => T): T {
  const outer = current;
  current = trace;
  try {
    return body();
  } finally {
    current = outer;
  }
}

/** The ambient trace. */
export function currentTrace(): Trace {
  if (!current) throw internal('no trace is open');
  return current;
}
