/** @file What `predict` may be given: image files, data, or arrays without labels. */
import type { Dataset, Model, StreamingDataset, Tensor } from '../src/index.ts';
import { arrayOf, arraysOf, isArrayFile, isArraysFile, pick } from './arrays.ts';
import { folderOf, isFolder, isPair, isSetName, namedSet, pairOf } from './data.ts';
import { UsageError } from './failure.ts';
import { imagesOf } from './images.ts';
import { portsOf, refuseSeveral } from './ports.ts';

export interface PredictInput {
  x: Dataset | StreamingDataset | readonly Tensor[];
  /** The files, where each sample is one. */
  names?: readonly string[] | undefined;
  /** What is right, for each output that the data tell it of. */
  labels?: readonly (Tensor | undefined)[] | undefined;
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
  const { inputs, outputs } = portsOf(model);
  if (words.length > 1) await refuseData(words);
  else if (isArraysFile(first)) {
    const arrays = await arraysOf(first);
    const labels = outputs.map((name) => arrays.get(name)?.slice(0, take));
    return { x: pick(arrays, inputs, first).map((array) => array.slice(0, take)), labels };
  }
  refuseSeveral(first, { inputs });
  const ofOne = (labels: Tensor) => (outputs.length === 1 ? [labels] : undefined);
  if (words.length === 1) {
    if (isPair(first)) {
      const [x, y] = await pairOf(first);
      return { x: [x.slice(0, take)], labels: ofOne(y.slice(0, take)) };
    }
    if (isArrayFile(first)) return { x: [(await arrayOf(first)).slice(0, take)] };
    if (isSetName(first)) {
      const all = await namedSet(first, 'test');
      const x = take < all.length ? all.take(take) : all;
      return { x, classNames: all.classNames, labels: ofOne(x.labels) };
    }
    if (await isFolder(first)) {
      const all = await folderOf(first, model, true);
      const x = all.take(Math.min(take, all.length));
      return { x, classNames: all.classNames, names: all.filePaths };
    }
  }
  const names = words.slice(0, take);
  return { x: [await imagesOf(names, model)], names };
}

/** @throws UsageError for the first word that is no image file. */
async function refuseData(words: readonly string[]): Promise<void> {
  for (const word of words) {
    const isData = isSetName(word) || isArrayFile(word) || isArraysFile(word);
    if (isData || (await isFolder(word)))
      throw new UsageError(`"${word}" is data: give it alone, or give image files alone`);
  }
}
