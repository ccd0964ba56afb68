/**
 * @file Whole models against Keras, as in `keras_training.test.ts`, on the WebAssembly engine with two threads, in float32
 * as Keras itself.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Session } from '../../src/runtime/session.ts';
import { trainingCases } from '../support/keras_cases.ts';
import { engineSteps } from './engine_steps.ts';
import { runTrainingCase, titleOf } from './training_run.ts';

const tolerance = { logs: 1e-4, weights: 2e-4, predictions: 5e-4, rounding: 1e-6 };

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
        await runTrainingCase(given, backend, tolerance);
      } finally {
        backend.dispose();
      }
    });
  }
});
