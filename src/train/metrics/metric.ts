/**
 * @file What a metric is: sums that live in variables, grown by each batch inside the step, and a result that the host
 * computes from them in float64.
 */

import { show, TsunoError } from '../../core/errors.ts';
import { uniqueName } from '../../core/names.ts';
import { type Shape, sameShape } from '../../core/shape.ts';
import type { Graph, Value } from '../../ir/graph.ts';
import { optional, text } from '../../layers/checks.ts';
import { classNameOf } from '../../layers/layer.ts';
import { type Config, type Serialized, serialized } from '../../layers/serialized.ts';
import { Variable } from '../../layers/variable.ts';
import { add, read, reshape } from '../../ops/index.ts';

export interface MetricOptions {
  /** Default: the class's, in snake case; numbered where Keras numbers it (`auc`, `auc_1`). */
  name?: string | undefined;
}

/** Most metrics give a number; those with several thresholds or classes and no average give one for each. */
export type MetricResult = number | readonly number[];

/**
 * Base of all metrics; a metric of yours extends it with `update` and `result`.
 *
 * @example
 * ```ts no-run
 * class LargestError extends Metric {
 *   static readonly className = 'LargestError';
 *   private readonly largest = this.state('largest');
 *   update(graph: Graph, yTrue: Value, yPred: Value) {
 *     const error = ops.reduceMax(ops.abs(ops.sub(yTrue, yPred)));
 *     this.set(graph, this.largest, ops.maximum(this.current(graph, this.largest), error));
 *   }
 *   result() {
 *     return this.largest.data[0];
 *   }
 * }
 * ```
 * @see https://keras.io/api/metrics/base_metric/
 */
export abstract class Metric {
  readonly name: string;
  private readonly states: Variable<'float32'>[] = [];

  /** @param numbered whether a second one is called `name_1`, as Keras does for some. */
  constructor(name: string, options: MetricOptions = {}, numbered = false) {
    const given = optional(text, name, 'name', options.name);
    this.name = given ?? (numbered ? uniqueName(name) : name);
  }

  /** The sums, `float32`, in Keras's order. Some metrics know theirs only once they have seen shapes. */
  get variables(): readonly Variable<'float32'>[] {
    return this.states;
  }

  /**
   * Adds a batch: the new values of the sums are noted in `graph.updates`.
   *
   * @param sampleWeight [n] or as the values of the samples.
   */
  abstract update(graph: Graph, yTrue: Value, yPred: Value, sampleWeight?: Value): void;

  /** The value over everything added since the last `reset`. */
  abstract result(): MetricResult;

  /** Sets the sums to 0. */
  reset(): void {
    for (const variable of this.states) variable.assign(new Float32Array(variable.size));
  }

  /** The arguments of the constructor under Keras's names. */
  config(): Config {
    return { name: this.name, dtype: 'float32' };
  }

  /** As Keras writes it into a model's file. */
  serialize(): Serialized {
    const className = classNameOf(this.constructor as { name: string; className?: string });
    return serialized('keras.metrics', className, this.config());
  }

  /** A new sum of zeros, a scalar by default. */
  protected state(name: string, shape: Shape = []): Variable<'float32'> {
    const variable = new Variable({ name, shape, dtype: 'float32', trainable: false });
    variable.path = `${this.name}/${name}`;
    this.states.push(variable);
    return variable;
  }

  /** What `variable` holds at this point of the step. */
  protected current(graph: Graph, variable: Variable): Value {
    return graph.updates.get(variable) ?? read(graph, variable);
  }

  protected set(graph: Graph, variable: Variable, value: Value): void {
    if (!sameShape(variable.shape, value.shape) && variable.size !== 1) {
      throw new TsunoError('SHAPE', {
        where: this.name,
        what: `batch for "${variable.name}"`,
        expected: `of shape ${show([...variable.shape])}, as the first one`,
        found: show([...value.shape]),
      });
    }
    graph.updates.set(variable, reshape(value, variable.shape));
  }

  /** `variable` grows by `amount`. */
  protected grow(graph: Graph, variable: Variable, amount: Value): void {
    this.set(graph, variable, add(this.current(graph, variable), amount));
  }
}
