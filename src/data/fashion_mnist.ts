/**
 * @file Fashion-MNIST: 70,000 pictures of clothes in the layout of MNIST (Xiao, Rasul and Vollgraf 2017). The files
 * are not shipped with tsuno; they are read from a folder or server of the user's.
 */
import { TsunoError } from '../core/errors.ts';
import { openFolder } from './files.ts';
import { type ByteDataset, loadMnistFiles, mnistFileNames, type Part } from './mnist_files.ts';

export interface FashionMnistOptions<P extends Part = Part> {
  /**
   * A folder or URL with the four files `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-images-idx3-ubyte`
   * and `t10k-labels-idx1-ubyte`, plain or with `.gz`.
   */
  from: string | URL;
  /** Load one part, which saves the time and memory of the other. Default both. */
  only?: P;
}

const classNames = [
  'T-shirt/top',
  'Trouser',
  'Pullover',
  'Dress',
  'Coat',
  'Sandal',
  'Shirt',
  'Sneaker',
  'Bag',
  'Ankle boot',
] as const;

/**
 * Loads Fashion-MNIST: images `uint8` `[n, 28, 28, 1]` with labels `uint8` `[n]`.
 *
 * @throws TsunoError `ARGUMENT` without `from`, `FILE` where a file is missing or unreadable, `IDX_…` and
 * `DATA_MISMATCH` for damaged files.
 *
 * @example
 * ```ts no-run
 * const { train, test } = await datasets.fashionMnist.load({ from: 'data/fashion-mnist' });
 * train.classNames; // ['T-shirt/top', 'Trouser', …]
 * ```
 * @see https://keras.io/api/datasets/fashion_mnist/
 */
export async function load<P extends Part = Part>(
  options: FashionMnistOptions<P>,
): Promise<Record<P, ByteDataset>> {
  const { from, only }: Partial<FashionMnistOptions<P>> = options ?? {};
  const name = 'fashion_mnist';
  if (from === undefined) {
    throw new TsunoError('ARGUMENT', {
      where: name,
      what: 'from',
      expected: `a folder or URL with the files ${mnistFileNames.join(', ')}`,
      found: 'undefined',
      repair:
        'Download the four .gz files listed at https://github.com/zalandoresearch/fashion-mnist (30 MB) into a folder; they need not be unpacked.',
    });
  }
  return loadMnistFiles({ name, classNames, sums: undefined }, await openFolder(from, name), only);
}
