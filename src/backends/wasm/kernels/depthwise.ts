/**
 * @file Depthwise convolution and the gradient of its kernels, four channels at a time.
 *
 *     y[n, oy, ox, c] = act(b[c] + Σ_{dy, dx} x[n, oy·s + dy·d, ox·s + dx·d, c] · w[dy, dx, c])
 *     ∂w[dy, dx, c]   = Σ_{n, oy, ox} x[n, oy·s + dy·d, ox·s + dx·d, c] · g[n, oy, ox, c]
 *
 * Memory is the limit: one load for each multiply-add. So a row of outputs is done channel block by channel block, with the
 * block's kernel (forward) or sums (gradient) in registers while the row passes.
 */
import type { Node } from '../../../ir/graph.ts';
import { control, f32x4, type Instruction, i32, v128 } from '../assembler/instructions.ts';
import { forRange, type Local } from '../assembler/module.ts';
import { at, atMost, type KernelSpec, unravel } from '../kernel.ts';
import { activateLanes } from '../ops/activation.ts';
import type { Parts } from '../ops/convolution.ts';
import type { DepthwiseAttrs, DepthwiseConvAttrs } from '../ops/depthwise.ts';

/** Byte distance of each tap from a patch's first element. */
function tapOffsets({ kernel, dilation }: DepthwiseAttrs, w: number, c: number): number[] {
  return Array.from({ length: kernel[0] * kernel[1] }, (_, tap) => {
    const [dy, dx] = [Math.floor(tap / kernel[1]), tap % kernel[1]];
    return (dy * dilation[0] * w + dx * dilation[1]) * c * 4;
  });
}

/** Unit = output row. c is a multiple of four. */
export function depthwiseConvKernel(node: Node): KernelSpec {
  const attrs = node.attrs as DepthwiseConvAttrs;
  const image = node.inputs[0]!.shape as readonly [number, number, number, number];
  const [, h, w, c] = image;
  const [n, oh, ow] = node.outputs[0]!.shape as readonly [number, number, number];
  const offsets = tapOffsets(attrs, w, c);
  return {
    key: JSON.stringify(['depthwise_conv', image, attrs, node.inputs.length]),
    units: n * oh,
    work: n * oh * ow * c * offsets.length,
    emit(fn) {
      const [x, kernel, bias] = fn.inputs as [Local, Local, Local | undefined];
      /** Vectors of channels done together. */
      const together = fn.together(c / 4);
      const weights = together.map(() => fn.localsOf('v128', offsets.length));
      const sums = together.map(() => fn.local('v128'));
      const biases = together.map(() => fn.local('v128'));
      const [from, to, row] = fn.localsOf('i32', 3);
      fn.eachUnit((unit) => {
        const imageRow = i32.add(
          i32.mul(i32.div_u(unit.get(), i32.const(oh)), i32.const(h)),
          i32.mul(i32.rem_u(unit.get(), i32.const(oh)), i32.const(attrs.strides[0])),
        );
        return [
          row.set(at(x.get(), imageRow, w * c * 4)),
          ...fn.each(
            c,
            (channel) => [
              ...offsets.flatMap((_, tap) => {
                const source = (attrs.turned ? offsets.length - 1 - tap : tap) * c * 4;
                const from = at(kernel.get(), channel.get(), 4);
                return together.map((v, i) => weights[i]![tap]!.set(v128.load(from, source + v)));
              }),
              ...(bias
                ? together.map((v, i) =>
                    biases[i]!.set(v128.load(at(bias.get(), channel.get(), 4), v)),
                  )
                : []),
              from.set(at(row.get(), channel.get(), 4)),
              to.set(at(at(fn.outputs[0]!.get(), unit.get(), ow * c * 4), channel.get(), 4)),
              ...fn.each(ow, () => [
                ...offsets.flatMap((offset, tap) =>
                  together.map((v, i) => {
                    const [sum, weight] = [sums[i]!, weights[i]![tap]!.get()];
                    const x = v128.load(from.get(), offset + v);
                    if (tap === 0 && !bias) return sum.set(f32x4.mul(x, weight));
                    return sum.set(fn.madd(x, weight, (tap === 0 ? biases[i]! : sum).get()));
                  }),
                ),
                ...together.map((v, i) => {
                  const value = activateLanes(attrs.activation, sums[i]!.get());
                  return v128.store(to.get(), value, v);
                }),
                from.add(attrs.strides[1] * c * 4),
                to.add(c * 4),
              ]),
            ],
            together.length * 4,
          ),
        ];
      });
    },
  };
}

