/**
 * @file The work on image files that is done away from the main thread: read, check, decode, resize. A task goes in and a
 * result comes out, both of plain data, so that a thread can do it as well as the caller.
 */
import { type ErrorCode, type ErrorDetails, showFailure, TsunoError } from '../core/errors.ts';
import { decodeImage, inspectImage } from './image_decode.ts';
import { showName } from './image_names.ts';
import { type PillowFilter, pillowCrop, pillowResize } from './image_pillow.ts';
import { type ColorMode, channelsOf, inColorMode, type Pixels } from './image_pixels.ts';
import { cropBox, type Elements, type ImageInterpolation, padBox, resize } from './image_resize.ts';

/** One file: its name for messages, and where its bytes are. */
export interface ImageFile {
  readonly name: string;
  /** A path in Node, a `File` or `Blob`, or the bytes. */
  readonly source: string | Blob | Uint8Array<ArrayBuffer>;
}

/** How files become samples. */
export interface SampleSpec {
  readonly size: readonly [height: number, width: number];
  readonly colorMode: ColorMode;
  readonly interpolation: ImageInterpolation;
  /** What is done where proportions differ. */
  readonly aspect: 'distort' | 'crop' | 'pad';
  readonly dtype: 'float32' | 'uint8';
}

/** How one file becomes an image, as `load_img` does it. */
export interface LoadSpec {
  readonly colorMode: ColorMode;
  readonly targetSize: readonly [height: number, width: number] | undefined;
  readonly interpolation: PillowFilter;
  readonly keepAspectRatio: boolean;
}

export type Task =
  | { kind: 'check'; files: readonly ImageFile[]; decode: boolean }
  | { kind: 'sample'; files: readonly ImageFile[]; spec: SampleSpec }
  | { kind: 'load'; file: ImageFile; spec: LoadSpec };

/** What was found out about one file. */
export interface FileReport {
  /** The same for files with the same bytes; absent where nothing was read. */
  readonly fingerprint?: string;
  readonly fault?: Fault;
}

/** The results, by the kind of task. */
export interface Results {
  check: FileReport[];
  /** `[files, height, width, channels]`. */
  sample: Elements;
  load: Pixels;
}

/** A refusal as plain data. */
export interface Fault {
  readonly code: ErrorCode;
  readonly details: ErrorDetails;
}

export function faultOf(error: unknown): Fault {
  if (!(error instanceof TsunoError)) throw error;
  const { code, where, what, expected, found, repair } = error;
  return {
    code,
    details: { where, what, expected, found, ...(repair !== undefined && { repair }) },
  };
}

export function errorOf({ code, details }: Fault): TsunoError {
  return new TsunoError(code, details);
}

/** Does a task. */
export async function perform<T extends Task>(task: T): Promise<Results[T['kind']]>;
export async function perform(task: Task): Promise<Results[Task['kind']]> {
  if (task.kind === 'check') return check(task.files, task.decode);
  if (task.kind === 'sample') return sample(task.files, task.spec);
  return load(task.file, task.spec);
}

async function check(files: readonly ImageFile[], decode: boolean): Promise<FileReport[]> {
  const reports: FileReport[] = [];
  for (const file of files) {
    try {
      const bytes = await bytesOf(file);
      if (decode) await decodeImage(bytes, file.name);
      else inspectImage(bytes, file.name);
      reports.push({ fingerprint: fingerprint(bytes) });
    } catch (error) {
      reports.push({ fault: faultOf(error) });
    }
  }
  return reports;
}

async function sample(files: readonly ImageFile[], spec: SampleSpec): Promise<Results['sample']> {
  const [height, width] = spec.size;
  const size = height * width * channelsOf(spec.colorMode);
  const Elements = spec.dtype === 'float32' ? Float32Array : Uint8Array;
  const out = new Elements(files.length * size);
  for (const [i, file] of files.entries()) {
    const { type, ...decoded } = await decodeImage(await bytesOf(file), file.name);
    const pixels = inColorMode(decoded, spec.colorMode, type === 'png' ? 'libpng' : 'pillow');
    resizeAs(spec, pixels, out.subarray(i * size, (i + 1) * size));
  }
  return out;
}

