/**
 * @file The sparse gradients of convolution + ReLU + pooling. At most one output of a window has a gradient, where the
 * ReLU was off none, so both gradients walk lists of (where, how much) instead of dense products.
 *
 *     ∂w[r, k] = Σ over winners of channel k: g · x[patch + r]         (filter gradient)
 *     ∂x[patch + r] = Σ over channels that won there: g · w[r, k]      (input gradient)
 *
 * In both, some vectors of the patch stay in registers while a list passes: per entry a multiply-add and a load each. Lists
 * are built in the order of images and rows, so the order of each sum is fixed.
 */
import { type Shape, sizeOf } from '../../../core/shape.ts';
import type { Node } from '../../../ir/graph.ts';
import {
  type ConvPoolAttrs,
  type ConvPoolGeometry,
  convPoolGeometry,
  noWinner,
} from '../../../ops/conv_relu_pool.ts';
import {
  control,
  f32,
  f32x4,
  type Instruction,
  i16x8,
  i32,
  i32x4,
  memory,
  v128,
} from '../assembler/instructions.ts';
import { type Local, whileLess } from '../assembler/module.ts';
import {
  at,
  eachSize,
  type Join,
  type KernelBuilder,
  type KernelSpec,
  transpose4,
  unravel,
} from '../kernel.ts';
import type { Parts, PooledPartialsAttrs } from '../ops/convolution.ts';
import { patchRuns, type Run } from './panel_conv.ts';

/**
 * Sums held at once, of whole registers: V8 of Node 20 loads all of a turn's vectors before it adds the first, so seven
 * sums, seven loads and an amount are what fits; V8 that joins vectors keeps 12 sums of 256 bits.
 */
const sumsOf = (join: Join): number => (join === 1 ? 7 : 12 * join);
/** Bytes of a list entry: where (i32), how much (f32). */
const entryBytes = 8;

/** One vector of a patch: its distance in the image and in a packed row of vectors. */
interface PatchVector {
  image: number;
  packed: number;
}

/** A patch as vectors of four; each run is rounded up to whole vectors. */
function patchVectors(runs: readonly Run[]): PatchVector[] {
  const vectors: PatchVector[] = [];
  for (const { offset, length } of runs)
    for (let i = 0; i < length; i += 4)
      vectors.push({ image: offset + i * 4, packed: vectors.length * 16 });
  return vectors;
}

function chunk<T>(items: readonly T[], size: number): T[][] {
  const count = Math.ceil(items.length / size);
  // Even chunks: 18 vectors go as 9 + 9, not 12 + 6.
  const even = Math.ceil(items.length / count);
  return Array.from({ length: count }, (_, i) => items.slice(i * even, (i + 1) * even));
}

/** Byte distance of each window position's patch from the window's first. */
export function windowOffsets(g: ConvPoolGeometry, { strides, pool }: ConvPoolAttrs): number[] {
  return Array.from({ length: pool[0] * pool[1] }, (_, position) => {
    const y = Math.floor(position / pool[1]) * strides[0];
    return (y * g.w + (position % pool[1]) * strides[1]) * g.c * 4;
  });
}

/** `body` for each pooled place in order; `patch` becomes the byte offset of its window's first patch from `base`. */
export function eachPlace(
  fn: KernelBuilder,
  g: ConvPoolGeometry,
  { strides, pool }: ConvPoolAttrs,
  images: number,
  patch: Local,
  body: Instruction[],
): Instruction[] {
  const column = pool[1] * strides[1] * g.c * 4;
  const row = pool[0] * strides[0] * g.w * g.c * 4 - g.pw * column;
  const image = g.h * g.w * g.c * 4 - g.ph * (row + g.pw * column);
  return [
    patch.set(i32.const(0)),
    ...fn.each(images, () => [
      ...fn.each(g.ph, () => [
        ...fn.each(g.pw, () => [...body, patch.add(column)]),
        patch.add(row),
      ]),
      patch.add(image),
    ]),
  ];
}

/**
 * Unit = (part, span of channels), four channels at a time: their lists, their packed rows; then a transpose of all into [r, k].
 * Spans are as wide as a cache line of the result where that leaves eight units to share out.
 */
