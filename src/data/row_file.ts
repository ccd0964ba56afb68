/**
 * @file Rows of an array that lies in a file, by their numbers, without the rest of the file. Rows near each other are
 * read together, with what lies between them, where that costs less than another call.
 */
import type { DType } from '../core/dtype.ts';
import { TsunoError } from '../core/errors.ts';
import { type Shape, showShape } from '../core/shape.ts';
import type { Tensor } from '../core/tensor.ts';
import type { RandomBytes } from './open_bytes.ts';
import type { SampleSource } from './source.ts';

/** Most bytes of one call, unless a row has more. */
const longestRead = 2 ** 20;
/** Calls at work at the same time. */
const readsAtOnce = 16;
/** Milliseconds that reads may go on, one behind the other, before others get a turn. */
const longestTurn = 5;

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

/** Rows that are read by one call: those in bytes `offset` … `offset + length` of the file. */
interface Span {
  offset: number;
  length: number;
  /** Its rows are those from `first` up to, not including, `end` of all rows as they lie in the file. */
  first: number;
  end: number;
}

/** Places of the rows in what was asked for, as they lie in the file. */
function placesInFile(rows: Uint32Array): Float64Array {
  const count = rows.length;
  const places = new Float64Array(count);
  for (let place = 0; place < count; place++) places[place] = rows[place]! * count + place;
  places.sort();
  for (let i = 0; i < count; i++) places[i]! %= count;
  return places;
}

function spansOf({ start, rowBytes, bytes }: RowPlace, rows: Uint32Array, places: Float64Array) {
  const spans: Span[] = [];
  let last: Span | undefined;
  for (const [i, place] of places.entries()) {
    const offset = start + rows[place]! * rowBytes;
    const length = last ? offset + rowBytes - last.offset : 0;
    if (last && offset - (last.offset + last.length) <= bytes.callCost && length <= longestRead) {
      last.length = length;
      last.end = i + 1;
    } else {
      last = { offset, length: rowBytes, first: i, end: i + 1 };
      spans.push(last);
    }
  }
  return spans;
}

/** Whether those from `first` up to `end` follow each other. */
function isRun(places: Float64Array, first: number, end: number): boolean {
  for (let i = first + 1; i < end; i++) if (places[i] !== places[i - 1]! + 1) return false;
  return true;
}

/** The bytes of rows, in the order asked for. @throws TsunoError `DATASET_CHANGED` where the file is not what it was. */
export async function readRows(
  place: RowPlace,
  rows: Uint32Array,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const { rowBytes, start } = place;
  const out = new Uint8Array(rows.length * rowBytes);
  const places = placesInFile(rows);
  const spans = spansOf(place, rows, places);
  const file = await place.bytes.open();
  let next = 0;
  let turn = performance.now();
  const work = async () => {
    let between = new Uint8Array(0);
    for (let span = spans[next++]; span; span = spans[next++]) {
      signal?.throwIfAborted();
      const { offset, length, first, end } = span;
      // What lies in the file as it is wanted is read to where it is wanted.
      const isStraight = length === (end - first) * rowBytes && isRun(places, first, end);
      if (!isStraight && between.length < length) between = new Uint8Array(length);
      const [into, at] = isStraight ? [out, places[first]! * rowBytes] : [between, 0];
      const reading = file.read(into, at, length, offset);
      if (reading) await reading;
      if (!isStraight) {
        for (const place of places.subarray(first, end)) {
          const from = start + rows[place]! * rowBytes - offset;
          const to = place * rowBytes;
          for (let byte = 0; byte < rowBytes; byte++) out[to + byte] = between[from + byte]!;
        }
      }
      if (performance.now() - turn < longestTurn) continue;
      await new Promise((resolve) => setTimeout(resolve));
      turn = performance.now();
    }
  };
  const all = await Promise.allSettled(Array.from({ length: readsAtOnce }, work));
  await file.close();
  const failed = all.find((one) => one.status === 'rejected');
  if (failed) throw failed.reason;
  return out;
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
