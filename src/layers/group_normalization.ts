/** @file Group normalization. */
import type { PartialShape } from '../core/shape.ts';
import type { Value } from '../ir/graph.ts';
import { reshape } from '../ops/index.ts';
import { BaseNormalization, type ScaledOptions } from './base_normalization.ts';
import { axisOf, integer, knownExtent, positiveInteger, refuse } from './checks.ts';
import { momentsOf, standardize } from './moments.ts';
import type { Config } from './serialized.ts';
import type { Variable } from './variable.ts';

export interface GroupNormalizationOptions extends ScaledOptions {
  /** The axis of the channels, default the last. */
  axis?: number | undefined;
}

export interface GroupNormalizationArguments extends GroupNormalizationOptions {
  /** Default 32; -1: as many as channels. */
  groups?: number | undefined;
}

export class GroupNormalization extends BaseNormalization {
  static readonly className = 'GroupNormalization';
  readonly axis: number;
  private groupCount: number;

  constructor(options: GroupNormalizationArguments = {}) {
    super(options);
    const groups = options.groups ?? 32;
    this.groupCount = groups === -1 ? -1 : positiveInteger(this.where, 'groups', groups);
    this.axis = integer(this.where, 'axis', options.axis ?? -1);
  }

  get groups(): number {
    return this.groupCount;
  }

  override build(inputShape: PartialShape): void {
    const channels = knownExtent(this.where, this.axis, inputShape);
    if (this.groupCount === -1) this.groupCount = channels;
    if (channels % this.groupCount !== 0)
      throw refuse(this.where, 'groups', `must divide the ${channels} channels`, this.groupCount);
    this.inputSpec = { rank: inputShape.length, axes: { [this.axis]: channels } };
    this.addScale([channels]);
  }

  override call(x: Value): Value {
    const axis = axisOf(this.where, 'axis', this.axis, x.shape);
    const split = (extents: readonly number[]) =>
      extents.flatMap((extent, i) =>
        i === axis ? [this.groupCount, extent / this.groupCount] : [extent],
      );
    const grouped = reshape(x, split(x.shape));
    const axes = [...grouped.shape.keys()].filter((i) => i !== 0 && i !== axis);
    const own = split(x.shape.map((extent, i) => (i === axis ? extent : 1)));
    const wide = (variable: Variable) => reshape(this.read(variable), own);
    const gamma = this.gamma && wide(this.gamma);
    const beta = this.beta && wide(this.beta);
    const y = standardize(grouped, momentsOf(grouped, axes), this.epsilon, gamma, beta);
    return reshape(y, x.shape);
  }

  override config(): Config {
    return { ...super.config(), groups: this.groupCount, axis: this.axis };
  }
}

/**
 * Brings each group of channels of each sample to mean 0 and variance 1, then to a learned scale and offset (Wu and He
 * 2018).
 *
 * @param groups how many, default 32; must divide the channels. -1: each channel by itself.
 * @see https://keras.io/api/layers/normalization_layers/group_normalization/
 * @example
 * ```ts
 * const x = Input({ shape: [8, 8, 64] });
 * groupNormalization(16)(x).shape; // [null, 8, 8, 64]
 * ```
 */
export function groupNormalization(
  groups = 32,
  options: GroupNormalizationOptions = {},
): GroupNormalization {
  return new GroupNormalization({ ...options, groups });
}