export function listedPartialsKernel(node: Node): KernelSpec {
  const attrs = node.attrs as PooledPartialsAttrs;
  const image = node.inputs[0]!.shape;
  const g = convPoolGeometry(image, attrs.kernelShape, attrs);
  const images = g.n / attrs.parts;
  const places = images * g.ph * g.pw;
  const runs = patchRuns([g.kh, g.kw], attrs.dilation, g.w, g.c);
  const vectors = patchVectors(runs);
  const offsets = windowOffsets(g, attrs);
  const listBytes = places * entryBytes;
  const rowBytes = vectors.length * 16;
  const tableBytes = 1024;
  const span = [16, 8].find((channels) => g.k % channels === 0 && g.k >= channels * 8) ?? 4;
  const spans = Math.ceil(g.k / span);
  return {
    key: JSON.stringify(['pooled_filter_partials', image, attrs]),
    units: attrs.parts * spans,
    work: (places * attrs.parts * g.k * runs.reduce((sum, run) => sum + run.length, 0)) / 2,
    scratch: tableBytes + 4 * listBytes + span * rowBytes,
    emit(fn) {
      const [x, gradient, winner] = fn.inputs as [Local, Local, Local];
      const lists = fn.define(fn.body, i32.add(fn.scratch.get(), i32.const(tableBytes)));
      const rows = fn.define(fn.body, i32.add(lists.get(), i32.const(4 * listBytes)));
      // Winner → distance of its patch; 255 (none) reads an unused entry.
      offsets.forEach((offset, position) => {
        fn.push(i32.store(fn.scratch.get(), i32.const(offset), position * 4));
      });
      const ends = fn.localsOf('i32', 4);
      const [patch, place, winners, g4] = [...fn.localsOf('i32', 3), fn.local('v128')] as [
        Local,
        Local,
        Local,
        Local,
      ];
      const [who, row, firstChannel, own] = fn.localsOf('i32', 4);
      const value = fn.local('f32');

      /** Appends each winner with a gradient to its channel's list: always written, kept only if it counts. */
      const append = ends.flatMap((end, lane) => [
        who.set(i32.and(i32.shr_u(winners.get(), i32.const(lane * 8)), i32.const(255))),
        value.set(f32x4.extract_lane(g4.get(), lane)),
        i32.store(end.get(), i32.add(patch.get(), i32.load(at(fn.scratch.get(), who.get(), 4)))),
        f32.store(end.get(), value.get(), 4),
        end.add(
          i32.mul(
            i32.and(i32.ne(who.get(), i32.const(noWinner)), f32.ne(value.get(), f32.const(0))),
            i32.const(entryBytes),
          ),
        ),
      ]);
      fn.eachUnit((unit) => {
        const code: Instruction[] = [];
        const [part, number] = unravel(fn, code, unit.get(), [spans]);
        const build = [
          ...ends.map((end, lane) => end.set(i32.add(lists.get(), i32.const(lane * listBytes)))),
          place.set(at(firstChannel.get(), part.get(), places * g.k)),
          ...eachPlace(fn, g, attrs, images, patch, [
            winners.set(i32.load(i32.add(winner.get(), place.get()))),
            control.if(i32.ne(winners.get(), i32.const(-1)), [
              g4.set(v128.load(at(gradient.get(), place.get(), 4))),
              ...append,
            ]),
            place.add(g.k),
          ]),
        ];
        // Lanes past the last channel have read what lies behind: their lists are nothing.
        const missing = ends.slice(g.k % 4 || 4);
        if (missing.length > 0) {
          build.push(
            control.if(
              i32.gt_s(firstChannel.get(), i32.const(g.k - 4)),
              missing.map((end) => end.set(lists.get())),
            ),
          );
        }
        const fold = ends.flatMap((end, lane) =>
          foldList(fn, own, vectors, lists, lane * listBytes, end, row, lane * rowBytes),
        );
        const first = i32.mul(number.get(), i32.const(span));
        const sums = at(fn.outputs[0]!.get(), part.get(), sizeOf(attrs.kernelShape) * 4);
        return [
          ...code,
          own.set(at(x.get(), part.get(), images * g.h * g.w * g.c * 4)),
          firstChannel.set(first),
          row.set(rows.get()),
          ...fn.each(span / 4, () => [
            ...build,
            ...fold,
            firstChannel.add(4),
            row.add(4 * rowBytes),
          ]),
          ...transposeRows(fn, runs, g.k, span, rows, rowBytes, first, sums),
        ];
      });
    },
  };
}

/** row[v] = Σ over the list of g · x[where + v], a few vectors of the patch at a time. */
function foldList(
  fn: KernelBuilder,
  x: Local,
  vectors: readonly PatchVector[],
  lists: Local,
  listOffset: number,
  end: Local,
  rows: Local,
  rowOffset: number,
): Instruction[] {
  const sums = fn.localsOf('v128', sumsOf(fn.join));
  const [entry, from, amount] = [...fn.localsOf('i32', 2), fn.local('v128')] as [
    Local,
    Local,
    Local,
  ];
  return chunk(vectors, sumsOf(fn.join)).flatMap((part) => [
    ...part.map((_, i) => sums[i]!.set(f32x4.const(0))),
    entry.set(i32.add(lists.get(), i32.const(listOffset))),
    ...whileLess(entry, () => end.get(), [
      from.set(i32.add(x.get(), i32.load(entry.get()))),
      amount.set(v128.load32_splat(entry.get(), 4)),
      ...part.map(({ image }, i) =>
        sums[i]!.set(fn.madd(amount.get(), v128.load(from.get(), image), sums[i]!.get())),
      ),
      entry.add(entryBytes),
    ]),
    ...part.map(({ packed }, i) => v128.store(rows.get(), sums[i]!.get(), rowOffset + packed)),
  ]);
}

