/**
 * @file The filter gradient of convolution + ReLU + pooling where a patch has few elements, as in a first layer on grey
 * images. Lists of winners would cost more than the products, so all positions of a window are computed, masked:
 *
 *     ∂w[r, k…k+7] = Σ over places and positions: x[place + position + r] · (winner = position ? g : 0)
 *
 * All r of the patch stay in registers while the places pass. Patches of a window's positions overlap, so each pixel that
 * one of them has is read once, and goes wherever it belongs. What is masked adds zeros, so the sums are those of the lists.
 */
import { sizeOf } from '../../../core/shape.ts';
import type { Node } from '../../../ir/graph.ts';
import { convPoolGeometry } from '../../../ops/conv_relu_pool.ts';
import { f32x4, type Instruction, i16x8, i32, i32x4, v128 } from '../assembler/instructions.ts';
import type { Local } from '../assembler/module.ts';
import { at, type KernelSpec, unravel } from '../kernel.ts';
import type { PooledPartialsAttrs } from '../ops/convolution.ts';
import { patchRuns } from './panel_conv.ts';
import { eachPlace, listedPartialsKernel, windowOffsets } from './pooled_gradients.ts';

/** Elements of a patch whose sums stay in registers. */
const mostElements = 12;
/** Channels a unit: two vectors, which V8 joins. */
const unitChannels = 8;
/** Their byte offsets. */
const vectors = [0, 16] as const;

/**
 * The filter gradient of convolution + ReLU + pooling over parts of the images: masked where a patch is small and V8 joins
 * vectors (single vectors, masked, are not faster than lists), else by lists of winners.
 */
export function pooledPartialsKernel(node: Node): KernelSpec {
  const attrs = node.attrs as PooledPartialsAttrs;
  const { kh, kw, c, k } = convPoolGeometry(node.inputs[0]!.shape, attrs.kernelShape, attrs);
  return attrs.joined && kh * kw * c <= mostElements && k % unitChannels === 0
    ? smallPatchKernel(node, attrs)
    : listedPartialsKernel(node);
}

interface Pixel {
  /** Bytes from the window's first pixel. */
  offset: number;
  /** Of which positions' patches it is which element. */
  uses: { position: number; element: number }[];
}

/** The pixels of all patches of a window, in the order in which they lie. */
function pixelsOf(positions: readonly number[], elements: readonly number[]): Pixel[] {
  const pixels = new Map<number, Pixel>();
  positions.forEach((start, position) => {
    elements.forEach((distance, element) => {
      const offset = start + distance;
      const pixel = pixels.get(offset) ?? { offset, uses: [] };
      pixel.uses.push({ position, element });
      pixels.set(offset, pixel);
    });
  });
  return [...pixels.values()].sort((a, b) => a.offset - b.offset);
}

function smallPatchKernel(node: Node, attrs: PooledPartialsAttrs): KernelSpec {
  const image = node.inputs[0]!.shape;
  const g = convPoolGeometry(image, attrs.kernelShape, attrs);
  const elements = patchRuns([g.kh, g.kw], attrs.dilation, g.w, g.c).flatMap(({ offset, length }) =>
    Array.from({ length }, (_, i) => offset + i * 4),
  );
  const positions = windowOffsets(g, attrs);
  const spans = g.k / unitChannels;
  const images = g.n / attrs.parts;
  const pixels = pixelsOf(positions, elements);
  return {
    key: JSON.stringify(['small_patch_gradient', image, attrs]),
    units: attrs.parts * spans,
    work: g.n * g.ph * g.pw * g.k * positions.length * elements.length,
    emit(fn) {
      const [x, gradient, winner] = fn.inputs as [Local, Local, Local];
      const [patch, place, from, source, to, first] = fn.localsOf('i32', 6);
      const [bytes, spread] = fn.localsOf('v128', 2);
      const sums = elements.map(() => vectors.map(() => fn.local('v128')));
      const [own, winners] = ['gradient', 'winner'].map(() =>
        vectors.map(() => fn.local('v128')),
      ) as [Local[], Local[]];
      const masked = positions.map(() => vectors.map(() => fn.local('v128')));
      fn.eachUnit((unit) => {
        const code: Instruction[] = [];
        const [part, span] = unravel(fn, code, unit.get(), [spans]);
        const partImages = at(x.get(), part.get(), images * g.h * g.w * g.c * 4);
        const result = at(fn.outputs[0]!.get(), part.get(), sizeOf(attrs.kernelShape) * 4);
        return [
          ...code,
          first.set(i32.mul(span.get(), i32.const(unitChannels))),
          ...sums.flat().map((sum) => sum.set(f32x4.const(0))),
          place.set(at(first.get(), part.get(), images * g.ph * g.pw * g.k)),
          ...eachPlace(fn, g, attrs, images, patch, [
            from.set(i32.add(partImages, patch.get())),
            source.set(at(gradient.get(), place.get(), 4)),
            bytes.set(
              i16x8.extend_low_i8x16_u(v128.load64_zero(i32.add(winner.get(), place.get()))),
            ),
            ...vectors.flatMap((offset, v) => [
              own[v]!.set(v128.load(source.get(), offset)),
              winners[v]!.set(
                v === 0
                  ? i32x4.extend_low_i16x8_u(bytes.get())
                  : i32x4.extend_high_i16x8_u(bytes.get()),
              ),
            ]),
            ...masked.flatMap((row, number) =>
              row.map((vector, v) =>
                vector.set(
                  v128.and(own[v]!.get(), i32x4.eq(winners[v]!.get(), i32x4.const(number))),
                ),
              ),
            ),
            ...pixels.flatMap(({ offset, uses }) => [
              spread.set(v128.load32_splat(from.get(), offset)),
              ...uses.flatMap(({ position, element }) =>
                sums[element]!.map((sum, v) =>
                  sum.set(fn.madd(spread.get(), masked[position]![v]!.get(), sum.get())),
                ),
              ),
            ]),
            place.add(g.k),
          ]),
          to.set(at(result, first.get(), 4)),
          ...sums.flatMap((row, r) =>
            row.map((sum, v) => v128.store(to.get(), sum.get(), r * g.k * 4 + vectors[v]!)),
          ),
        ];
      });
    },
  };
}
