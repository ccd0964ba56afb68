/** @file Each schedule against Keras, on the host and in the graph. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { evaluate } from '../../src/backends/reference/evaluate.ts';
import { Graph } from '../../src/ir/graph.ts';
import type { Serialized } from '../../src/layers/serialized.ts';
import { input } from '../../src/ops/index.ts';
import * as schedules from '../../src/train/schedules/index.ts';
import { expectNear, kerasParts } from '../support/keras_parts.ts';

interface ScheduleCase {
  schedule: Serialized;
  steps: number[];
  rates: number[];
}

const cases = kerasParts<ScheduleCase>('schedules');

describe('as Keras', () => {
  cases.forEach(({ schedule: form, steps, rates }, number) => {
    const about = `${number} ${form.class_name} ${JSON.stringify(form.config)}`;
    const schedule = schedules.get(form);

    test(`${about} on the host`, () => {
      expectNear(
        'rate',
        steps.map((step) => schedule.at(step)),
        rates,
        1e-5,
        1e-7,
      );
    });

    test(`${about} in the graph`, () => {
      const graph = new Graph();
      const step = input(graph, 'step', [], 'int32');
      graph.outputs.set('rate', schedule.value(step));
      const found = steps.map(
        (at) => evaluate(graph, { step: [at] }, () => []).outputs.get('rate')!.data[0]!,
      );
      expectNear('rate', found, rates, 1e-5, 1e-7);
    });

    test(`${about} config`, () => assert.deepEqual(schedule.serialize(), form));
  });
});

test('impossible options are refused', () => {
  const refused: (() => unknown)[] = [
    () => new schedules.CosineDecay({ initialLearningRate: 1, decaySteps: 0 }),
    () => new schedules.PiecewiseConstantDecay({ boundaries: [1], values: [1] }),
  ];
  for (const make of refused) assert.throws(make, { name: 'TsunoError', code: 'ARGUMENT' });
});
