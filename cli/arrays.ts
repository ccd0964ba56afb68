/** @file Arrays out of files: `.npy`, `.npz` and `.safetensors`. */
import { readFile, stat } from 'node:fs/promises';
import { readNpy, readNpz, readSafetensors, type Tensor, TsunoError } from '../src/index.ts';

/** Whether the name is that of a file of one array. */
export function isArrayFile(path: string): boolean {
  return /\.npy$/i.test(path);
}

/** Whether the name is that of a file of arrays by name. */
export function isArraysFile(path: string): boolean {
  return /\.(npz|safetensors)$/i.test(path);
}

/** The array of an `.npy` file. */
export async function arrayOf(path: string): Promise<Tensor> {
  return readNpy(await bytesOf(path), path);
}

/** The arrays of an `.npz` or `.safetensors` file. */
export async function arraysOf(path: string): Promise<ReadonlyMap<string, Tensor>> {
  const bytes = await bytesOf(path);
  return /\.npz$/i.test(path) ? readNpz(bytes, path) : readSafetensors(bytes, path);
}

/**
 * The arrays of these names.
 *
 * @param path of the file, for messages.
 * @throws TsunoError `FILE` that names those which are not there.
 */
export function pick(
  arrays: ReadonlyMap<string, Tensor>,
  names: readonly string[],
  path: string,
): Tensor[] {
  const missing = names.filter((name) => !arrays.has(name));
  if (missing.length === 0) return names.map((name) => arrays.get(name)!);
  const found = [...arrays.keys()].slice(0, 6).join(', ');
  throw new TsunoError('FILE', {
    where: path,
    what: `${missing.length === 1 ? 'the array' : 'the arrays'} ${missing.map((name) => `"${name}"`).join(', ')}`,
    expected: 'there',
    found: found === '' ? 'no arrays' : `only ${found}`,
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