/** Writes an image at the size of `spec`. */
function resizeAs(
  { size, interpolation, aspect }: SampleSpec,
  pixels: Pixels,
  out: Elements,
): void {
  if (aspect === 'distort') resize(pixels, size, interpolation, out);
  else if (aspect === 'crop') resize(pixels, size, interpolation, out, cropBox(pixels, size));
  else {
    const { x, y, width, height } = padBox(pixels, size);
    const row = width * pixels.channels;
    const fitted = out.slice(0, height * row);
    resize(pixels, [height, width], interpolation, fitted);
    for (let i = 0; i < height; i++) {
      const to = ((y + i) * size[1] + x) * pixels.channels;
      out.set(fitted.subarray(i * row, (i + 1) * row), to);
    }
  }
}

async function load(file: ImageFile, spec: LoadSpec): Promise<Pixels> {
  const { type: _, ...decoded } = await decodeImage(await bytesOf(file), file.name);
  const pixels = inColorMode(decoded, spec.colorMode);
  const { targetSize, interpolation, keepAspectRatio } = spec;
  if (!targetSize || (pixels.height === targetSize[0] && pixels.width === targetSize[1]))
    return pixels;
  const box = keepAspectRatio ? pillowCrop(pixels, targetSize) : undefined;
  return pillowResize(pixels, targetSize, interpolation, box);
}

/** Larger files are refused before they are read. */
const largestFile = 2 ** 30;

/**
 * The whole file.
 *
 * @throws TsunoError `FILE` with the system's code where it cannot be read or is no file, `IMAGE_LIMIT` beyond 1 GiB.
 */
async function bytesOf({ name, source }: ImageFile): Promise<Uint8Array<ArrayBuffer>> {
  if (source instanceof Uint8Array) return source;
  const size = typeof source === 'string' ? await fileSize(name, source) : source.size;
  if (size > largestFile) {
    throw new TsunoError('IMAGE_LIMIT', {
      where: showName(name),
      what: 'file',
      expected: 'at most 1 GiB',
      found: `${size} bytes`,
    });
  }
  try {
    if (typeof source !== 'string') return new Uint8Array(await source.arrayBuffer());
    const { readFile } = await import('node:fs/promises');
    const { buffer, byteOffset, byteLength } = await readFile(source);
    return new Uint8Array(buffer, byteOffset, byteLength);
  } catch (error) {
    throw unreadable(name, error);
  }
}

/** Asked first: reading a pipe would wait for somebody who writes. */
async function fileSize(name: string, path: string): Promise<number> {
  const { stat } = await import('node:fs/promises');
  const info = await stat(path).catch((error: unknown) => {
    throw unreadable(name, error);
  });
  if (info.isFile()) return info.size;
  const found = info.isFIFO() ? 'a pipe' : info.isDirectory() ? 'a folder' : 'something else';
  throw new TsunoError('FILE', { where: showName(name), what: 'image', expected: 'a file', found });
}

function unreadable(name: string, cause: unknown): TsunoError {
  return new TsunoError('FILE', {
    where: showName(name),
    what: 'image',
    expected: 'readable',
    found: showFailure(cause),
    cause,
  });
}

/** Two hashes of 32 bits and the length: enough to find the same file twice, none against an adversary. */
function fingerprint(bytes: Uint8Array): string {
  let a = 0x811c9dc5;
  let b = 0x9e3779b9;
  for (let i = 0; i < bytes.length; i++) {
    a = Math.imul(a ^ bytes[i]!, 0x01000193);
    b = Math.imul(b ^ bytes[i]!, 0x85ebca6b);
    b ^= b >>> 13;
  }
  return `${bytes.length}:${a >>> 0}:${b >>> 0}`;
}
