/** @file Adafactor: mean squares of a matrix kept as one number a row and one a column. */

import type { Value } from '../../ir/graph.ts';
import { atLeast, finiteNumber, flag } from '../../layers/checks.ts';
import type { Config } from '../../layers/serialized.ts';
import {
  add,
  cast,
  div,
  maximum,
  minimum,
  mul,
  pow,
  reduceMean,
  reshape,
  sqrt,
  square,
  sub,
} from '../../ops/index.ts';
import { Optimizer, type OptimizerOptions, type Rule, type Slot, type Step } from './optimizer.ts';

export interface AdafactorOptions extends OptimizerOptions {
  /** Default 0.001. */
  learningRate?: OptimizerOptions['learningRate'];
  /** Power of the step by which means come to change less, default −0.8. */
  beta2Decay?: number | undefined;
  /** Added to squared gradients, default 1e-30. */
  epsilon1?: number | undefined;
  /** Least size of a weight that steps are measured by, default 1e-3. */
  epsilon2?: number | undefined;
  /** Root mean square at which a step is cut, default 1. */
  clipThreshold?: number | undefined;
  /** Default true. Of no effect, as in Keras: the rate is at most 1/√t in either case. */
  relativeStep?: boolean | undefined;
}

/**
 * Steps as long as the weight, times η, over mean squares that take little memory (Shazeer and Stern 2018).
 *
 * @example
 * ```ts
 * model.compile({ optimizer: new optimizers.Adafactor({ learningRate: 0.01 }), loss: 'mse' });
 * ```
 * @see https://keras.io/api/optimizers/adafactor/
 */
export class Adafactor extends Optimizer {
  static readonly className = 'Adafactor';
  readonly beta2Decay: number;
  readonly epsilon1: number;
  readonly epsilon2: number;
  readonly clipThreshold: number;
  readonly relativeStep: boolean;

  constructor(options: AdafactorOptions = {}) {
    super('Adafactor', 0.001, options);
    this.beta2Decay = finiteNumber(this.name, 'beta2Decay', options.beta2Decay ?? -0.8);
    this.epsilon1 = atLeast(this.name, 'epsilon1', options.epsilon1 ?? 1e-30, 0);
    this.epsilon2 = atLeast(this.name, 'epsilon2', options.epsilon2 ?? 1e-3, 0);
    this.clipThreshold = finiteNumber(this.name, 'clipThreshold', options.clipThreshold ?? 1);
    this.relativeStep = flag(this.name, 'relativeStep', options.relativeStep ?? true);
  }

  /** Vectors have scalars, never used, for their means of rows and columns: Keras's files hold them. */
  protected override slots(): readonly (readonly Slot[])[] {
    const rows: Slot = {
      name: 'rows',
      unnamed: true,
      shape: ({ shape }) => (shape.length < 2 ? [] : shape.slice(0, -1)),
    };
    const columns: Slot = {
      name: 'columns',
      unnamed: true,
      shape: ({ shape }) => (shape.length < 2 ? [] : [...shape.slice(0, -2), shape.at(-1)!]),
    };
    return [[rows, columns, { name: 'velocity' }]];
  }

  protected override rule({ learningRate, count }: Step): Rule {
    const time = cast(count, 'float32');
    const relative = div(1, sqrt(time));
    const rate = minimum(learningRate, relative);
    const beta = sub(1, pow(time, this.beta2Decay));
    const mixed = (mean: Value, value: Value) => add(mul(beta, mean), mul(sub(1, beta), value));
    return (gradient, { weight, rows, columns, velocity }) => {
      const squares = add(square(gradient), this.epsilon1);
      const isMatrix = weight!.shape.length >= 2;
      const means = isMatrix ? factors(squares, rows!, columns!, mixed) : undefined;
      const v = means?.velocity ?? mixed(velocity!, squares);
      const change = div(gradient, sqrt(v));
      const cut = maximum(div(rootMeanSquare(change), this.clipThreshold), 1);
      const length = mul(maximum(rootMeanSquare(weight!), this.epsilon2), rate);
      return { weight: sub(weight!, mul(div(change, cut), length)), ...means, velocity: v };
    };
  }

  override config(): Config {
    return {
      ...super.config(),
      beta_2_decay: this.beta2Decay,
      epsilon_1: this.epsilon1,
      epsilon_2: this.epsilon2,
      clip_threshold: this.clipThreshold,
      relative_step: this.relativeStep,
    };
  }
}

function rootMeanSquare(x: Value): Value {
  return sqrt(reduceMean(square(x)));
}

/** New means of rows and columns, and the matrix of which they are the means. */
function factors(
  squares: Value,
  rows: Value,
  columns: Value,
  mixed: (mean: Value, value: Value) => Value,
): { rows: Value; columns: Value; velocity: Value } {
  const last = squares.shape.length - 1;
  const r = mixed(rows, reduceMean(squares, [last]));
  const c = mixed(columns, reduceMean(squares, [last - 1]));
  const share = div(r, reduceMean(r, [r.shape.length - 1], true));
  const column = reshape(share, [...share.shape, 1]);
  const row = reshape(c, [...c.shape.slice(0, -1), 1, c.shape.at(-1)!]);
  return { rows: r, columns: c, velocity: mul(column, row) };
}
