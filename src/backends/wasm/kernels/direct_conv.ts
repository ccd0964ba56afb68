/**
 * @file Convolution with groups and both its gradients, in plain loops that take every padding, stride and dilation: the
 * general case behind the kernels that are fast on what is usual. A unit is an output row (or a kernel element's channels
 * for the kernel's gradient); channels of one group are summed one by one.
 */
import { sizeOf } from '../../../core/shape.ts';
import type { Node } from '../../../ir/graph.ts';
import { type ConvAttrs, type ConvGeometry, convGeometry } from '../../../ops/conv_geometry.ts';
import type { ConvFilterGradientAttrs, ConvInputGradientAttrs } from '../../../ops/conv2d.ts';
import { type Code, control, f32, type Instruction, i32 } from '../assembler/instructions.ts';
import type { Local } from '../assembler/module.ts';
import { at, type KernelBuilder, type KernelSpec, unravel } from '../kernel.ts';

/** Along one axis, kernel element `tap` of output position `o` lies at `o·stride + tap·dilation − before` of the image. */
interface Axis {
  stride: number;
  dilation: number;
  before: number;
  /** Of the image. */
  extent: number;
  /** Of the output. */
  positions: number;
}

function axesOf(g: ConvGeometry, { strides, dilation, padding }: ConvAttrs): [y: Axis, x: Axis] {
  const axis = (i: 0 | 1, extent: number, positions: number): Axis => {
    return { stride: strides[i], dilation: dilation[i], before: padding[i][0], extent, positions };
  };
  return [axis(0, g.h, g.oh), axis(1, g.w, g.ow)];
}

/** `then` where the place of `o` and `tap` lies in the image; it is in `place`. */
function ifInside(
  { stride, dilation, before, extent }: Axis,
  place: Local,
  o: Local,
  tap: Local,
  then: Code,
): Instruction[] {
  const first = i32.sub(i32.mul(o.get(), i32.const(stride)), i32.const(before));
  return [
    place.set(i32.add(first, i32.mul(tap.get(), i32.const(dilation)))),
    control.if(i32.lt_u(place.get(), i32.const(extent)), then),
  ];
}

/** `then` where an output position has `tap` at `place`; it is in `o`. */
function ifCovered(
  fn: KernelBuilder,
  { stride, dilation, before, positions }: Axis,
  o: Local,
  place: Local,
  tap: Local,
  then: Code,
): Instruction[] {
  const shifted = fn.local('i32');
  const first = i32.add(place.get(), i32.const(before));
  const isWhole = i32.eq(i32.mul(o.get(), i32.const(stride)), shifted.get());
  return [
    shifted.set(i32.sub(first, i32.mul(tap.get(), i32.const(dilation)))),
    control.if(i32.ge_s(shifted.get(), i32.const(0)), [
      o.set(i32.div_u(shifted.get(), i32.const(stride))),
      control.if(i32.and(isWhole, i32.lt_s(o.get(), i32.const(positions))), then),
    ]),
  ];
}

const loadAt = (base: Local, index: Instruction): Instruction => f32.load(at(base.get(), index, 4));

/** Element [n, y, x, c] of images of extents (h, w, channels). */
function pixel(
  images: Local,
  [n, y, x]: readonly [n: Local, y: Local, x: Local],
  c: Instruction,
  [h, w, channels]: readonly [h: number, w: number, channels: number],
): Instruction {
  const position = at(x.get(), at(y.get(), n.get(), h), w);
  return loadAt(images, i32.add(i32.mul(position, i32.const(channels)), c));
}

/** Element [dy, dx, c, k] of the kernel, `c` counted in its group. */
function kernelElement(
  kernel: Local,
  g: ConvGeometry,
  [dy, dx]: readonly [dy: Local, dx: Local],
  c: Instruction,
  k: Instruction,
): Instruction {
  return loadAt(kernel, at(k, at(c, at(dx.get(), dy.get(), g.kw), g.cg), g.k));
}

const addTo = (sum: Local, a: Instruction, b: Instruction): Instruction =>
  sum.set(f32.add(sum.get(), f32.mul(a, b)));

/** Each of a row's `channels` results is what `terms` adds to `sum`. */
function eachSum(
  fn: KernelBuilder,
  sum: Local,
  row: Instruction,
  channels: number,
  terms: (channel: Local) => Code,
): Instruction[] {
  return fn.each(channels, (channel) => [
    sum.set(f32.const(0)),
    ...terms(channel),
    f32.store(at(fn.outputs[0]!.get(), at(channel.get(), row, channels), 4), sum.get()),
  ]);
}