/** Channels a unit of the gradient: a cache line. */
const channelBlock = 16;

/** Unit = (part, 16 channels); their sums stand in the result between rows. c is a multiple of four. */
export function depthwiseFilterKernel(node: Node): KernelSpec {
  const attrs = node.attrs as DepthwiseAttrs & Parts;
  const image = node.inputs[0]!.shape as readonly [number, number, number, number];
  const [, h, w, c] = image;
  const [n, oh, ow] = node.inputs[1]!.shape as readonly [number, number, number];
  const offsets = tapOffsets(attrs, w, c);
  const blocks = Math.ceil(c / channelBlock);
  const lines = (n / attrs.parts) * oh;
  return {
    key: JSON.stringify(['depthwise_filter', image, node.inputs[1]!.shape, attrs]),
    units: attrs.parts * blocks,
    work: n * oh * ow * c * offsets.length,
    emit(fn) {
      const [x, gradient] = fn.inputs as [Local, Local];
      const together = fn.together(c / 4);
      const sums = together.map(() => fn.localsOf('v128', offsets.length));
      const g = together.map(() => fn.local('v128'));
      const [from, source, to, channel, first, last, start, line] = fn.localsOf('i32', 8);
      /** Adds an output row to the sums of a block of channels. */
      const addLine = (part: Local): Instruction[] => {
        const imageRow = i32.add(
          i32.mul(i32.div_u(line.get(), i32.const(oh)), i32.const(h)),
          i32.mul(i32.rem_u(line.get(), i32.const(oh)), i32.const(attrs.strides[0])),
        );
        const eachSum = (then: (sum: Local, tap: number, i: number) => Instruction) =>
          offsets.flatMap((_, tap) => together.map((_v, i) => then(sums[i]![tap]!, tap, i)));
        return forRange(channel, first.get(), () => last.get(), together.length * 4, [
          from.set(at(at(x.get(), imageRow, w * c * 4), channel.get(), 4)),
          source.set(at(at(gradient.get(), line.get(), ow * c * 4), channel.get(), 4)),
          to.set(
            at(at(fn.outputs[0]!.get(), part.get(), offsets.length * c * 4), channel.get(), 4),
          ),
          control.if(
            i32.eq(line.get(), start.get()),
            eachSum((sum) => sum.set(f32x4.const(0))),
            eachSum((sum, tap, i) => sum.set(v128.load(to.get(), tap * c * 4 + together[i]!))),
          ),
          ...fn.each(ow, () => [
            ...together.map((v, i) => g[i]!.set(v128.load(source.get(), v))),
            ...eachSum((sum, tap, i) => {
              const x = v128.load(from.get(), offsets[tap]! + together[i]!);
              return sum.set(fn.madd(x, g[i]!.get(), sum.get()));
            }),
            from.add(attrs.strides[1] * c * 4),
            source.add(c * 4),
          ]),
          ...eachSum((sum, tap, i) => v128.store(to.get(), sum.get(), tap * c * 4 + together[i]!)),
        ]);
      };
      fn.eachUnit((unit) => {
        const code: Instruction[] = [];
        const [part, number] = unravel(fn, code, unit.get(), [blocks]);
        return [
          ...code,
          first.set(i32.mul(number.get(), i32.const(channelBlock))),
          last.set(atMost(i32.add(first.get(), i32.const(channelBlock)), c)),
          start.set(i32.mul(part.get(), i32.const(lines))),
          ...forRange(
            line,
            start.get(),
            () => i32.add(start.get(), i32.const(lines)),
            1,
            addLine(part),
          ),
        ];
      });
    },
  };
}
