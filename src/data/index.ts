/** @file The public names of this folder. */
export { Dataset, type DatasetParts } from './dataset.ts';
export * as datasets from './datasets.ts';
export { type IdxOptions, type IdxTensor, readIdx } from './idx.ts';
