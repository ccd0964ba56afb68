/**
 * @file Sources made of sources: tensors in memory, some samples of another source, one source behind another, mapped, or
 * kept in memory once read. What `StreamingDataset` offers is these, a few lines each.
 */
import type { AnyArray, DType } from '../core/dtype.ts';
import { TsunoError } from '../core/errors.ts';
import { type Shape, sameShape, showShape, sizeOf } from '../core/shape.ts';
import { Tensor } from '../core/tensor.ts';
import type { SampleBatch, SampleSource, SampleType } from './source.ts';

/** One sample: tensors without the axis of samples. A class number is a tensor of shape `[]`. */
export interface Sample<X extends DType = DType, Y extends DType = DType> {
  readonly image: Tensor<X>;
  readonly label: Tensor<Y>;
}

/** What a sample becomes; what is left out stays as it was. */
export interface MappedSample<X extends DType = DType, Y extends DType = DType> {
  readonly image?: Tensor<X>;
  readonly label?: Tensor<Y>;
}

/** Makes a sample of a sample; `number` is its number in the set that is mapped. May be asynchronous. */
export type SampleMap<
  X extends DType = DType,
  Y extends DType = DType,
  X2 extends DType = DType,
  Y2 extends DType = DType,
> = (sample: Sample<X, Y>, number: number) => MappedSample<X2, Y2> | Promise<MappedSample<X2, Y2>>;

/** Tensors in memory; samples that follow each other are views of them. */
export function memorySource<X extends DType, Y extends DType>(
  { images, labels }: SampleBatch<X, Y>,
  classNames: readonly string[] | undefined,
): SampleSource<X, Y> {
  const type = <D extends DType>({ dtype, shape }: Tensor<D>): SampleType<D> => ({
    dtype,
    shape: shape.slice(1),
  });
  const pick = <D extends DType>(tensor: Tensor<D>, rows: Uint32Array): Tensor<D> => {
    const [first = 0] = rows;
    const isRun = rows.every((row, i) => row === first + i);
    return isRun ? tensor.slice(first, first + rows.length) : tensor.rows(rows);
  };
  return {
    length: images.length,
    image: type(images),
    label: type(labels),
    classNames,
    read: async (rows) => ({ images: pick(images, rows), labels: pick(labels, rows) }),
  };
}

/** Other samples of the same types. */
function derived<X extends DType, Y extends DType>(
  source: SampleSource<X, Y>,
  length: number,
  read: SampleSource<X, Y>['read'],
): SampleSource<X, Y> {
  return {
    length,
    // Asked for only when wanted: a mapped source may not know them yet.
    get image() {
      return source.image;
    },
    get label() {
      return source.label;
    },
    classNames: source.classNames,
    read,
  };
}

/** Samples `from` up to `to` of a source. */
export function slicedSource<X extends DType, Y extends DType>(
  source: SampleSource<X, Y>,
  from: number,
  to: number,
): SampleSource<X, Y> {
  return derived(source, to - from, (rows, signal) => {
    const moved = rows.map((row) => row + from);
    return source.read(moved, signal);
  });
}

/** The samples of a source in another order. */
export function orderedSource<X extends DType, Y extends DType>(
  source: SampleSource<X, Y>,
  order: Uint32Array,
): SampleSource<X, Y> {
  return derived(source, order.length, (rows, signal) => {
    const moved = rows.map((row) => order[row]!);
    return source.read(moved, signal);
  });
}

