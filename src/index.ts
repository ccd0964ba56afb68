/** @file The public names and nothing else. */

export * as applications from './applications/index.ts';
export type { History } from './callbacks/history.ts';
export * as callbacks from './callbacks/index.ts';
export * from './comparison/index.ts';
export type { DType } from './core/dtype.ts';
export { type ErrorCode, TsunoError } from './core/errors.ts';
export { clearNames as clearSession } from './core/names.ts';
export { setRandomSeed } from './core/seed.ts';
export type { PartialShape, Shape } from './core/shape.ts';
export { Tensor, tensor } from './core/tensor.ts';
export {
  arrayToImage,
  BatchedDataset,
  Dataset,
  datasets,
  encodeImage,
  ImageDataset,
  type ImageDatasetOptions,
  imageDatasetFromDirectory,
  imageToArray,
  type LoadImageOptions,
  loadImage,
  readIdx,
  type SampleBatch,
  type SampleSource,
  type StreamFiles,
  StreamingDataset,
  saveImage,
  streamIdx,
  UnreadableImages,
} from './data/index.ts';
export { toCategorical } from './data/to_categorical.ts';
export { gradients } from './grad/gradients.ts';
export type { Value } from './ir/graph.ts';
export * as activations from './layers/activations.ts';
export * as constraints from './layers/constraints.ts';
export * as layers from './layers/index.ts';
export * as initializers from './layers/initializers.ts';
export { type CallContext, type InputShape, Layer } from './layers/layer.ts';
export { registerLayer } from './layers/registry.ts';
export * as regularizers from './layers/regularizers.ts';
export { SymbolicTensor } from './layers/symbolic.ts';
export { Variable } from './layers/variable.ts';
export { type CloneOptions, cloneModel } from './model/clone.ts';
export {
  type GradientStepResult,
  type InputGradientStepResult,
  type StepFunction,
  type StepResult,
  trainStep,
  valueAndGrad,
} from './model/custom_training.ts';
export { type InspectOptions, type InspectStage, inspect, inspectStages } from './model/inspect.ts';
export {
  deserializeModel,
  type LoadModelOptions,
  loadModel,
  loadOnnx,
  saveModel,
  serializeModel,
} from './model/loading.ts';
export { Model, Sequential } from './model/model.ts';
export * as ops from './ops/index.ts';
export * as plots from './plots/index.ts';
export * from './saving/index.ts';
export { Input } from './topology/input.ts';
export * as losses from './train/losses/index.ts';
export * as metrics from './train/metrics/index.ts';
export * as optimizers from './train/optimizers/index.ts';
export * as schedules from './train/schedules/index.ts';
export { Gradients } from './train/weight_gradients.ts';
