/** @file Muon: matrices by steps whose directions are about equally long, all else by AdamW. */

import type { Value } from '../../ir/graph.ts';
import {
  finiteNumber,
  flag,
  optional,
  positive,
  positiveInteger,
  rate,
  refuse,
} from '../../layers/checks.ts';
import type { Config } from '../../layers/serialized.ts';
import type { Variable } from '../../layers/variable.ts';
import { add, div, matmul, mul, reduceSum, sqrt, square, sub, transpose } from '../../ops/index.ts';
import { betaPower, movedMean } from './adam.ts';
import { Optimizer, type OptimizerOptions, type Rule, type Slot, type Step } from './optimizer.ts';
import { checkPattern, matches } from './path_pattern.ts';

export interface MuonOptions extends OptimizerOptions {
  /** Default 0.001. */
  learningRate?: OptimizerOptions['learningRate'];
  /** Of matrices, default 0.004. */
  weightDecay?: number | null | undefined;
  /** Of AdamW: how much of the mean of gradients stays at each step, default 0.9. */
  adamBeta1?: number | undefined;
  /** Of AdamW: how much of the mean of squares stays at each step, default 0.999. */
  adamBeta2?: number | undefined;
  /** Of AdamW, default 0.004. */
  adamWeightDecay?: number | null | undefined;
  /** Of AdamW: keeps divisors from 0, default 1e-7. */
  epsilon?: number | undefined;
  /** Matrices whose path has one of these in it are left to AdamW: name the last layer. `.*` stands for anything. */
  excludeLayers?: readonly string[] | null | undefined;
  /** Whether weights with "embedding" in their path are left to AdamW, default true. */
  excludeEmbeddings?: boolean | undefined;
  /** Factors of x, x³ and x⁵ in the iteration, default 3.4445, −4.775, 2.0315. */
  muonA?: number | undefined;
  muonB?: number | undefined;
  muonC?: number | undefined;
  /** Learning rate of AdamW over that of matrices, default 1. */
  adamLrRatio?: number | undefined;
  /** How much of the mean of gradients stays at each step, default 0.95. */
  momentum?: number | undefined;
  /** Number of iterations, default 5. */
  nsSteps?: number | undefined;
  /** Whether a step looks ahead by the momentum, default true. */
  nesterov?: boolean | undefined;
  /** Steps are this times √(the longer side) long, default 0.2; `null`: 1. */
  rmsRate?: number | null | undefined;
}

const defaults = {
  adamBeta1: 0.9,
  adamBeta2: 0.999,
  epsilon: 1e-7,
  muonA: 3.4445,
  muonB: -4.775,
  muonC: 2.0315,
  adamLrRatio: 1,
  momentum: 0.95,
  nsSteps: 5,
} as const;

/** What is more than a finite number. */
const checks: Partial<Record<keyof typeof defaults, typeof finiteNumber>> = {
  adamBeta1: rate,
  adamBeta2: rate,
  epsilon: positive,
  momentum: rate,
  nsSteps: positiveInteger,
};

/**
 * w − η·0.2·√max(n, m)·O(g + μ·m), where O(x) ≈ U·Vᵀ for x = U·S·Vᵀ, by x ← a·x + (b·x·xᵀ + c·(x·xᵀ)²)·x from x of
 * norm 1 (Jordan et al. 2024; Liu et al. 2025). Weights that are no matrices, as the kernels of convolutions, take AdamW.
 *
 * @example
 * ```ts
 * model.compile({ optimizer: new optimizers.Muon({ excludeLayers: ['dense_1'] }), loss: 'mse' });
 * ```
 * @see https://keras.io/api/optimizers/muon/
 */
export class Muon extends Optimizer {
  static readonly className = 'Muon';
  private readonly numbers: { -readonly [K in keyof typeof defaults]: number };
  readonly adamWeightDecay: number | null;
  readonly excludeLayers: readonly string[];
  readonly excludeEmbeddings: boolean;
  readonly nesterov: boolean;
  readonly rmsRate: number | null;

