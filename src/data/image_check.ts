/**
 * @file Every file of a folder of images is looked at before training: what cannot be read is found now, all of it, and
 * not after an hour; the same image in training and validation is found by its bytes.
 */
import { type ErrorDetails, TsunoError } from '../core/errors.ts';
import { showName } from './image_names.ts';
import { imagePool } from './image_pool.ts';
import { errorOf, type FileReport } from './image_tasks.ts';
import type { FoundFile } from './image_tree.ts';

/** A file that cannot be read, and why. */
export interface UnreadableFile {
  /** Its path, or in a page its path in the folder that was picked. */
  readonly name: string;
  readonly error: TsunoError;
}

/** Names in a message; all of them are in {@link UnreadableImages.files}. */
const mostShown = 20;

/**
 * What is thrown where files of a folder cannot be read as images, before anything is trained.
 *
 * @example
 * ```ts no-run
 * try {
 *   await imageDatasetFromDirectory('photos');
 * } catch (error) {
 *   if (!(error instanceof UnreadableImages)) throw error;
 *   for (const { name, error: reason } of error.files) console.log(name, reason.message);
 * }
 * ```
 */
export class UnreadableImages extends TsunoError {
  /** All of them, in the order of the listing. */
  readonly files: readonly UnreadableFile[];

  constructor(files: readonly UnreadableFile[], details: ErrorDetails) {
    super('IMAGE', details);
    this.files = files;
  }
}

/** The files with what was found out about each, in their order. */
export async function checkFiles(
  files: readonly FoundFile[],
  decode: boolean,
  signal: AbortSignal | undefined,
): Promise<FileReport[]> {
  const piece = 16;
  const reports = Array.from({ length: Math.ceil(files.length / piece) }, async (_, i) => {
    const part = files.slice(i * piece, (i + 1) * piece);
    const readable = part.filter(({ fault }) => !fault);
    const found = await imagePool.run(
      { kind: 'check', files: readable.map(({ name, source }) => ({ name, source })), decode },
      signal,
    );
    let next = 0;
    return part.map(({ fault }): FileReport => (fault ? { fault } : found[next++]!));
  });
  return (await Promise.all(reports)).flat();
}

/** The files of which the check says why they cannot be read. */
export function unreadableFiles(
  files: readonly FoundFile[],
  reports: readonly FileReport[],
): UnreadableFile[] {
  return files.flatMap(({ name }, i) => {
    const { fault } = reports[i]!;
    return fault ? [{ name, error: errorOf(fault) }] : [];
  });
}

/** Some of `count` files cannot be read: the error that lists them. */
export function refusal(
  unreadable: readonly UnreadableFile[],
  count: number,
  where: string,
): UnreadableImages {
  const all = unreadable.length === count;
  return new UnreadableImages(unreadable, {
    where,
    what: all ? `all ${count} files` : `${unreadable.length} of ${count} files`,
    expected: 'must be readable images',
    found: `\n${listOf(unreadable)}\n`,
    repair: all
      ? 'None of them is one.'
      : "Remove or replace them, or pass unreadable: 'skip' to leave them out.",
  });
}

/** One line each, the first twenty. */
export function listOf(unreadable: readonly UnreadableFile[]): string {
  const lines = unreadable.slice(0, mostShown).map(({ error }) => `  ${error.message}`);
  const more = unreadable.length - mostShown;
  return [...lines, ...(more > 0 ? [`  and ${more} more`] : [])].join('\n');
}

/**
 * What to warn of where files of the validation set are in the training set too, byte by byte.
 *
 * @param order numbers of the files, those for validation at the end.
 */
export function leakage(
  files: readonly FoundFile[],
  reports: readonly FileReport[],
  order: Uint32Array,
  validation: number,
): string | undefined {
  const training = new Map<string, FoundFile>();
  for (const i of order.subarray(0, order.length - validation)) {
    const { fingerprint } = reports[i]!;
    if (fingerprint !== undefined) training.set(fingerprint, files[i]!);
  }
  const twice = [...order.subarray(order.length - validation)].flatMap((i) => {
    const { fingerprint } = reports[i]!;
    const same = fingerprint === undefined ? undefined : training.get(fingerprint);
    return same ? [[files[i]!, same] as const] : [];
  });
  if (twice.length === 0) return undefined;
  const [file, same] = twice[0]!;
  return `${twice.length} of ${validation} images for validation are for training too, which makes results look better than they are; ${showName(file.path)} is the same as ${showName(same.path)}`;
}
