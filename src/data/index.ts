/** @file The public names of this folder. */
export { BatchedDataset } from './batched_dataset.ts';
export { Dataset, type DatasetParts } from './dataset.ts';
export * as datasets from './datasets.ts';
export { type IdxOptions, type IdxTensor, readIdx } from './idx.ts';
export { type StreamFiles, streamIdx } from './idx_stream.ts';
export { type UnreadableFile, UnreadableImages } from './image_check.ts';
export { ImageDataset, type ImageDirectory, imageDatasetFromDirectory } from './image_dataset.ts';
export type { ImageDatasetOptions } from './image_dataset_options.ts';
export {
  arrayToImage,
  encodeImage,
  imageToArray,
  type LoadImageOptions,
  loadImage,
  saveImage,
} from './load_image.ts';
export type { SampleBatch, SampleSource, SampleType } from './source.ts';
export { StreamingDataset } from './streaming_dataset.ts';
