/**
 * @file Whole models against Keras: each is made from Keras's config, takes five steps on the reference backend, and must
 * have Keras's losses, metrics and weights.
 */
import { test } from 'node:test';
import { trainingCases } from '../support/keras_cases.ts';
import { referenceSteps, runTrainingCase, titleOf } from './training_run.ts';

const tolerance = { logs: 1e-4, weights: 2e-4, predictions: 5e-4, rounding: 1e-7 };

for (const given of trainingCases()) {
  test(titleOf(given), async () => {
    await runTrainingCase(given, referenceSteps(), tolerance);
  });
}
