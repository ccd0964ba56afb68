/** @file Saving: what of it is public, beside the doors of the model. */
export type { FileInfo, FileSystem, OpenFile } from './file_system.ts';
export { type WriteOptions, writeWhole } from './files.ts';
export type { LoadOptions } from './keras_file.ts';
export type { CustomObject } from './model_config.ts';
export type { LoadFileOptions, SaveOptions } from './model_files.ts';
export { readNpy, readNpz, writeNpy, writeNpz } from './npy.ts';
export { streamNpy } from './npy_stream.ts';
export { toOnnx } from './onnx.ts';
export type { OnnxOptions } from './onnx_import.ts';
export { readSafetensors, writeSafetensors } from './safetensors.ts';
