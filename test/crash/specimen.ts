/**
 * @file Runs to be stopped and resumed: each has one of the things that remember something from step to step, or all of
 * them, in 40 steps (5 epochs of 8). And what is compared in the end: one SHA-256 over weights, optimizer and history.
 */
import { createHash } from 'node:crypto';
import * as callbacks from '../../src/callbacks/index.ts';
import { setRandomSeed } from '../../src/core/seed.ts';
import * as layers from '../../src/layers/index.ts';
import { Model } from '../../src/model/model.ts';
import { Input } from '../../src/topology/input.ts';
import type { FitOptions } from '../../src/train/fit_options.ts';
import * as optimizers from '../../src/train/optimizers/index.ts';
import * as schedules from '../../src/train/schedules/index.ts';
import { bitsOf, stripes } from '../support/small_models.ts';

export const factors = [
  'dropout',
  'augmentation',
  'batch normalization',
  'adam',
  'schedule',
  'early stopping',
  'plateau',
] as const;
export type Factor = (typeof factors)[number] | 'all';

export const stepsOfRun = 40;
const data = stripes(80, { seed: 4 });

export interface Specimen {
  factor: Factor;
  threads: number;
}

/** The same model for the same factor, its weights among it. */
export function modelOf({ factor, threads }: Specimen): Model {
  setRandomSeed(factor.length);
  const has = (one: Factor) => factor === one || factor === 'all';
  const inputs = Input({ shape: [6, 6, 1] });
  let x = inputs;
  if (has('augmentation')) {
    x = layers.randomTranslation(0.2, 0.2)(x);
    x = layers.gaussianNoise(0.05)(x);
  }
  x = layers.conv2d(4, 3)(x);
  if (has('batch normalization')) x = layers.batchNormalization()(x);
  x = layers.activation('relu')(x);
  x = layers.maxPooling2d(2)(x);
  x = layers.flatten()(x);
  if (has('dropout')) x = layers.dropout(0.4)(x);
  const outputs = layers.dense(3, { activation: 'softmax' })(x);
  const model = new Model({ inputs, outputs });
  model.compile({
    optimizer: optimizerOf(factor),
    loss: 'sparse_categorical_crossentropy',
    metrics: ['accuracy'],
    threads,
    warn: () => undefined,
  });
  return model;
}

function optimizerOf(factor: Factor): optimizers.Optimizer {
  if (factor === 'adam' || factor === 'all')
    return new optimizers.Adam({ learningRate: 0.02, amsgrad: true });
  const schedule = new schedules.CosineDecay({
    initialLearningRate: 0.1,
    decaySteps: 40,
    warmupTarget: 0.2,
    warmupSteps: 7,
  });
  const learningRate = factor === 'schedule' ? schedule : 0.1;
  return new optimizers.SGD({ learningRate, momentum: 0.9 });
}

/** The options of the run; `more` are callbacks beside its own. */
export function optionsOf(
  { factor }: Specimen,
  more: readonly callbacks.Callback[] = [],
): FitOptions {
  const has = (one: Factor) => factor === one || factor === 'all';
  const { EarlyStopping, ReduceLROnPlateau } = callbacks;
  return {
    epochs: 5,
    batchSize: 8,
    validationSplit: 0.2,
    seed: 11,
    verbose: 0,
    callbacks: [
      ...(has('early stopping')
        ? [
            new EarlyStopping({
              monitor: 'accuracy',
              patience: 2,
              restoreBestWeights: true,
              minDelta: 0.2,
            }),
          ]
        : []),
      ...(has('plateau')
        ? [new ReduceLROnPlateau({ monitor: 'loss', patience: 1, factor: 0.5, minDelta: 0.3 })]
        : []),
      ...more,
    ],
  };
}

/** Trains; ends where `stop` says so. */
export async function train(
  model: Model,
  specimen: Specimen,
  more: readonly callbacks.Callback[] = [],
  signal?: AbortSignal,
): Promise<callbacks.History> {
  return model.fit(data, { ...optionsOf(specimen, more), signal });
}

/** One text for everything that a run leaves. */
export function hashOf(model: Model, { epoch, history }: callbacks.History): string {
  const hash = createHash('sha256');
  for (const bits of bitsOf(model)) hash.update(bits);
  hash.update(JSON.stringify([epoch, history]));
  return hash.digest('hex');
}

/** The hash of the run that nobody stops. */
export async function uninterrupted(specimen: Specimen): Promise<string> {
  const model = modelOf(specimen);
  const hash = hashOf(model, await train(model, specimen));
  model.close();
  return hash;
}