/** The samples of `first`, then those of `second`. */
export function joinedSource<X extends DType, Y extends DType>(
  first: SampleSource<X, Y>,
  second: SampleSource<X, Y>,
): SampleSource<X, Y> {
  const cut = first.length;
  return derived(first, cut + second.length, async (rows, signal) => {
    const places = Uint32Array.from(rows, (_, i) => i);
    const early = places.filter((i) => rows[i]! < cut);
    const late = places.filter((i) => rows[i]! >= cut);
    const from = (which: Uint32Array, start: number) => which.map((i) => rows[i]! - start);
    if (late.length === 0) return first.read(rows, signal);
    if (early.length === 0) return second.read(from(late, cut), signal);
    const parts = await Promise.all([
      first.read(from(early, 0), signal),
      second.read(from(late, cut), signal),
    ]);
    const mix = <D extends DType>(what: string, a: Tensor<D>, b: Tensor<D>): Tensor<D> => {
      mustMatch('concatenate', `${what} of the second set`, a, b);
      const out = new Tensor(a.dtype, [rows.length, ...a.shape.slice(1)]);
      put(out, early, a);
      put(out, late, b);
      return out;
    };
    return {
      images: mix('images', parts[0].images, parts[1].images),
      labels: mix('labels', parts[0].labels, parts[1].labels),
    };
  });
}

/** @throws TsunoError `SHAPE` where samples of `second` are not like those of `first`. */
function mustMatch(where: string, what: string, first: Tensor, second: Tensor): void {
  const row = first.shape.slice(1);
  if (first.dtype === second.dtype && sameShape(row, second.shape.slice(1))) return;
  throw unlike(where, what, first.dtype, row, second.dtype, second.shape.slice(1));
}

function unlike(
  where: string,
  what: string,
  dtype: DType,
  shape: Shape,
  found: DType,
  foundShape: Shape,
): TsunoError {
  return new TsunoError('SHAPE', {
    where,
    what,
    expected: `${dtype} of shape ${showShape(shape)}`,
    found: `${found} of shape ${showShape(foundShape)}`,
  });
}

/** Row i of `part` becomes row `places[i]` of `out`. */
function put<D extends DType>(out: Tensor<D>, places: Uint32Array, part: Tensor<D>): void {
  const row = sizeOf(out.shape.slice(1));
  const from: AnyArray = part.data;
  places.forEach((place, i) => {
    out.data.set(from.subarray(i * row, (i + 1) * row), place * row);
  });
}

/** How many samples are mapped at the same time where mapping is asynchronous. */
const mappedAtOnce = 16;

/**
 * A source whose samples went through a function. Their types are known once one was read, or where the function leaves
 * them as they are.
 */
export function mappedSource<
  X extends DType,
  Y extends DType,
  X2 extends DType = X,
  Y2 extends DType = Y,
>(source: SampleSource<X, Y>, map: SampleMap<X, Y, X2, Y2>): SampleSource<X2, Y2> {
  let types: { image: SampleType<X2>; label: SampleType<Y2> } | undefined;
  const known = () => {
    if (types) return types;
    throw new TsunoError('STATE', {
      where: 'StreamingDataset.map',
      what: 'the shape of a mapped sample',
      expected: 'asked for after a sample was read',
      found: 'a set that was not read yet',
      repair: 'Await set.peek() before.',
    });
  };
  return {
    length: source.length,
    classNames: source.classNames,
    get image() {
      return known().image;
    },
    get label() {
      return known().label;
    },
    async read(rows, signal) {
      const given = await source.read(rows, signal);
      const found: MappedSample<X2, Y2>[] = [];
      for (let from = 0; from < rows.length && !signal?.aborted; from += mappedAtOnce) {
        const group = [...rows.subarray(from, from + mappedAtOnce)];
        const mapped = group.map((row, i) => mapOne(map, sampleAt(given, from + i), row));
        found.push(...(await Promise.all(mapped)));
      }
      signal?.throwIfAborted();
      // What a function leaves out has the types from before.
      const before = given as unknown as SampleBatch<X2, Y2>;
      const images = stacked(
        'image',
        found.map(({ image }) => image),
        rows,
        before.images,
      );
      const labels = stacked(
        'label',
        found.map(({ label }) => label),
        rows,
        before.labels,
      );
      types ??= {
        image: { dtype: images.dtype, shape: images.shape.slice(1) },
        label: { dtype: labels.dtype, shape: labels.shape.slice(1) },
      };
      return { images, labels };
    },
  };
}

