/**
 * @file CIFAR-100: 60,000 colour pictures of 32 × 32 in 100 classes, or their 20 groups (Krizhevsky 2009). The files are
 * not shipped with tsuno; they are read from a folder or server of the user's.
 */
import { show, TsunoError } from '../core/errors.ts';
import { type CifarLayout, cifarFile, loadCifar } from './cifar.ts';
import type { ByteDataset, Part } from './mnist_files.ts';

export interface Cifar100Options<P extends Part = Part> {
  /**
   * A folder or URL with the files of the "binary version", `train.bin`, `test.bin`, `fine_label_names.txt` and
   * `coarse_label_names.txt`: `cifar-100-binary` in the archive.
   */
  from: string | URL;
  /** `'fine'` (default): 100 classes. `'coarse'`: the 20 groups. */
  labelMode?: 'fine' | 'coarse';
  /** Load one part, which saves the time and memory of the other. Default both. */
  only?: P;
  /** Check sizes, and that each class has as many images as in the originals; `false` for files of your own. Default `true`. */
  verify?: boolean;
}

const classes = { fine: 100, coarse: 20 } as const;

/**
 * Loads CIFAR-100: 50,000 training and 10,000 test images, `uint8` `[n, 32, 32, 3]`, with labels `uint8` `[n]`.
 *
 * @throws TsunoError `ARGUMENT` without `from`, which says where the files are to be had; `FILE` where one is missing or
 * of another size; `LABEL_RANGE` and `CHECKSUM` where labels are not the originals'.
 *
 * @example
 * ```ts no-run
 * const { train } = await datasets.cifar100.load({ from: 'data/cifar-100-binary', labelMode: 'coarse' });
 * train.classNames; // ['aquatic_mammals', 'fish', …]
 * ```
 * @see https://keras.io/api/datasets/cifar100/
 */
export async function load<P extends Part = Part>(
  options: Cifar100Options<P>,
): Promise<Record<P, ByteDataset>> {
  const given: Partial<Cifar100Options<P>> = options ?? {};
  const { from, only, verify = true, labelMode = 'fine' } = given;
  if (!Object.hasOwn(classes, labelMode)) {
    throw new TsunoError('ARGUMENT', {
      where: 'cifar100',
      what: 'labelMode',
      expected: "'fine' or 'coarse'",
      found: show(labelMode),
    });
  }
  const layout: CifarLayout = {
    name: 'cifar100',
    files: { train: ['train.bin'], test: ['test.bin'] },
    labels: 2,
    label: labelMode === 'fine' ? 1 : 0,
    classes: classes[labelMode],
    archive: 'cifar-100-binary',
  };
  return loadCifar(layout, from, only, verify, async (folder) => {
    const file = `${labelMode}_label_names.txt`;
    const text = new TextDecoder().decode(await cifarFile(layout, folder, file));
    const names = text.split(/\r?\n/).filter((line) => line !== '');
    if (names.length === layout.classes) return names;
    throw new TsunoError('FILE', {
      where: file,
      what: 'file',
      expected: `must have ${layout.classes} lines`,
      found: String(names.length),
    });
  });
}
