/**
 * @file Files that verbs write. Paths are looked at before the work begins; the bytes come whole or not at all. A file of
 * another kind is replaced only with `--force`.
 */
import { open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { TsunoError, writeWhole } from '../src/index.ts';
import { UsageError } from './failure.ts';
import { flag } from './options.ts';

/** How files of each kind begin, by their endings. */
const kinds = {
  '.keras': (head: Uint8Array) => head[0] === 0x50 && head[1] === 0x4b,
  '.onnx': (head: Uint8Array) => head[0] === 0x08,
  '.safetensors': (head: Uint8Array) => head[8] === 0x7b,
  '.weights.h5': (head: Uint8Array) => head[0] === 0x89 && head[1] === 0x48,
  '.npz': (head: Uint8Array) => head[0] === 0x50 && head[1] === 0x4b,
  '.npy': (head: Uint8Array) => head[0] === 0x93 && head[1] === 0x4e,
  '.png': (head: Uint8Array) => head[0] === 0x89 && head[1] === 0x50,
  '.svg': (head: Uint8Array) => head[0] === 0x3c,
} as const;

export type Ending = keyof typeof kinds;

/** The option that all verbs with an output file have. */
export const force = flag('replace a file of another kind, too');

/** A path to write to. */
export interface Output<E extends Ending = Ending> {
  path: string;
  ending: E;
  force: boolean;
}

/**
 * A path to write to, if a file can be there.
 *
 * @throws UsageError for an ending that is not `allowed`; TsunoError `FILE` where the folder is missing, or there is a
 * folder or a file of another kind.
 */
export async function outputTo<E extends Ending>(
  path: string,
  allowed: readonly E[],
  force: boolean,
): Promise<Output<E>> {
  const ending = allowed.find((one) => path.toLowerCase().endsWith(one));
  if (ending === undefined) {
    throw new UsageError(`"${path}" must end in ${allowed.join(', ')}`);
  }
  const folder = await stat(dirname(path)).catch(() => undefined);
  if (!folder?.isDirectory()) {
    throw refusal(path, 'the folder', 'there', 'no folder of that name', 'Make the folder first.');
  }
  const there = await stat(path).catch(() => undefined);
  if (there && !there.isFile()) {
    const found = there.isDirectory() ? 'a folder' : 'a device or pipe';
    throw refusal(path, 'what is there', 'a file, or nothing', found, 'Choose another path.');
  }
  if (there && there.size > 0 && !force && !(await isOfKind(path, ending))) {
    const repair = 'Choose another path, or replace it with --force.';
    throw refusal(path, 'what is there', `a file like ${ending}`, 'a file of another kind', repair);
  }
  return { path, ending, force };
}

/** Writes `bytes`, whole or not at all. @returns what verbs tell of it. */
export async function write(
  { path, ending, force }: Output,
  bytes: Uint8Array | string,
): Promise<{ path: string; bytes: number }> {
  const content = typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes;
  await writeWhole(path, content, { isKind: kinds[ending], anyKind: force });
  return { path, bytes: content.length };
}

async function isOfKind(path: string, ending: Ending): Promise<boolean> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(new Uint8Array(16), 0, 16, 0);
    return kinds[ending](buffer.subarray(0, bytesRead));
  } finally {
    await file.close();
  }
}

function refusal(
  where: string,
  what: string,
  expected: string,
  found: string,
  repair: string,
): TsunoError {
  return new TsunoError('FILE', { where, what, expected, found, repair });
}
