/**
 * @file Every argument that Keras's `fit` and its kin and its callbacks have (test/fixtures/keras/signatures.json) is here
 * under its name, or stands in docs/not_included.md with a reason. That the options listed below exist is the compiler's
 * to say.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type * as callbacks from '../../src/callbacks/index.ts';
import type { ModelCompileOptions } from '../../src/model/model.ts';
import type { BatchOptions, TrainBatchOptions } from '../../src/train/evaluate.ts';
import type { EvaluateOptions, FitOptions, PredictOptions } from '../../src/train/fit_options.ts';
import { read } from '../repository/sources.ts';

interface Signatures {
  methods: Readonly<Record<string, readonly string[]>>;
  callbacks: Readonly<Record<string, readonly string[]>>;
  stages: readonly string[];
}

const keras: Signatures = JSON.parse(read('test/fixtures/keras/signatures.json'));

/** Keys that options of this type have. */
function keysOf<Options>(...keys: (keyof Options)[]): readonly string[] {
  return keys as string[];
}

const monitoring = keysOf<callbacks.MonitorOptions>('monitor', 'mode', 'minDelta');
const stages = keysOf<callbacks.LambdaCallbackOptions>(
  'onTrainBegin',
  'onTrainEnd',
  'onEpochBegin',
  'onEpochEnd',
  'onTrainBatchBegin',
  'onTrainBatchEnd',
  'onTestBegin',
  'onTestEnd',
  'onTestBatchBegin',
  'onTestBatchEnd',
  'onPredictBegin',
  'onPredictEnd',
  'onPredictBatchBegin',
  'onPredictBatchEnd',
);

/** What is here, by Keras's name of the method or class: arguments that are given by place, and options. */
const here: Readonly<Record<string, { places?: readonly string[]; options?: readonly string[] }>> =
  {
    compile: {
      options: keysOf<ModelCompileOptions>(
        'optimizer',
        'loss',
        'lossWeights',
        'metrics',
        'weightedMetrics',
      ),
    },
    fit: {
      places: ['x', 'y'],
      options: keysOf<FitOptions>(
        'batchSize',
        'epochs',
        'verbose',
        'callbacks',
        'validationSplit',
        'validationData',
        'shuffle',
        'classWeight',
        'sampleWeight',
        'initialEpoch',
        'stepsPerEpoch',
        'validationSteps',
        'validationBatchSize',
        'validationFreq',
      ),
    },
    evaluate: {
      places: ['x', 'y'],
      options: keysOf<EvaluateOptions>(
        'batchSize',
        'verbose',
        'sampleWeight',
        'steps',
        'callbacks',
      ),
    },
    predict: {
      places: ['x'],
      options: keysOf<PredictOptions>('batchSize', 'verbose', 'steps', 'callbacks'),
    },
    train_on_batch: {
      places: ['x', 'y'],
      options: keysOf<TrainBatchOptions>('sampleWeight', 'classWeight'),
    },
    test_on_batch: { places: ['x', 'y'], options: keysOf<BatchOptions>('sampleWeight') },
    predict_on_batch: { places: ['x'] },
    BackupAndRestore: {
      places: ['backup_dir'],
      options: keysOf<callbacks.BackupAndRestoreOptions>('saveFreq', 'deleteCheckpoint'),
    },
    CSVLogger: {
      places: ['filename'],
      options: keysOf<callbacks.CSVLoggerOptions>('separator', 'append'),
    },
    Callback: { options: stages },
    EarlyStopping: {
      options: [
        ...monitoring,
        ...keysOf<callbacks.EarlyStoppingOptions>(
          'patience',
          'verbose',
          'baseline',
          'restoreBestWeights',
          'startFromEpoch',
        ),
      ],
    },
    LambdaCallback: { options: stages },
    LearningRateScheduler: {
      places: ['schedule'],
      options: keysOf<callbacks.LearningRateSchedulerOptions>('verbose'),
    },
    ModelCheckpoint: {
      places: ['filepath'],
      options: keysOf<callbacks.ModelCheckpointOptions>(
        'monitor',
        'verbose',
        'saveBestOnly',
        'saveWeightsOnly',
        'mode',
        'saveFreq',
        'initialValueThreshold',
      ),
    },
    ReduceLROnPlateau: {
      options: [
        ...monitoring,
        ...keysOf<callbacks.ReduceLROnPlateauOptions>(
          'factor',
          'patience',
          'verbose',
          'cooldown',
          'minLr',
        ),
      ],
    },
    RemoteMonitor: {
      options: keysOf<callbacks.RemoteMonitorOptions>(
        'root',
        'path',
        'field',
        'headers',
        'sendAsJson',
      ),
    },
    SwapEMAWeights: { options: keysOf<callbacks.SwapEMAWeightsOptions>('swapOnEpoch') },
    TensorBoard: {
      options: keysOf<callbacks.TensorBoardOptions>(
        'logDir',
        'histogramFreq',
        'writeStepsPerSecond',
        'updateFreq',
      ),
    },
    TerminateOnNaN: { options: keysOf<callbacks.TerminateOnNaNOptions>('raiseError') },
  };

const camelCase = (name: string) =>
  name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

const excused = new Set(
  [...read('docs/not_included.md').matchAll(/^\| `(\w+)`: `(\w+)` \| .{10,} \|$/gm)].map(
    ([, owner, argument]) => `${owner}: ${argument}`,
  ),
);

const all: readonly [owner: string, names: readonly string[]][] = [
  ...Object.entries(keras.methods),
  ...Object.entries(keras.callbacks),
  ['Callback', keras.stages],
];

describe('arguments of training and of callbacks', () => {
  for (const [owner, names] of all)
    test(`${owner}: ${names.length} are here, or not included with a reason`, () => {
      const { places = [], options = [] } = here[owner] ?? {};
      const isHere = (name: string) => places.includes(name) || options.includes(camelCase(name));
      const isExcused = (name: string) => excused.has(`${owner}: ${name}`);
      assert.deepEqual(
        names.filter((name) => !isHere(name)),
        names.filter(isExcused),
      );
    });

  test('what is not included is Keras’s', () => {
    assert.ok(excused.size > 0);
    const known = new Set(
      all.flatMap(([owner, names]) => names.map((name) => `${owner}: ${name}`)),
    );
    assert.deepEqual(
      [...excused].filter((one) => !known.has(one)),
      [],
    );
  });
});
