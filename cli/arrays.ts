/** @file Arrays out of files: `.npy`, `.npz` and `.safetensors`. */
import { readFile, stat } from 'node:fs/promises';
import { readNpy, readNpz, readSafetensors, type Tensor, TsunoError } from '../src/index.ts';

/** Endings of files with several arrays by name. */
const named = {
  '.npz': readNpz,
  '.safetensors': async (bytes: Uint8Array, where: string) => readSafetensors(bytes, where),
} as const;

/** Whether the name is that of a file of arrays. */
export function isArrayFile(path: string): boolean {
  return /\.(npy|npz|safetensors)$/i.test(path);
}

/** The array of an `.npy` file. */
export async function arrayOf(path: string): Promise<Tensor> {
  return readNpy(await bytesOf(path), path);
}

/**
 * The arrays `x` and `y` of a file.
 *
 * @throws TsunoError `FILE` where there is no `x`, and whatever is wrong with the file.
 */
export async function pairOf(path: string): Promise<{ x: Tensor; y: Tensor | undefined }> {
  const ending = path.toLowerCase().endsWith('.npz') ? '.npz' : '.safetensors';
  const arrays = await named[ending](await bytesOf(path), path);
  const x = arrays.get('x');
  if (x) return { x, y: arrays.get('y') };
  throw missing(path, 'x', [...arrays.keys()]);
}

/** What is said of an array that a file does not have. */
export function missing(path: string, name: string, found: readonly string[]): TsunoError {
  return new TsunoError('FILE', {
    where: path,
    what: `the array "${name}"`,
    expected: 'there',
    found: found.length === 0 ? 'no arrays' : `only ${found.slice(0, 6).join(', ')}`,
  });
}

/** The bytes of a file. @throws TsunoError `FILE` where there is none, or it cannot be read. */
async function bytesOf(path: string): Promise<Uint8Array> {
  const refuse = (expected: string, found: string, cause?: unknown) =>
    new TsunoError('FILE', { where: path, what: 'the file', expected, found, cause });
  try {
    const there = await stat(path);
    if (!there.isFile())
      throw refuse('a file', there.isDirectory() ? 'a folder' : 'a device or pipe');
    return await readFile(path);
  } catch (error) {
    if (error instanceof TsunoError) throw error;
    const { code = String(error) } = error as NodeJS.ErrnoException;
    throw refuse('readable', code === 'ENOENT' ? 'nothing of that name' : code, error);
  }
}
