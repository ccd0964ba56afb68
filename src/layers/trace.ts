/**
 * @file Tracing: while a model's layers are called on values of a graph, one ambient trace says whether this is training,
 * where random numbers come from, and collects penalties and changes of state.
 */
import { internal } from '../core/errors.ts';
import { streams } from '../core/random.ts';
import type { Shape } from '../core/shape.ts';
import type { Graph, Value } from '../ir/graph.ts';
import { randomUniform, read } from '../ops/index.ts';
import type { Variable } from './variable.ts';

/** Scalars (`int32`) that make random numbers a function of the run and the step. */
export interface TraceRandomness {
  seed: Value;
  step: Value;
}

export class Trace {
  readonly graph: Graph;
  readonly training: boolean;
  /** Scalars that layers add to the loss: regularizers, activity regularizers, `addLoss`. */
  readonly losses: Value[] = [];
  private readonly randomness: TraceRandomness | undefined;
  private draws = 0;

  constructor(graph: Graph, training: boolean, randomness?: TraceRandomness) {
    this.graph = graph;
    this.training = training;
    this.randomness = randomness;
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

  /** Uniform in [0, 1); each call of a trace has a stream of its own, the n-th call the same in each trace. */
  uniform(shape: Shape): Value {
    if (!this.randomness) throw internal('this trace has no randomness');
    const stream = streams.layer + this.draws++;
    return randomUniform(this.randomness.seed, this.randomness.step, { shape, stream });
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
