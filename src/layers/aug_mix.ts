/** @file Each image blended with versions of it that went through chains of changes. */
import type { Value } from '../ir/graph.ts';
import { add, concat, mul, reshape, scalar, slice, softmax, sub } from '../ops/index.ts';
import { BaseAugmentationChoice, type ChoiceOptions } from './base_augmentation_choice.ts';
import { logGamma, symmetricBeta } from './beta.ts';
import { finiteNumber, flag, positiveInteger, refuse } from './checks.ts';
import type { Config } from './serialized.ts';

export interface AugMixOptions extends ChoiceOptions {
  /** Number of chains, default 3. */
  numChains?: number | undefined;
  /** Changes in a chain, some of which change nothing; default 3. */
  chainDepth?: number | undefined;
  /** How even the shares of the chains and of the image itself are: Dirichlet(α) and Beta(α, α); default 1. */
  alpha?: number | undefined;
  /** Whether brightness, colour, contrast and sharpness are among the changes, default true. */
  allOps?: boolean | undefined;
}

/** Shares of a blend, all [n, 1, 1, 1]. */
export interface Blend {
  /** Of the image itself. */
  own: Value;
  /** Of each chain in the rest; their sum is 1. */
  chains: readonly Value[];
}

export class AugMix extends BaseAugmentationChoice {
  static readonly className = 'AugMix';
  readonly numChains: number;
  readonly chainDepth: number;
  readonly alpha: number;
  readonly allOps: boolean;

  constructor(options: AugMixOptions = {}) {
    const { numChains = 3, chainDepth = 3, alpha = 1, allOps = true } = options;
    super(options, 0.3, allOps);
    this.numChains = positiveInteger(this.where, 'numChains', numChains);
    this.chainDepth = positiveInteger(this.where, 'chainDepth', chainDepth);
    this.alpha = finiteNumber(this.where, 'alpha', alpha);
    if (this.alpha <= 0) throw refuse(this.where, 'alpha', 'positive', alpha);
    this.allOps = flag(this.where, 'allOps', allOps);
  }

  protected override augment(images: Value): Value {
    const { own, chains } = this.blend(images);
    const mixed = chains.map((share) => {
      let x = images;
      // One choice more than there are changes: none.
      for (let i = 0; i < this.chainDepth; i++) x = this.changed(x, this.choice(x, this.count + 1));
      return mul(x, share);
    });
    const rest = mixed.reduce((sum, x) => add(sum, x));
    return this.clip(add(mul(images, own), mul(rest, sub(1, own))));
  }

  protected blend(images: Value): Blend {
    const n = images.shape[0]!;
    const shape = [n, 1, 1, 1];
    const draws = { uniform: () => this.uniform(shape), normal: () => this.normal(shape) };
    const alpha = scalar(images, this.alpha);
    const logs = Array.from({ length: this.numChains }, () =>
      reshape(logGamma(alpha, draws), [n, 1]),
    );
    const shares = softmax(concat(logs as [Value, ...Value[]], 1));
    return {
      own: symmetricBeta(alpha, draws),
      chains: logs.map((_, i) => reshape(slice(shares, [0, i], [n, 1]), shape)),
    };
  }

  override config(): Config {
    return {
      ...super.config(),
      num_chains: this.numChains,
      chain_depth: this.chainDepth,
      alpha: this.alpha,
      all_ops: this.allOps,
    };
  }
}

/**
 * In training, blends each image with versions of it that went through chains of random changes. `factor` is 0.3 by
 * default.
 *
 * @see https://keras.io/api/layers/preprocessing_layers/image_augmentation/aug_mix/
 * @see https://arxiv.org/abs/1912.02781
 * @example
 * ```ts
 * const x = Input({ shape: [32, 32, 3] });
 * augMix({ numChains: 2, chainDepth: 2 })(x).shape; // [null, 32, 32, 3]
 * ```
 */
export function augMix(options: AugMixOptions = {}): AugMix {
  return new AugMix(options);
}
