/** @file The verbs, in the order of the help text. A new one is a file and a line. */
import type { Verb } from '../verb.ts';
import { convert } from './convert.ts';
import { evaluate } from './evaluate.ts';
import { fit } from './fit.ts';
import { inspect } from './inspect.ts';
import { newProject } from './new_project.ts';
import { plot } from './plot.ts';
import { predict } from './predict.ts';
import { summary } from './summary.ts';

export const verbs: readonly Verb[] = [
  newProject,
  fit,
  evaluate,
  predict,
  summary,
  plot,
  convert,
  inspect,
];
