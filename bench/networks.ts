/** @file The networks of `network_list.ts`, made with the modules of src/, so that what is inside can be measured too. */
import * as library from '../src/index.ts';
import * as list from './network_list.ts';

export type { BenchNetwork } from './network_list.ts';
export { wholeJob } from './network_list.ts';

export const networks = list.networksOf(library);

/** Random images and labels of ten classes. */
export function syntheticData(network: Pick<list.BenchNetwork, 'image' | 'dtype'>, count: number) {
  return list.syntheticData(library, network, count);
}