function sampleAt<X extends DType, Y extends DType>(
  { images, labels }: SampleBatch<X, Y>,
  i: number,
): Sample<X, Y> {
  const one = <D extends DType>(tensor: Tensor<D>): Tensor<D> =>
    tensor.slice(i, i + 1).reshape(tensor.shape.slice(1));
  return { image: one(images), label: one(labels) };
}

async function mapOne<X extends DType, Y extends DType, X2 extends DType, Y2 extends DType>(
  map: SampleMap<X, Y, X2, Y2>,
  sample: Sample<X, Y>,
  number: number,
): Promise<MappedSample<X2, Y2>> {
  const where = `map, sample ${number}`;
  let found: MappedSample<X2, Y2>;
  try {
    found = await map(sample, number);
  } catch (cause) {
    throw userError(where, cause);
  }
  const isTensor = (one: unknown) => one === undefined || one instanceof Tensor;
  if (typeof found === 'object' && found && isTensor(found.image) && isTensor(found.label))
    return found;
  throw new TsunoError('ARGUMENT', {
    where,
    what: 'the result',
    expected: '{ image }, { label } or both, as tensors',
    found: String(found),
  });
}

/** What code of the user threw; refusals of ours stay what they are. */
export function userError(where: string, cause: unknown): TsunoError {
  if (cause instanceof TsunoError) return cause;
  return new TsunoError('USER_CODE', {
    where,
    what: 'code of yours',
    expected: 'must not throw',
    found: cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause),
    repair: 'The original error is the cause.',
    cause,
  });
}

/** One part of all samples as a tensor; `before` where the function left it as it was. */
function stacked<D extends DType>(
  what: string,
  given: readonly (Tensor<D> | undefined)[],
  rows: Uint32Array,
  before: Tensor<D>,
): Tensor<D> {
  if (given.every((one) => one === undefined)) return before;
  const first = given.find((one) => one !== undefined) ?? before;
  const shape = given[0]?.shape ?? before.shape.slice(1);
  const out = new Tensor(first.dtype, [given.length, ...shape]);
  const row = sizeOf(shape);
  given.forEach((one, i) => {
    const tensor = one ?? before.slice(i, i + 1).reshape(before.shape.slice(1));
    if (tensor.dtype !== out.dtype || !sameShape(tensor.shape, shape)) {
      const where = `map, sample ${rows[i]}`;
      throw unlike(where, what, out.dtype, shape, tensor.dtype, tensor.shape);
    }
    out.data.set(tensor.data, i * row);
  });
  return out;
}

/** Keeps all samples once they were read, in memory for all of them; each is read once. */
export function cachedSource<X extends DType, Y extends DType>(
  source: SampleSource<X, Y>,
): SampleSource<X, Y> {
  const { length } = source;
  const has = new Uint8Array(length);
  let kept: SampleBatch<X, Y> | undefined;
  // One reading after the other, so that no sample is read by two.
  let last: Promise<unknown> = Promise.resolve();
  const roomFor = <D extends DType>({ dtype, shape }: Tensor<D>): Tensor<D> =>
    new Tensor(dtype, [length, ...shape.slice(1)]);
  const fill = async (rows: Uint32Array, signal?: AbortSignal): Promise<SampleBatch<X, Y>> => {
    const missing = Uint32Array.from(new Set(rows.filter((row) => !has[row])));
    if (missing.length > 0) {
      const { images, labels } = await source.read(missing, signal);
      kept ??= { images: roomFor(images), labels: roomFor(labels) };
      mustMatch('cache', 'images', kept.images, images);
      mustMatch('cache', 'labels', kept.labels, labels);
      put(kept.images, missing, images);
      put(kept.labels, missing, labels);
      for (const row of missing) has[row] = 1;
    }
    return kept ?? source.read(rows, signal);
  };
  return derived(source, length, async (rows, signal) => {
    const turn = last.then(() => fill(rows, signal));
    last = turn.catch(() => undefined);
    const all = await turn;
    return { images: all.images.rows(rows), labels: all.labels.rows(rows) };
  });
}
