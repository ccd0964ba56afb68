/** @file Optimizers by name: empty here, so that one that is made of others can find them; the index puts them in. */
import { Family } from '../../layers/serialized.ts';
import type { Optimizer } from './optimizer.ts';

/** Optimizers by name; `register` adds one of yours. */
export const optimizerFamily = new Family<Optimizer>('optimizer', []);
