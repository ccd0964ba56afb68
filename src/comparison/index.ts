/** @file Comparing variants of a network: `compare`. */
export { compare } from './compare.ts';
export type { Comparison, Difference } from './comparison.ts';
export type { CompareOptions, TrainingChoices, Variant } from './options.ts';
export type { RunFailure, RunResult, Spread, VariantResult } from './results.ts';
