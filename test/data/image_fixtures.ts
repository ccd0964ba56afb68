/** @file The image files that Keras read (`test/fixtures/keras/images`, made by `tools/keras/images.py`), and what it got. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ColorMode } from '../../src/data/image_pixels.ts';
import { readSafetensors } from '../support/safetensors.ts';

/** The folder, with `/` at its end. */
export const imageFixtures = fileURLToPath(
  new URL('../../../test/fixtures/keras/images/', import.meta.url),
);

export interface ImageCases {
  /** Files of `single/` in each colour mode: by `tf.io.decode_image`, as data sets have it, or by Pillow. */
  decoded: readonly { file: string; mode: ColorMode; by: 'tensorflow' | 'pillow'; array: string }[];
  /** Calls of `image_dataset_from_directory` on `folder/`, without shuffling. */
  datasets: readonly {
    options: Readonly<Record<string, unknown>>;
    array: string | null;
    labels: unknown;
    class_names: readonly string[] | null;
    files: readonly string[];
  }[];
  /** Calls of `load_img`. */
  loaded: readonly { file: string; options: Readonly<Record<string, unknown>>; array: string }[];
  /** Which of 0.png … 22.png, in the folders a and b in turn, are in which part. */
  splits: readonly { seed: number; fraction: number; training: string[]; validation: string[] }[];
  /** Calls of `array_to_img`. */
  arrays: readonly { scale: boolean; x: string; image: string }[];
}

export const imageCases = JSON.parse(
  readFileSync(`${imageFixtures}expected.json`, 'utf8'),
) as ImageCases;

const arrays = readSafetensors(`${imageFixtures}expected.safetensors`);

/** The numbers of a case. */
export function expected(name: string) {
  const found = arrays.get(name);
  if (!found) throw new Error(`no array ${name}`);
  return found;
}

export const singleFiles: readonly string[] = readdirSync(`${imageFixtures}single`).sort();

export function fixture(path: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(imageFixtures + path));
}

/** `crop_to_aspect_ratio` → `cropToAspectRatio`, in all keys. */
export function camelCase(options: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(options).map(([key, value]) => [
      key.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()),
      value,
    ]),
  );
}

export interface Difference {
  largest: number;
  mean: number;
}

export function difference(a: ArrayLike<number>, b: ArrayLike<number>): Difference {
  if (a.length !== b.length) return { largest: Number.POSITIVE_INFINITY, mean: Number.NaN };
  let largest = 0;
  let sum = 0;
  for (let i = 0; i < a.length; i++) {
    const d = Math.abs(a[i]! - b[i]!);
    largest = Math.max(largest, d);
    sum += d;
  }
  return { largest, mean: sum / a.length };
}
