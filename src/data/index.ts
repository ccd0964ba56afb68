/** @file The public names of this folder. */
export { BatchedDataset } from './batched_dataset.ts';
export { Dataset, type DatasetParts } from './dataset.ts';
export * as datasets from './datasets.ts';
export { type IdxOptions, type IdxTensor, readIdx } from './idx.ts';
export { type StreamFiles, streamIdx } from './idx_stream.ts';
export type { SampleBatch, SampleSource, SampleType } from './source.ts';
export { StreamingDataset } from './streaming_dataset.ts';
