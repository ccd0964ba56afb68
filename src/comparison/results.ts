/** @file What training the variants gave, as plain data, and its means and spreads over the seeds. */
import { deviation, mean } from './statistics.ts';

/** Why a run gave nothing. */
export interface RunFailure {
  /** That of the error, e.g. `NONFINITE_LOSS`; `undefined` for errors of others. */
  code: string | undefined;
  message: string;
}

/** One training of one variant. */
export interface RunResult {
  seed: number;
  /** Epochs trained, from 0. */
  epoch: readonly number[];
  /** Losses and metrics by name, one number an epoch. */
  history: Readonly<Record<string, readonly number[]>>;
  /** Of training alone. */
  msPerStep: number;
  seconds: number;
  /** Whether all epochs were trained; others count nowhere but in the curves. */
  complete: boolean;
  failure?: RunFailure;
}

export interface VariantResult {
  name: string;
  /** `undefined` where no model could be built. */
  parameters: number | undefined;
  /** Epochs that were asked for. */
  epochs: number;
  runs: readonly RunResult[];
}

/** A value after the last epoch, over the seeds. */
export interface Spread {
  mean: number;
  /** Standard deviation over the seeds; `undefined` for one. */
  deviation: number | undefined;
  count: number;
}

/** What complete runs had in the end. */
export function lastValues({ runs }: VariantResult, metric: string): number[] {
  return runs.flatMap(({ complete, history }) => {
    const value = history[metric]?.at(-1);
    return complete && value !== undefined ? [value] : [];
  });
}

export function spreadOf(variant: VariantResult, metric: string): Spread | undefined {
  const values = lastValues(variant, metric);
  if (values.length === 0) return undefined;
  return { mean: mean(values), deviation: deviation(values), count: values.length };
}
