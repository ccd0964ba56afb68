/** @file Image files as what a model takes: the size of its input, grey or in colours as it has channels. */
import { resolve } from 'node:path';
import { loadImage, type Model, type Tensor, TsunoError, tensor } from '../src/index.ts';

/** Where a model takes images of different sizes. */
const usualSize = 256;

/** How images are read for a model. */
export interface ImageForm {
  imageSize: readonly [height: number, width: number];
  colorMode: 'grayscale' | 'rgb' | 'rgba';
}

const colorModes: Readonly<Record<number, ImageForm['colorMode']>> = {
  1: 'grayscale',
  3: 'rgb',
  4: 'rgba',
};

/** @throws TsunoError `SHAPE` for a model that does not take images. */
export function imageFormOf(model: Model): ImageForm {
  const [spec, ...more] = model.inputSpecs ?? [];
  const [, height = 0, width = 0, channels = 0] = spec?.shape ?? [];
  const colorMode = colorModes[channels ?? 3];
  if (more.length === 0 && spec?.shape.length === 4 && colorMode) {
    return { imageSize: [height ?? usualSize, width ?? usualSize], colorMode };
  }
  throw new TsunoError('SHAPE', {
    where: model.name,
    what: 'the input',
    expected: 'images, [n, height, width, channels] with 1, 3 or 4 channels',
    found: spec ? `[${spec.shape.map((extent) => extent ?? 'n').join(', ')}]` : 'unknown',
    repair: 'Give arrays: an .npy, .npz or .safetensors file.',
  });
}

/** The images of files, resized: `uint8` `[n, height, width, channels]`. */
export async function imagesOf(paths: readonly string[], model: Model): Promise<Tensor> {
  const { imageSize, colorMode } = imageFormOf(model);
  const options = { targetSize: imageSize, colorMode, interpolation: 'bilinear' } as const;
  const images: Tensor<'uint8'>[] = [];
  for (const path of paths) images.push(await loadImage(local(path), options));
  const size = images[0]!.size;
  const all = new Uint8Array(images.length * size);
  for (const [i, image] of images.entries()) all.set(image.data, i * size);
  return tensor(all, [images.length, ...images[0]!.shape]);
}

/** The path, so that no part of it is taken for an address. */
function local(path: string): string {
  return /^[a-z]+:/i.test(path) ? resolve(path) : path;
}