export function directConvKernel(node: Node): KernelSpec {
  const attrs = node.attrs as ConvAttrs;
  const [x, w] = [node.inputs[0]!.shape, node.inputs[1]!.shape];
  const g = convGeometry(x, w, attrs);
  const [rows, columns] = axesOf(g, attrs);
  const kg = g.k / attrs.groups;
  return {
    key: JSON.stringify(['direct_conv', x, w, attrs]),
    units: g.n * g.oh,
    work: g.n * g.oh * g.ow * sizeOf(w) * 2,
    emit(fn) {
      const [images, kernel] = fn.inputs as [Local, Local];
      const sum = fn.local('f32');
      const [py, px] = fn.localsOf('i32', 2);
      const products = (n: Local, dy: Local, dx: Local, k: Local): Instruction[] => {
        const group = i32.mul(i32.div_u(k.get(), i32.const(kg)), i32.const(g.cg));
        return fn.each(g.cg, (c) => [
          addTo(
            sum,
            pixel(images, [n, py, px], i32.add(group, c.get()), [g.h, g.w, g.c]),
            kernelElement(kernel, g, [dy, dx], c.get(), k.get()),
          ),
        ]);
      };
      fn.eachUnit((unit) => {
        const code: Instruction[] = [];
        const [n, oy] = unravel(fn, code, unit.get(), [g.oh]);
        const terms = (ox: Local, k: Local): Instruction[] =>
          fn.each(g.kh, (dy) =>
            ifInside(
              rows,
              py,
              oy,
              dy,
              fn.each(g.kw, (dx) => ifInside(columns, px, ox, dx, products(n, dy, dx, k))),
            ),
          );
        code.push(
          ...fn.each(g.ow, (ox) =>
            eachSum(fn, sum, at(ox.get(), unit.get(), g.ow), g.k, (k) => terms(ox, k)),
          ),
        );
        return code;
      });
    },
  };
}

export function directInputGradientKernel(node: Node): KernelSpec {
  const attrs = node.attrs as ConvInputGradientAttrs;
  const w = node.inputs[1]!.shape;
  const g = convGeometry(attrs.imageShape, w, attrs);
  const [rows, columns] = axesOf(g, attrs);
  const kg = g.k / attrs.groups;
  return {
    key: JSON.stringify(['direct_input_gradient', w, attrs]),
    units: g.n * g.h,
    work: g.n * g.oh * g.ow * sizeOf(w) * 2,
    emit(fn) {
      const [gradients, kernel] = fn.inputs as [Local, Local];
      const sum = fn.local('f32');
      const [oy, ox] = fn.localsOf('i32', 2);
      const products = (n: Local, dy: Local, dx: Local, c: Local): Instruction[] => {
        const group = i32.mul(i32.div_u(c.get(), i32.const(g.cg)), i32.const(kg));
        const inGroup = i32.rem_u(c.get(), i32.const(g.cg));
        return fn.each(kg, (i) => {
          const k = i32.add(group, i.get());
          return [
            addTo(
              sum,
              pixel(gradients, [n, oy, ox], k, [g.oh, g.ow, g.k]),
              kernelElement(kernel, g, [dy, dx], inGroup, k),
            ),
          ];
        });
      };
      fn.eachUnit((unit) => {
        const code: Instruction[] = [];
        const [n, y] = unravel(fn, code, unit.get(), [g.h]);
        const terms = (x: Local, c: Local): Instruction[] =>
          fn.each(g.kh, (dy) =>
            ifCovered(
              fn,
              rows,
              oy,
              y,
              dy,
              fn.each(g.kw, (dx) => ifCovered(fn, columns, ox, x, dx, products(n, dy, dx, c))),
            ),
          );
        code.push(
          ...fn.each(g.w, (x) =>
            eachSum(fn, sum, at(x.get(), unit.get(), g.w), g.c, (c) => terms(x, c)),
          ),
        );
        return code;
      });
    },
  };
}

export function directFilterGradientKernel(node: Node): KernelSpec {
  const attrs = node.attrs as ConvFilterGradientAttrs;
  const x = node.inputs[0]!.shape;
  const g = convGeometry(x, attrs.kernelShape, attrs);
  const [rows, columns] = axesOf(g, attrs);
  const kg = g.k / attrs.groups;
  return {
    key: JSON.stringify(['direct_filter_gradient', x, attrs]),
    units: g.kh * g.kw * g.cg,
    work: g.n * g.oh * g.ow * sizeOf(attrs.kernelShape) * 2,
    emit(fn) {
      const [images, gradients] = fn.inputs as [Local, Local];
      const sum = fn.local('f32');
      const [py, px] = fn.localsOf('i32', 2);
      fn.eachUnit((unit) => {
        const code: Instruction[] = [];
        const [dy, dx, c] = unravel(fn, code, unit.get(), [g.kw, g.cg]);
        const product = (n: Local, oy: Local, ox: Local, k: Local): Instruction => {
          const group = i32.mul(i32.div_u(k.get(), i32.const(kg)), i32.const(g.cg));
          return addTo(
            sum,
            pixel(images, [n, py, px], i32.add(group, c.get()), [g.h, g.w, g.c]),
            pixel(gradients, [n, oy, ox], k.get(), [g.oh, g.ow, g.k]),
          );
        };
        const terms = (k: Local): Instruction[] =>
          fn.each(g.n, (n) =>
            fn.each(g.oh, (oy) =>
              ifInside(
                rows,
                py,
                oy,
                dy,
                fn.each(g.ow, (ox) => ifInside(columns, px, ox, dx, [product(n, oy, ox, k)])),
              ),
            ),
          );
        code.push(...eachSum(fn, sum, unit.get(), g.k, terms));
        return code;
      });
    },
  };
}
