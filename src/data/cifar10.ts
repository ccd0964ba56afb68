/**
 * @file CIFAR-10: 60,000 colour pictures of 32 × 32 in ten classes (Krizhevsky 2009). The files are not shipped with
 * tsuno; they are read from a folder or server of the user's.
 */
import { type CifarLayout, loadCifar } from './cifar.ts';
import type { ByteDataset, Part } from './mnist_files.ts';

export interface Cifar10Options<P extends Part = Part> {
  /**
   * A folder or URL with the files of the "binary version", `data_batch_1.bin` to `data_batch_5.bin` and
   * `test_batch.bin`: `cifar-10-batches-bin` in the archive.
   */
  from: string | URL;
  /** Load one part, which saves the time and memory of the other. Default both. */
  only?: P;
  /** Check sizes, and that each class has as many images as in the originals; `false` for files of your own. Default `true`. */
  verify?: boolean;
}

const classNames = [
  'airplane',
  'automobile',
  'bird',
  'cat',
  'deer',
  'dog',
  'frog',
  'horse',
  'ship',
  'truck',
] as const;

const layout: CifarLayout = {
  name: 'cifar10',
  files: {
    train: [1, 2, 3, 4, 5].map((number) => `data_batch_${number}.bin`),
    test: ['test_batch.bin'],
  },
  labels: 1,
  label: 0,
  classes: classNames.length,
  archive: 'cifar-10-binary',
};

/**
 * Loads CIFAR-10: 50,000 training and 10,000 test images, `uint8` `[n, 32, 32, 3]`, with labels `uint8` `[n]`.
 *
 * @throws TsunoError `ARGUMENT` without `from`, which says where the files are to be had; `FILE` where one is missing or
 * of another size; `LABEL_RANGE` and `CHECKSUM` where labels are not the originals'.
 *
 * @example
 * ```ts no-run
 * const { train, test } = await datasets.cifar10.load({ from: 'data/cifar-10-batches-bin' });
 * train.classNames; // ['airplane', 'automobile', …]
 * ```
 * @see https://keras.io/api/datasets/cifar10/
 */
export async function load<P extends Part = Part>(
  options: Cifar10Options<P>,
): Promise<Record<P, ByteDataset>> {
  const { from, only, verify = true }: Partial<Cifar10Options<P>> = options ?? {};
  return loadCifar(layout, from, only, verify, async () => classNames);
}
