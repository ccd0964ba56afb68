/** @file Options that crossentropies have in common, as losses and as metrics. */
import { finiteNumber, flag, integer, rate } from '../../layers/checks.ts';
import type { OptionTable } from './options.ts';

interface LogitsOptions {
  /** Whether predictions are logits; default false: probabilities. */
  fromLogits?: boolean | undefined;
}

export interface BinaryOptions extends LogitsOptions {
  /** Default 0: labels are taken as they are; 1: all are ½. */
  labelSmoothing?: number | undefined;
  /** Axis over which the mean is taken, default the last. */
  axis?: number | undefined;
}

export interface CategoricalOptions extends LogitsOptions {
  /** Default 0: labels are taken as they are; 1: every class alike. */
  labelSmoothing?: number | undefined;
  /** Axis of the classes, default the last. */
  axis?: number | undefined;
}

export interface SparseOptions extends LogitsOptions {
  /** A label whose samples do not count; default none. */
  ignoreClass?: number | null | undefined;
  /** Of the classes: the last, and no other. */
  axis?: number | undefined;
}

export interface FocalOptions {
  /** Weight of the loss, default 0.25. */
  alpha?: number | undefined;
  /** How much the well classified fade, default 2. */
  gamma?: number | undefined;
}

/** Of labels that are probabilities, and may be smoothed. */
export const smoothing: OptionTable<BinaryOptions & CategoricalOptions> = {
  fromLogits: [flag, false],
  labelSmoothing: [rate, 0],
  axis: [integer, -1],
};

/** Of labels that are class numbers. */
export const sparse: OptionTable<SparseOptions> = {
  fromLogits: smoothing.fromLogits,
  ignoreClass: [integer, null],
  axis: smoothing.axis,
};

export const focal: OptionTable<FocalOptions> = {
  alpha: [finiteNumber, 0.25],
  gamma: [finiteNumber, 2],
};
