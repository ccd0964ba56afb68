/** @file Every layer case that Keras computed, through the float64 reference. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { layerNames } from '../../src/layers/registry.ts';
import { layerCases } from '../support/keras_cases.ts';
import { referenceBackend, runCase } from './run_case.ts';

/** Classes with cases of Keras that tsuno does not have, and why. */
const absent: Record<string, string> = {};

const cases = [...layerCases()];

describe('layers give what Keras gives', () => {
  for (const given of cases) {
    const reason = absent[given.className];
    test(`${given.name} ${given.className}`, { skip: reason ?? false }, () =>
      runCase(given, referenceBackend),
    );
  }

  test('the list of absent layers is exact', () => {
    const known = layerNames();
    const classes = [...new Set(cases.map(({ className }) => className))];
    assert.ok(classes.length > 20, 'there are cases');
    assert.deepEqual(
      classes.filter((name) => !known.includes(name)),
      Object.keys(absent),
    );
  });
});
