/**
 * @file Rows of an array that lies in a file, by their numbers, without the rest of the file. Rows near each other are
 * read together, with what lies between them: a call costs about as much as tens of KiB more.
 */
import type { DType } from '../core/dtype.ts';
import { TsunoError } from '../core/errors.ts';
import { type Shape, showShape } from '../core/shape.ts';
import type { Tensor } from '../core/tensor.ts';
import type { OpenBytes, RandomBytes } from './random_bytes.ts';
import type { SampleSource } from './source.ts';

/** Bytes between two rows that are rather read than skipped. */
const widestGap = 2 ** 15;
/** Most bytes of one call, unless a row has more. */
const longestRead = 2 ** 20;
/** Calls at work at the same time. */
const readsAtOnce = 4;

/** Where rows lie in a file. */
export interface RowPlace {
  readonly bytes: RandomBytes;
  /** Of the first row. */
  readonly start: number;
  readonly rowBytes: number;
}

/** An array in a file, of rows that become tensors. */
export interface RowFile<D extends DType = DType> extends RowPlace {
  readonly length: number;
  readonly dtype: D;
  /** Of one row. */
  readonly shape: Shape;
  /** The elements in `bytes`, which are those of whole rows. */
  decode(bytes: Uint8Array, shape: Shape): Tensor<D>;
}

/** Rows that are read by one call: those that begin at byte `offset` … `offset + length` of the file. */
interface Span {
  offset: number;
  length: number;
  /** Places of the rows in what was asked for. */
  places: number[];
}

function spansOf({ start, rowBytes }: RowPlace, rows: Uint32Array): Span[] {
  const places = Array.from(rows, (_, i) => i).sort((a, b) => rows[a]! - rows[b]!);
  const spans: Span[] = [];
  for (const place of places) {
    const offset = start + rows[place]! * rowBytes;
    const last = spans.at(-1);
    const length = last ? offset + rowBytes - last.offset : 0;
    if (last && offset - (last.offset + last.length) <= widestGap && length <= longestRead) {
      last.length = length;
      last.places.push(place);
    } else spans.push({ offset, length: rowBytes, places: [place] });
  }
  return spans;
}

/** The bytes of rows, in the order asked for. @throws TsunoError `DATASET_CHANGED` where the file is not what it was. */
export async function readRows(
  place: RowPlace,
  rows: Uint32Array,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const { rowBytes, start } = place;
  const out = new Uint8Array(rows.length * rowBytes);
  const spans = spansOf(place, rows);
  const file = await place.bytes.open();
  let next = 0;
  const work = async () => {
    for (let span = spans[next++]; span; span = spans[next++]) {
      signal?.throwIfAborted();
      copyRows(await readSpan(file, place.bytes.name, span), span);
    }
  };
  const copyRows = (found: Uint8Array, { offset, places }: Span) => {
    for (const to of places) {
      const from = start + rows[to]! * rowBytes - offset;
      out.set(found.subarray(from, from + rowBytes), to * rowBytes);
    }
  };
  const all = await Promise.allSettled(Array.from({ length: readsAtOnce }, work));
  await file.close();
  const failed = all.find((one) => one.status === 'rejected');
  if (failed) throw failed.reason;
  return out;
}

async function readSpan(
  file: OpenBytes,
  name: string,
  { offset, length }: Span,
): Promise<Uint8Array> {
  try {
    return await file.read(offset, length);
  } catch (cause) {
    if (cause instanceof TsunoError) throw cause;
    throw new TsunoError('FILE', {
      where: `${name}, byte ${offset}`,
      what: `${length} bytes`,
      expected: 'readable',
      found: String(cause),
      cause,
    });
  }
}

/** Images and labels of two files. @throws TsunoError where they are not as many, or labels are none. */
export function rowFileSource<X extends DType, Y extends DType>(
  images: RowFile<X>,
  labels: RowFile<Y>,
  classNames: readonly string[] | undefined,
  where: string,
): SampleSource<X, Y> {
  if (images.length !== labels.length) {
    throw new TsunoError('DATA_MISMATCH', {
      where,
      what: `${images.bytes.name} and ${labels.bytes.name}`,
      expected: 'must hold as many images as labels',
      found: `${images.length} images and ${labels.length} labels`,
    });
  }
  if (labels.shape.length > 1) {
    throw new TsunoError('SHAPE', {
      where,
      what: 'labels',
      expected: 'class numbers of shape [n] or one-hot rows of shape [n, classes]',
      found: showShape([labels.length, ...labels.shape]),
    });
  }
  const read = async <D extends DType>(file: RowFile<D>, rows: Uint32Array, signal?: AbortSignal) =>
    file.decode(await readRows(file, rows, signal), [rows.length, ...file.shape]);
  return {
    length: images.length,
    image: images,
    label: labels,
    classNames,
    async read(rows, signal) {
      const [x, y] = await Promise.all([read(images, rows, signal), read(labels, rows, signal)]);
      return { images: x, labels: y };
    },
  };
}

/**
 * The shape of a sample as the user wants it.
 *
 * @param wanted default: as it lies in the file.
 * @throws TsunoError `SHAPE` where that has another number of elements.
 */
export function sampleShapeOf(found: Shape, wanted: Shape | undefined, where: string): Shape {
  if (!wanted) return found;
  const size = (shape: Shape) => shape.reduce((product, extent) => product * extent, 1);
  if (size(found) === size(wanted)) return wanted;
  throw new TsunoError('SHAPE', {
    where,
    what: 'shape',
    expected: `must have as many elements as ${showShape(found)}, which is in the file`,
    found: showShape(wanted),
  });
}
