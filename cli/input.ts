/** @file What `predict` may be given: image files, data, or arrays without labels. */
import { stat } from 'node:fs/promises';
import { Dataset, type Model, type Tensor } from '../src/index.ts';
import { arrayOf, isArrayFile, pairOf } from './arrays.ts';
import { type Data, datasetOf, folderOf, isDataName } from './data.ts';
import { UsageError } from './failure.ts';
import { imagesOf } from './images.ts';

export interface PredictInput {
  x: Tensor | Data;
  /** The files, where each sample is one. */
  names?: readonly string[] | undefined;
  /** The right classes. */
  labels?: readonly number[] | undefined;
  classNames?: readonly string[] | undefined;
}

/**
 * Inputs for a model.
 *
 * @param take how many samples at most.
 * @throws UsageError for data among files; TsunoError for files that are not what they must be.
 */
export async function inputOf(
  words: readonly string[],
  model: Model,
  take = Number.POSITIVE_INFINITY,
): Promise<PredictInput> {
  const [first = ''] = words;
  if (words.length === 1) {
    if (/\.npy$/i.test(first) && !first.includes('.npy,')) {
      return { x: (await arrayOf(first)).slice(0, take) };
    }
    if (/\.(npz|safetensors)$/i.test(first)) {
      const { x, y } = await pairOf(first);
      return { x: x.slice(0, take), labels: labelsOf(y?.slice(0, take)) };
    }
    if (isDataName(first)) {
      const all = await datasetOf(first, 'test', model);
      const x = take < all.length ? all.take(take) : all;
      const labels = x instanceof Dataset ? labelsOf(x.labels) : undefined;
      return { x, classNames: all.classNames, labels };
    }
    if (await isFolder(first)) {
      const all = await folderOf(first, model, true);
      return {
        x: all.take(Math.min(take, all.length)),
        classNames: all.classNames,
        names: all.filePaths,
      };
    }
  } else {
    for (const word of words) {
      if (isDataName(word) || isArrayFile(word) || (await isFolder(word))) {
        throw new UsageError(`"${word}" is data: give it alone, or give image files alone`);
      }
    }
  }
  const names = words.slice(0, take);
  return { x: await imagesOf(names, model), names };
}

async function isFolder(word: string): Promise<boolean> {
  return (await stat(word).catch(() => undefined))?.isDirectory() === true;
}

/** Class numbers, where the labels are such. */
function labelsOf(labels: Tensor | undefined): number[] | undefined {
  return labels && labels.size === labels.length ? Array.from(labels.data) : undefined;
}
