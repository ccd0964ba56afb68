/**
 * @file Whole models against Keras, as in `keras_training.test.ts`, on the WebAssembly engine with two threads, in float32
 * as Keras itself: the steps alone, by `trainOnBatch`, and by loops of one's own.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Tensor, tensor } from '../../src/core/tensor.ts';
import type { Value } from '../../src/ir/graph.ts';
import { trainStep, valueAndGrad } from '../../src/model/custom_training.ts';
import { Model } from '../../src/model/model.ts';
import { Session } from '../../src/runtime/session.ts';
import type { LossIdentifier } from '../../src/train/losses/index.ts';
import * as losses from '../../src/train/losses/index.ts';
import type { MetricIdentifier } from '../../src/train/metrics/index.ts';
import type { OptimizerIdentifier } from '../../src/train/optimizers/index.ts';
import * as optimizers from '../../src/train/optimizers/index.ts';
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

/** The same by a loop of one's own: gradients apart from the update, or both in one step. */
async function trainByHand(
  given: TrainingCase,
  undetermined: ReadonlySet<number>,
  fused: boolean,
): Promise<void> {
  const model = Model.fromConfig(given.model.config) as Model;
  model.setWeights(given.weights.map(({ before }) => before));
  model.compile({ threads: 2 });
  const optimizer = optimizers.get(given.compile.optimizer as OptimizerIdentifier);
  const loss = losses.get(given.compile.loss as LossIdentifier);
  const fn = (x: Value, y: Value, weight?: Value) => loss.call(y, model.trace([x])[0]!, weight);
  const together = trainStep(model, optimizer, fn);
  const gradientsOf = valueAndGrad(model, (...inputs) => {
    const value = fn(...(inputs as [Value, Value]));
    return optimizer.scaleLoss(value);
  });
  try {
    for (const [i, { x, y }] of given.steps.entries()) {
      const weights = sampleWeights(given, i);
      const inputs = [x, y, ...(weights ? [tensor(Float32Array.from(weights))] : [])] as const;
      if (fused) await together(...(inputs as [Tensor, Tensor]));
      else await optimizer.apply((await gradientsOf(...inputs)).grads);
    }
    const reach = given.steps.length * optimizer.learningRate;
    const values = model.getWeights();
    given.weights.forEach(({ path, after }, i) => {
      const error = distance(values[i]!.data, after);
      const allowed = undetermined.has(i) ? reach : tolerance.weights;
      assert.ok(error < allowed, `by hand: ${path} differs by ${error.toExponential(1)}`);
    });
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

  for (const [i, given] of [...trainingCases()].entries()) {
    test(titleOf(given), async () => {
      const backend = engineSteps(session);
      try {
        const undetermined = await runTrainingCase(given, backend, tolerance);
        await trainModel(given, undetermined);
        await trainByHand(given, undetermined, i % 2 === 0);
      } finally {
        backend.dispose();
      }
    });
  }
});