/** The packed rows of a span of channels become columns of the kernel's matrix [r, k]: 4 × 4 blocks through registers. */
function transposeRows(
  fn: KernelBuilder,
  runs: readonly Run[],
  k: number,
  span: number,
  rows: Local,
  rowBytes: number,
  firstChannel: Instruction,
  sums: Instruction,
): Instruction[] {
  const [to, from] = fn.localsOf('i32', 2);
  const block = fn.localsOf('v128', 4);
  const half = fn.localsOf('v128', 4);
  const storeBlock = (first: number, count: number, channels: number): Instruction[] => [
    ...block.map((vector, lane) => vector.set(v128.load(from.get(), (first + lane) * rowBytes))),
    ...transpose4(block, half),
    ...block
      .slice(0, count)
      .flatMap((vector, r) =>
        channels === 4
          ? [v128.store(to.get(), vector.get(), (r * k + first) * 4)]
          : Array.from({ length: channels }, (_, lane) =>
              v128.store32_lane(to.get(), vector.get(), lane, (r * k + first + lane) * 4),
            ),
      ),
  ];
  const store = (count: number, channels: number): Instruction[] => [
    ...Array.from({ length: span / 4 }, (_, i) => storeBlock(i * 4, count, channels)).flat(),
    from.add(16),
    to.add(count * k * 4),
  ];
  const all = (channels: number): Instruction[] =>
    runs.flatMap(({ length }) => [
      ...(length >= 4 ? fn.each(Math.floor(length / 4), () => store(4, channels)) : []),
      ...(length % 4 > 0 ? store(length % 4, channels) : []),
    ]);
  const start = [from.set(rows.get()), to.set(at(sums, firstChannel, 4))];
  if (k % 4 === 0) return [...start, ...all(4)];
  const last = i32.eq(firstChannel, i32.const(k - (k % 4)));
  return [...start, control.if(last, all(k % 4), k >= 4 ? all(4) : [])];
}

/**
 * Unit = image. The kernel comes as rows [k, r], a patch's run a multiple of four long. For each window position one list
 * of the channels that won there.
 */
export function rowsInputGradientKernel(node: Node): KernelSpec {
  const attrs = node.attrs as ConvPoolAttrs & { imageShape: Shape; kernel: Shape };
  const g = convPoolGeometry(attrs.imageShape, attrs.kernel, attrs);
  const runs = patchRuns([g.kh, g.kw], attrs.dilation, g.w, g.c);
  const vectors = patchVectors(runs);
  const offsets = windowOffsets(g, attrs);
  const rowBytes = (sizeOf(attrs.kernel) / g.k) * 4;
  const listBytes = g.k * entryBytes;
  const tableBytes = 1024;
  return {
    key: JSON.stringify(['rows_input_gradient', attrs]),
    units: g.n,
    work: (g.n * g.ph * g.pw * g.k * rowBytes) / 8,
    scratch: tableBytes + (offsets.length + 1) * listBytes,
    emit(fn) {
      const [gradient, winner, rows] = fn.inputs as [Local, Local, Local];
      const lists = fn.define(fn.body, i32.add(fn.scratch.get(), i32.const(tableBytes)));
      const [patch, place, channel, row, who, end, target] = fn.localsOf('i32', 7);
      const value = fn.local('f32');
      const sums = fn.localsOf('v128', sumsOf(fn.join));
      const [entry, from, amount] = [...fn.localsOf('i32', 2), fn.local('v128')] as [
        Local,
        Local,
        Local,
      ];
      const imageBytes = g.h * g.w * g.c * 4;

      /**
       * The table holds the end of each position's list, and of one that nobody reads, for channels without a winner. Entries
       * are always written and kept only if they count, since no processor foresees which do.
       */
      const build: Instruction[] = [
        ...[...offsets.keys(), noWinner].map((position, list) =>
          i32.store(
            fn.scratch.get(),
            i32.add(lists.get(), i32.const(list * listBytes)),
            position * 4,
          ),
        ),
        from.set(at(gradient.get(), place.get(), 4)),
        channel.set(i32.add(winner.get(), place.get())),
        row.set(i32.const(0)),
        ...fn.each(g.k, () => [
          who.set(at(fn.scratch.get(), i32.load8_u(channel.get()), 4)),
          value.set(f32.load(from.get())),
          end.set(i32.load(who.get())),
          i32.store(end.get(), row.get()),
          f32.store(end.get(), value.get(), 4),
          i32.store(who.get(), at(end.get(), f32.ne(value.get(), f32.const(0)), entryBytes)),
          channel.add(1),
          from.add(4),
          row.add(rowBytes),
        ]),
      ];
      const addList = (position: number): Instruction[] => [
        end.set(i32.load(fn.scratch.get(), position * 4)),
        control.if(
          i32.ne(end.get(), i32.add(lists.get(), i32.const(position * listBytes))),
          chunk(vectors, sumsOf(fn.join)).flatMap((part) => [
            ...part.map(({ image }, i) =>
              sums[i]!.set(v128.load(target.get(), offsets[position]! + image)),
            ),
            entry.set(i32.add(lists.get(), i32.const(position * listBytes))),
            ...whileLess(entry, () => end.get(), [
              from.set(i32.add(rows.get(), i32.load(entry.get()))),
              amount.set(v128.load32_splat(entry.get(), 4)),
              ...part.map(({ packed }, i) =>
                sums[i]!.set(fn.madd(amount.get(), v128.load(from.get(), packed), sums[i]!.get())),
              ),
              entry.add(entryBytes),
            ]),
            ...part.map(({ image }, i) =>
              v128.store(target.get(), sums[i]!.get(), offsets[position]! + image),
            ),
          ]),
        ),
      ];
      fn.eachUnit((unit) => {
        const out = at(fn.outputs[0]!.get(), unit.get(), imageBytes);
        return [
          memory.fill(out, i32.const(0), i32.const(imageBytes)),
          place.set(i32.mul(unit.get(), i32.const(g.ph * g.pw * g.k))),
          ...eachPlace(fn, g, attrs, 1, patch, [
            ...build,
            target.set(i32.add(out, patch.get())),
            ...offsets.flatMap((_, position) => addList(position)),
            place.add(g.k),
          ]),
        ];
      });
    },
  };
}