  /** @throws TsunoError `ARGUMENT` for a pattern that holds more than text and `.*`. */
  constructor(options: MuonOptions = {}) {
    const { weightDecay = 0.004, adamWeightDecay = 0.004, rmsRate = 0.2 } = options;
    super('Muon', 0.001, { ...options, weightDecay });
    const given = Object.keys(defaults) as (keyof typeof defaults)[];
    this.numbers = { ...defaults };
    for (const name of given) {
      const check = checks[name] ?? finiteNumber;
      this.numbers[name] = check(this.name, name, options[name] ?? defaults[name]);
    }
    this.adamWeightDecay = optional(finiteNumber, this.name, 'adamWeightDecay', adamWeightDecay);
    this.rmsRate = optional(finiteNumber, this.name, 'rmsRate', rmsRate);
    const excluded: unknown = options.excludeLayers ?? [];
    if (!Array.isArray(excluded))
      throw refuse(this.name, 'excludeLayers', 'a list of texts', excluded);
    this.excludeLayers = excluded.map((pattern) =>
      checkPattern(this.name, 'excludeLayers', pattern),
    );
    this.excludeEmbeddings = flag(
      this.name,
      'excludeEmbeddings',
      options.excludeEmbeddings ?? true,
    );
    this.nesterov = flag(this.name, 'nesterov', options.nesterov ?? true);
  }

  /** Whether a weight is left to AdamW. */
  private usesAdam({ shape, path }: Variable): boolean {
    if (shape.length !== 2) return true;
    if (this.excludeEmbeddings && path.toLowerCase().includes('embedding')) return true;
    return this.excludeLayers.some((pattern) => matches(path, pattern, false));
  }

  protected override slots(): readonly (readonly Slot[])[] {
    const velocity = { name: 'velocity', of: (variable: Variable) => this.usesAdam(variable) };
    return [[{ name: 'momentum' }, velocity]];
  }

  protected override decayOf(variable: Variable): number | null {
    return this.usesAdam(variable) ? this.adamWeightDecay : this.weightDecay;
  }

  protected override rule(step: Step): Rule {
    const { adamBeta1, adamBeta2, epsilon, adamLrRatio, momentum } = this.numbers;
    const correction = sqrt(sub(1, betaPower(step, adamBeta2)));
    const rate = mul(step.learningRate, adamLrRatio);
    const alpha = div(mul(rate, correction), sub(1, betaPower(step, adamBeta1)));
    return (gradient, { weight, momentum: mean, velocity }) => {
      if (velocity) {
        const m = movedMean(mean!, gradient, adamBeta1);
        const v = movedMean(velocity, square(gradient), adamBeta2);
        const change = div(mul(m, alpha), add(sqrt(v), epsilon));
        return { weight: sub(weight!, change), momentum: m, velocity: v };
      }
      const m = add(mul(mean!, momentum), gradient);
      const direction = this.orthogonal(this.nesterov ? add(gradient, mul(m, momentum)) : m);
      const longer = Math.max(...weight!.shape);
      const length = this.rmsRate === null ? 1 : this.rmsRate * Math.sqrt(longer);
      return { weight: sub(weight!, mul(mul(direction, step.learningRate), length)), momentum: m };
    };
  }

  /** A matrix with about the same directions, each about as long. */
  private orthogonal(matrix: Value): Value {
    const { muonA, muonB, muonC, nsSteps } = this.numbers;
    const [rows, columns] = matrix.shape as readonly [number, number];
    const turned = (x: Value) => (rows > columns ? transpose(x, [1, 0]) : x);
    const norm = sqrt(reduceSum(square(matrix)));
    let x = turned(div(matrix, add(norm, 1e-7)));
    for (let i = 0; i < nsSteps; i++) {
      const squared = matmul(x, x, false, true);
      const mixed = add(mul(squared, muonB), matmul(mul(squared, muonC), squared));
      x = add(mul(x, muonA), matmul(mixed, x));
    }
    return turned(x);
  }

  override config(): Config {
    const { numbers } = this;
    return {
      ...super.config(),
      adam_beta_1: numbers.adamBeta1,
      adam_beta_2: numbers.adamBeta2,
      epsilon: numbers.epsilon,
      exclude_layers: [...this.excludeLayers],
      muon_a: numbers.muonA,
      muon_b: numbers.muonB,
      muon_c: numbers.muonC,
      adam_lr_ratio: numbers.adamLrRatio,
      momentum: numbers.momentum,
      ns_steps: numbers.nsSteps,
      nesterov: this.nesterov,
      exclude_embeddings: this.excludeEmbeddings,
      adam_weight_decay: this.adamWeightDecay,
      rms_rate: this.rmsRate,
    };
  }
}
