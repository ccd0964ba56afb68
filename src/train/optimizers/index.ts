/** @file Every optimizer, and how one is found: by Keras's name, by class, by object, by Keras's serialised form. */
import { show, TsunoError } from '../../core/errors.ts';
import { isSerialized, type Member, type Serialized } from '../../layers/serialized.ts';
import { Adafactor } from './adafactor.ts';
import { Adam, Adamax, AdamW, Lamb, Nadam } from './adam.ts';
import { Adadelta, Adagrad, Ftrl, RMSprop } from './adaptive.ts';
import { optimizerFamily } from './family.ts';
import { Lion } from './lion.ts';
import { MultiOptimizer } from './multi_optimizer.ts';
import { Muon } from './muon.ts';
import { Optimizer } from './optimizer.ts';
import { ScheduleFreeAdamW } from './schedule_free_adam_w.ts';
import { SGD } from './sgd.ts';

const members: readonly Member<Optimizer>[] = [
  Adadelta,
  Adafactor,
  Adagrad,
  Adam,
  AdamW,
  Adamax,
  Ftrl,
  Lamb,
  Lion,
  MultiOptimizer,
  Muon,
  Nadam,
  RMSprop,
  SGD,
  ScheduleFreeAdamW,
];

for (const member of members) optimizerFamily.register(member, member.className.toLowerCase());

/** What names an optimizer: `'adam'`, a class, an optimizer. */
export type OptimizerIdentifier = string | Optimizer | (new () => Optimizer) | Serialized;

/**
 * The optimizer that `which` names.
 *
 * @example
 * ```ts
 * optimizers.get('rmsprop').learningRate; // 0.001
 * ```
 * @throws TsunoError `ARGUMENT` for an unknown name.
 * @see https://keras.io/api/optimizers/#usage-with-compile--fit
 */
export function get(which: OptimizerIdentifier): Optimizer {
  if (which instanceof Optimizer) return which;
  if (typeof which === 'function') return new which();
  if (typeof which === 'string' || isSerialized(which)) {
    return optimizerFamily.make('compile', 'optimizer', which);
  }
  throw new TsunoError('ARGUMENT', {
    where: 'compile',
    what: 'optimizer',
    expected: 'a name, an optimizer or a class of optimizers',
    found: show(which),
  });
}

export * from './adafactor.ts';
export {
  Adam,
  Adamax,
  type AdamOptions,
  AdamW,
  type BetaOptions,
  Lamb,
  Nadam,
} from './adam.ts';
export * from './adaptive.ts';
export { optimizerFamily } from './family.ts';
export * from './lion.ts';
export * from './multi_optimizer.ts';
export * from './muon.ts';
export {
  type GradientsToApply,
  Optimizer,
  type OptimizerOptions,
  type Rule,
  type Slot,
  type State,
  type Step,
  type WeightGradient,
} from './optimizer.ts';
export * from './schedule_free_adam_w.ts';
export * from './sgd.ts';