/** Unit = (part, 16 channels): Σ g over the places with a winner. */
export function pooledBiasPartialsKernel(node: Node): KernelSpec {
  const { parts } = node.attrs as Parts;
  const shape = node.inputs[0]!.shape;
  const k = shape[3]!;
  const places = sizeOf(shape) / k / parts;
  const blocks = Math.ceil(k / 16);
  return {
    key: JSON.stringify(['pooled_bias_partials', shape, parts]),
    units: parts * blocks,
    work: sizeOf(shape),
    emit(fn) {
      const [gradient, winner] = fn.inputs as [Local, Local];
      const sums = fn.localsOf('v128', 4);
      const [from, who] = fn.localsOf('i32', 2);
      const [bytes, low, high] = fn.localsOf('v128', 3);
      fn.eachUnit((unit) => {
        const code: Instruction[] = [];
        const [part, block] = unravel(fn, code, unit.get(), [blocks]);
        const fold = (channels: number): Instruction[] => {
          const used = sums.slice(0, Math.ceil(channels / 4));
          const pairs = [used.slice(0, 2), used.slice(2)].filter((pair) => pair.length > 0);
          return [
            ...used.map((sum) => sum.set(f32x4.const(0))),
            ...fn.each(places, () => [
              ...pairs.flatMap((pair, p) => [
                bytes.set(i16x8.extend_low_i8x16_u(v128.load64_zero(who.get(), p * 8))),
                low.set(i32x4.extend_low_i16x8_u(bytes.get())),
                high.set(i32x4.extend_high_i16x8_u(bytes.get())),
                ...pair.map((sum, i) => {
                  const off = fn.constant(i32x4.const(noWinner), i);
                  const none = i32x4.eq([low, high][i]!.get(), off.get());
                  const own = v128.load(from.get(), (p * 2 + i) * 16);
                  return sum.set(f32x4.add(sum.get(), v128.andnot(own, none)));
                }),
              ]),
              from.add(k * 4),
              who.add(k),
            ]),
            ...used.flatMap((sum, i) =>
              Array.from({ length: Math.min(4, channels - i * 4) }, (_, lane) =>
                v128.store32_lane(
                  at(at(fn.outputs[0]!.get(), part.get(), k * 4), block.get(), 64),
                  sum.get(),
                  lane,
                  i * 16 + lane * 4,
                ),
              ),
            ),
          ];
        };
        return [
          ...code,
          from.set(at(at(gradient.get(), part.get(), places * k * 4), block.get(), 64)),
          who.set(at(at(winner.get(), part.get(), places * k), block.get(), 16)),
          ...eachSize(block, k, 16, fold),
        ];
      });
    },
  };
}
