/** @file Every schedule, and how one is found by Keras's serialised form. */
import { Family, type Serialized } from '../../layers/serialized.ts';
import {
  CosineDecay,
  CosineDecayRestarts,
  ExponentialDecay,
  InverseTimeDecay,
  PiecewiseConstantDecay,
  PolynomialDecay,
} from './decays.ts';
import { Schedule } from './schedule.ts';

/** Schedules by class name; `register` adds one of yours. */
export const scheduleFamily = new Family<Schedule>('schedule', [
  CosineDecay,
  CosineDecayRestarts,
  ExponentialDecay,
  InverseTimeDecay,
  PiecewiseConstantDecay,
  PolynomialDecay,
]);

/** The schedule in Keras's serialised form. @throws TsunoError `ARGUMENT` for an unknown class. */
export function get(which: Schedule | Serialized): Schedule {
  if (which instanceof Schedule) return which;
  return scheduleFamily.make('optimizer', 'learningRate', which);
}

export * from './decays.ts';
export { Schedule, Schedule as LearningRateSchedule, type StepMath } from './schedule.ts';
