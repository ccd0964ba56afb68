/**
 * @file Whole models against Keras, as in `keras_training.test.ts`, on the WebAssembly engine with two threads, in float32
 * as Keras itself: the steps alone, and by `trainOnBatch`.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Model } from '../../src/model/model.ts';
import { Session } from '../../src/runtime/session.ts';
import type { LossIdentifier } from '../../src/train/losses/index.ts';
import type { MetricIdentifier } from '../../src/train/metrics/index.ts';
import type { OptimizerIdentifier } from '../../src/train/optimizers/index.ts';
import { type TrainingCase, trainingCases } from '../support/keras_cases.ts';
import { engineSteps } from './engine_steps.ts';
import { assertLogs, distance, runTrainingCase, sampleWeights, titleOf } from './training_run.ts';

const tolerance = { logs: 1e-4, weights: 2e-4, predictions: 5e-4, rounding: 1e-6 };

/** The same through the model's own doors; weights in `undetermined` may be anything within reach. */
async function trainModel(given: TrainingCase, undetermined: ReadonlySet<number>): Promise<void> {
  const model = Model.fromConfig(given.model.config) as Model;
  model.setWeights(given.weights.map(({ before }) => before));
  const { optimizer, loss, metrics } = given.compile;
  model.compile({
    optimizer: optimizer as OptimizerIdentifier,
    loss: loss as LossIdentifier,
    metrics: metrics as readonly MetricIdentifier[],
    threads: 2,
  });
  try {
    for (const [i, { x, y, logs }] of given.steps.entries()) {
      const sampleWeight = sampleWeights(given, i);
      assertLogs(i, await model.trainOnBatch(x, y, { sampleWeight }), logs, tolerance.logs);
    }
    const reach = given.steps.length * model.optimizer.learningRate;
    const values = model.getWeights();
    given.weights.forEach(({ path, after }, i) => {
      const error = distance(values[i]!.data, after);
      const allowed = undetermined.has(i) ? reach : tolerance.weights;
      assert.ok(error < allowed, `trainOnBatch: ${path} differs by ${error.toExponential(1)}`);
    });
    model.setWeights(given.weights.map(({ after }) => after));
    const found = await model.predictOnBatch(given.steps[0]!.x);
    const error = distance(found.data, given.predict);
    assert.ok(error < tolerance.predictions, `predictOnBatch differs by ${error}`);
  } finally {
    model.close();
  }
}

describe('models on the engine train as Keras trains them', () => {
  let session: Session;
  before(async () => {
    session = await Session.open({ threads: 2 });
  });
  after(() => session.close());

  test('on two threads', () => assert.equal(session.engine.threads, 2));

  for (const given of trainingCases()) {
    test(titleOf(given), async () => {
      const backend = engineSteps(session);
      try {
        await trainModel(given, await runTrainingCase(given, backend, tolerance));
      } finally {
        backend.dispose();
      }
    });
  }
});
