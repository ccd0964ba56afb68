/** @file What `compare` is asked: the variants, and what all of them share; checked before anything is trained. */
import { show, TsunoError } from '../core/errors.ts';
import type { Model } from '../model/model.ts';
import type { Callback } from '../train/callback.ts';
import type { CompileOptions } from '../train/compiled.ts';
import { type ValidationData, whole } from '../train/fit_options.ts';
import { get, type OptimizerIdentifier } from '../train/optimizers/index.ts';
import { Optimizer } from '../train/optimizers/optimizer.ts';

/** How a model is trained, for all variants or for one. */
export interface TrainingChoices {
  /** A name, a class, a function that makes one, or an optimizer, which is copied for each run. Default `'adam'`. */
  optimizer?: OptimizerIdentifier | (() => Optimizer) | undefined;
  /** In place of the optimizer's own. */
  learningRate?: number | undefined;
  /** Default `'sparse_categorical_crossentropy'`. */
  loss?: CompileOptions['loss'];
  /** Default `['accuracy']`. */
  metrics?: CompileOptions['metrics'];
  /** Default that of the data set, or else 32. */
  batchSize?: number | undefined;
  /** Default 5. */
  epochs?: number | undefined;
  /** Makes the callbacks of a run. */
  callbacks?: (() => readonly Callback[]) | undefined;
}

/** One thing to try. What it leaves out is as the options of `compare` say. */
export interface Variant extends TrainingChoices {
  name: string;
  /** Builds a new model at each call. */
  model: () => Model;
}

/** Images with labels, in memory or streamed; gone through once for each epoch of each run. */
export type DataSet = Exclude<ValidationData, readonly unknown[]>;

export interface CompareOptions extends TrainingChoices {
  training: DataSet;
  validation: ValidationData;
  /** How many seeds (from 1 on), or which; default 3. */
  seeds?: number | readonly number[] | undefined;
  /** What decides, after the last epoch; default `val_accuracy`, or else `val_loss`. */
  monitor?: string | undefined;
  /** The name of the variant that the others are compared with; default the first. */
  baseline?: string | undefined;
  /** Confidence of what is said about differences, all together; default 0.95. */
  confidence?: number | undefined;
  /** Threads of the engine; default: all processors, at most 8. */
  threads?: number | undefined;
  /** 1 shows the table while it grows, 0 is silent; default 1. */
  verbose?: 0 | 1 | undefined;
  /** Ends it after the step at hand, as Ctrl-C does. */
  signal?: AbortSignal | undefined;
}

/** Options with all defaults. */
export interface Plan {
  variants: readonly Variant[];
  options: CompareOptions;
  seeds: readonly number[];
  baseline: string;
  confidence: number;
}

/** @throws TsunoError `ARGUMENT` for what cannot be. */
export function planOf(variants: readonly Variant[], options: CompareOptions): Plan {
  const where = 'compare';
  const refuse = (what: string, expected: string, found: unknown) =>
    new TsunoError('ARGUMENT', { where, what, expected, found: show(found) });
  if (!Array.isArray(variants) || variants.length === 0)
    throw refuse('variants', 'a list of one at least', variants);
  const names = variants.map((variant) => variant?.name);
  for (const [i, variant] of variants.entries()) {
    if (typeof variant?.name !== 'string' || variant.name.trim() === '')
      throw refuse(`name of variant ${i}`, 'a string', variant?.name);
    if (typeof variant.model !== 'function')
      throw refuse(`model of "${variant.name}"`, 'a function that builds one', variant.model);
  }
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw refuse('names of variants', 'must differ', twice);
  for (const what of ['training', 'validation'] as const)
    if (options?.[what] === undefined) throw refuse(what, 'given', undefined);
  const { seeds = 3, baseline = names[0]!, confidence = 0.95 } = options;
  const list = typeof seeds === 'number' ? whole(where, 'seeds', seeds, 1) : seeds;
  const all = typeof list === 'number' ? Array.from({ length: list }, (_, i) => i + 1) : list;
  for (const seed of all) whole(where, 'seed', seed, 0);
  if (all.length === 0 || new Set(all).size < all.length)
    throw refuse('seeds', 'different whole numbers', all);
  if (!names.includes(baseline)) throw refuse('baseline', `one of ${names.join(', ')}`, baseline);
  if (!(confidence > 0 && confidence < 1))
    throw refuse('confidence', 'a number between 0 and 1', confidence);
  return { variants, options, seeds: all, baseline, confidence };
}

/** What a variant is trained with. */
export function choicesOf(variant: Variant, options: CompareOptions) {
  const {
    optimizer = 'adam',
    loss = 'sparse_categorical_crossentropy',
    metrics = ['accuracy'],
    batchSize,
    epochs = 5,
    callbacks = () => [],
  } = { ...definedOf(options), ...definedOf(variant) };
  const learningRate = variant.learningRate ?? options.learningRate;
  return { optimizer, learningRate, loss, metrics, batchSize, epochs, callbacks };
}

function definedOf(choices: TrainingChoices): TrainingChoices {
  return Object.fromEntries(Object.entries(choices).filter(([, value]) => value !== undefined));
}

/** A new optimizer for one run. */
export function newOptimizer(
  which: NonNullable<TrainingChoices['optimizer']>,
  learningRate: number | undefined,
): Optimizer {
  const optimizer = makeOptimizer(which);
  if (learningRate !== undefined) optimizer.learningRate = learningRate;
  return optimizer;
}

function makeOptimizer(which: NonNullable<TrainingChoices['optimizer']>): Optimizer {
  if (which instanceof Optimizer) return get(which.serialize());
  const isMaker = typeof which === 'function' && !(which.prototype instanceof Optimizer);
  return isMaker ? get((which as () => Optimizer)()) : get(which as OptimizerIdentifier);
}
