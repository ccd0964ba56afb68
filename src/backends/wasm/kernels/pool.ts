/**
 * @file Pooling and its gradients, for any window and stride: a unit is a row of the result, channels go four at a time.
 * The gradients gather: an image element asks each window that covers it, in a fixed order.
 */
import type { Node } from '../../../ir/graph.ts';
import { type ConvGeometry, type PoolAttrs, poolGeometry } from '../../../ops/conv_geometry.ts';
import type { PoolGradientAttrs } from '../../../ops/pool2d.ts';
import {
  control,
  f32x4,
  type Instruction,
  i32,
  i32x4,
  memory,
  v128,
} from '../assembler/instructions.ts';
import { forRange, type Local } from '../assembler/module.ts';
import { at, atMost, type KernelBuilder, type KernelSpec, notNegative } from '../kernel.ts';
import { loadVector, storeVector } from './elementwise.ts';
import { orAnyNaN } from './window_maximum.ts';

export function maxPoolKernel(node: Node): KernelSpec {
  const attrs = node.attrs as PoolAttrs;
  const g = poolGeometry(node.inputs[0]!.shape, attrs);
  const winnerType = node.outputs[1]!.dtype;
  return {
    key: JSON.stringify(['max_pool', node.inputs[0]!.shape, attrs]),
    units: g.n * g.oh,
    work: g.n * g.oh * g.ow * g.c * g.kh * g.kw,
    emit(fn) {
      const top = fn.local('v128');
      const winner = fn.local('v128');
      const wins = fn.local('v128');
      const x = fn.local('v128');
      const y = fn.local('i32');
      const w = fn.local('i32');
      eachPooled(fn, g, (window, output, lanes) => [
        top.set(f32x4.const(Number.NEGATIVE_INFINITY)),
        winner.set(i32x4.const(-1)),
        ...eachTap(fn, g, attrs, window, (address, position) => [
          x.set(v128.load(address)),
          // The first tap inside the image always wins, so that a window of −∞ has a winner too; NaN wins for good.
          wins.set(v128.or(f32x4.gt(x.get(), top.get()), i32x4.eq(winner.get(), i32x4.const(-1)))),
          wins.set(orAnyNaN(wins.get(), [x])),
          top.set(v128.bitselect(x.get(), top.get(), wins.get())),
          winner.set(v128.bitselect(i32x4.splat(position), winner.get(), wins.get())),
        ]),
        y.set(at(fn.outputs[0]!.get(), output, 4)),
        w.set(at(fn.outputs[1]!.get(), output, winnerType === 'uint8' ? 1 : 4)),
        ...storeVector(fn, 'float32', y, top.get(), lanes),
        ...storeVector(fn, winnerType, w, winner.get(), lanes),
      ]);
    },
  };
}

export function averagePoolKernel(node: Node): KernelSpec {
  const attrs = node.attrs as PoolAttrs;
  const g = poolGeometry(node.inputs[0]!.shape, attrs);
  return {
    key: JSON.stringify(['average_pool', node.inputs[0]!.shape, attrs]),
    units: g.n * g.oh,
    work: g.n * g.oh * g.ow * g.c * g.kh * g.kw,
    emit(fn) {
      const sum = fn.local('v128');
      const count = fn.local('i32');
      const y = fn.local('i32');
      eachPooled(fn, g, (window, output, lanes) => [
        sum.set(f32x4.const(0)),
        count.set(i32.const(0)),
        ...eachTap(fn, g, attrs, window, (address) => [
          sum.set(f32x4.add(sum.get(), v128.load(address))),
          count.add(1),
        ]),
        y.set(at(fn.outputs[0]!.get(), output, 4)),
        ...storeVector(fn, 'float32', y, f32x4.div(sum.get(), floatSplat(count.get())), lanes),
      ]);
    },
  };
}

function floatSplat(integer: Instruction): Instruction {
  return f32x4.convert_i32x4_s(i32x4.splat(integer));
}

/** A window: image number, its first row and column (may lie in the padding), channel. */
interface Window {
  n: Local;
  y0: Local;
  x0: Local;
  c: Local;
}

/** Unit = (image, pooled row). `body` gets the output element's index and how many of its four lanes exist. */
function eachPooled(
  fn: KernelBuilder,
  g: ConvGeometry,
  body: (
    window: Window & { oy: Local; ox: Local },
    output: Instruction,
    lanes: number,
  ) => Instruction[],
): void {
  fn.eachUnit((unit) => {
    const code: Instruction[] = [];
    const n = fn.define(code, i32.div_u(unit.get(), i32.const(g.oh)));
    const oy = fn.define(code, i32.rem_u(unit.get(), i32.const(g.oh)));
    const y0 = fn.local('i32');
    const x0 = fn.local('i32');
    code.push(
      ...fn.each(g.ow, (ox) => {
        const channel = fn.local('i32');
        const element = i32.add(
          i32.mul(at(ox.get(), unit.get(), g.ow), i32.const(g.c)),
          channel.get(),
        );
        const of = (lanes: number) => body({ n, oy, ox, y0, x0, c: channel }, element, lanes);
        return channels(channel, g.c, of);
      }),
    );
    return code;
  });
}

/** Channels in vectors of four, then the rest. */
export function channels(
  channel: Local,
  count: number,
  body: (lanes: number) => Instruction[],
): Instruction[] {
  const whole = count & ~3;
  const code = whole > 0 ? forRange(channel, i32.const(0), () => i32.const(whole), 4, body(4)) : [];
  return count % 4 === 0 ? code : [...code, channel.set(i32.const(whole)), ...body(count % 4)];
}

const unpadded = ({ padding }: PoolAttrs) => padding.flat().every((zeros) => zeros === 0);

/** Taps of the window of (oy, ox) that lie inside the image, row-major. */
function eachTap(
  fn: KernelBuilder,
  g: ConvGeometry,
  attrs: PoolAttrs,
  window: Window & { oy: Local; ox: Local },
  body: (address: Instruction, position: Instruction) => Instruction[],
): Instruction[] {
  const { strides, padding } = attrs;
  if (unpadded(attrs) && g.kh * g.kw <= 9) {
    // Every tap is inside: one address, constant distances.
    const first = fn.local('i32');
    const row = i32.add(
      i32.mul(window.n.get(), i32.const(g.h)),
      i32.mul(window.oy.get(), i32.const(strides[0])),
    );
    const pixel = i32.add(
      i32.mul(row, i32.const(g.w)),
      i32.mul(window.ox.get(), i32.const(strides[1])),
    );
    return [
      first.set(
        at(fn.inputs[0]!.get(), i32.add(i32.mul(pixel, i32.const(g.c)), window.c.get()), 4),
      ),
      ...Array.from({ length: g.kh * g.kw }, (_, tap) => {
        const distance = (Math.floor(tap / g.kw) * g.w + (tap % g.kw)) * g.c * 4;
        return body(i32.add(first.get(), i32.const(distance)), i32.const(tap));
      }).flat(),
    ];
  }
  const y = fn.local('i32');
  const x = fn.local('i32');
  const inside = (value: Local, extent: number) => i32.lt_u(value.get(), i32.const(extent));
  return fn.each(g.kh, (dy) => [
    y.set(
      i32.sub(
        i32.add(i32.mul(window.oy.get(), i32.const(strides[0])), dy.get()),
        i32.const(padding[0][0]),
      ),
    ),
    control.if(
      inside(y, g.h),
      fn.each(g.kw, (dx) => {
        const pixel = at(x.get(), at(y.get(), window.n.get(), g.h), g.w);
        const address = at(
          fn.inputs[0]!.get(),
          i32.add(i32.mul(pixel, i32.const(g.c)), window.c.get()),
          4,
        );
        return [
          x.set(
            i32.sub(
              i32.add(i32.mul(window.ox.get(), i32.const(strides[1])), dx.get()),
              i32.const(padding[1][0]),
            ),
          ),
          control.if(
            inside(x, g.w),
            body(address, i32.add(i32.mul(dy.get(), i32.const(g.kw)), dx.get())),
          ),
        ];
      }),
    ),
  ]);
}

export function maxPoolGradientKernel(node: Node): KernelSpec {
  const winnerType = node.inputs[1]!.dtype;
  const attrs = node.attrs as PoolGradientAttrs;
  if (isTiling(attrs)) {
    return tilingGradient('max_pool_gradient', node, (fn, index, position) => {
      const place = at(fn.inputs[1]!.get(), index, winnerType === 'uint8' ? 1 : 4);
      const mine = i32x4.eq(loadVector(winnerType, place), i32x4.const(position));
      return v128.and(v128.load(at(fn.inputs[0]!.get(), index, 4)), mine);
    });
  }
  return gradientKernel('max_pool_gradient', node, (fn, { sum, output, position }) => {
    const winner = loadVector(
      winnerType,
      at(fn.inputs[1]!.get(), output.get(), winnerType === 'uint8' ? 1 : 4),
    );
    const mine = i32x4.eq(winner, i32x4.splat(position));
    return [
      sum.set(
        f32x4.add(sum.get(), v128.and(v128.load(at(fn.inputs[0]!.get(), output.get(), 4)), mine)),
      ),
    ];
  });
}

export function averagePoolGradientKernel(node: Node): KernelSpec {
  const attrs = node.attrs as PoolGradientAttrs;
  if (isTiling(attrs)) {
    const share = f32x4.const(attrs.window[0] * attrs.window[1]);
    return tilingGradient('average_pool_gradient', node, (fn, index) =>
      f32x4.div(v128.load(at(fn.inputs[0]!.get(), index, 4)), share),
    );
  }
  const g = poolGeometry(attrs.imageShape, attrs);
  return gradientKernel('average_pool_gradient', node, (fn, { sum, output, oy, ox }) => {
    const inWindow = (o: Local, axis: 0 | 1, taps: number, extent: number) => {
      const first = i32.sub(
        i32.mul(o.get(), i32.const(attrs.strides[axis])),
        i32.const(attrs.padding[axis][0]),
      );
      return countInside(fn, first, taps, extent);
    };
    const rows = inWindow(oy, 0, g.kh, g.h);
    const columns = inWindow(ox, 1, g.kw, g.w);
    const share = f32x4.div(
      v128.load(at(fn.inputs[0]!.get(), output.get(), 4)),
      floatSplat(i32.mul(rows.value, columns.value)),
    );
    return [...rows.code, ...columns.code, sum.set(f32x4.add(sum.get(), share))];
  });
}

/** How many of `taps` places from `first` on lie in 0 … extent − 1. */
function countInside(
  fn: KernelBuilder,
  first: Instruction,
  taps: number,
  extent: number,
): { code: Instruction[]; value: Instruction } {
  const code: Instruction[] = [];
  const from = fn.define(code, first);
  const to = fn.define(code, i32.add(from.get(), i32.const(taps)));
  code.push(from.set(notNegative(from.get())), to.set(atMost(to.get(), extent)));
  return { code, value: i32.sub(to.get(), from.get()) };
}

interface Covering {
  sum: Local;
  /** Index of the window's output element. */
  output: Local;
  oy: Local;
  ox: Local;
  /** The image element's place in the window. */
  position: Instruction;
}

/** Unit = (image, image row): for each element, `body` for each window that covers it. */
function gradientKernel(
  name: string,
  node: Node,
  body: (fn: KernelBuilder, covering: Covering) => Instruction[],
): KernelSpec {
  const attrs = node.attrs as PoolGradientAttrs;
  const g = poolGeometry(attrs.imageShape, attrs);
  return {
    key: JSON.stringify([name, attrs]),
    units: g.n * g.h,
    work:
      g.n *
      g.h *
      g.w *
      g.c *
      Math.ceil(g.kh / attrs.strides[0]) *
      Math.ceil(g.kw / attrs.strides[1]),
    emit(fn) {
      const sum = fn.local('v128');
      const output = fn.local('i32');
      const [oy, ox] = fn.localsOf('i32', 2);
      const channel = fn.local('i32');
      const to = fn.local('i32');
      // Window o covers place i at tap t where o·stride + t = i + padding.
      const eachWindow = (
        place: Local,
        axis: 0 | 1,
        taps: number,
        positions: number,
        o: Local,
        then: (tap: Local) => Instruction[],
      ) => {
        const shifted = fn.local('i32');
        return fn.each(taps, (tap) => [
          shifted.set(i32.sub(i32.add(place.get(), i32.const(attrs.padding[axis][0])), tap.get())),
          control.if(i32.ge_s(shifted.get(), i32.const(0)), [
            o.set(i32.div_u(shifted.get(), i32.const(attrs.strides[axis]))),
            control.if(
              i32.and(
                i32.eq(i32.mul(o.get(), i32.const(attrs.strides[axis])), shifted.get()),
                i32.lt_s(o.get(), i32.const(positions)),
              ),
              then(tap),
            ),
          ]),
        ]);
      };
      fn.eachUnit((unit) => {
        const code: Instruction[] = [];
        const n = fn.define(code, i32.div_u(unit.get(), i32.const(g.h)));
        const y = fn.define(code, i32.rem_u(unit.get(), i32.const(g.h)));
        code.push(
          ...fn.each(g.w, (x) =>
            channels(channel, g.c, (lanes) => [
              sum.set(f32x4.const(0)),
              ...eachWindow(y, 0, g.kh, g.oh, oy, (dy) =>
                eachWindow(x, 1, g.kw, g.ow, ox, (dx) => [
                  output.set(
                    i32.add(
                      i32.mul(at(ox.get(), at(oy.get(), n.get(), g.oh), g.ow), i32.const(g.c)),
                      channel.get(),
                    ),
                  ),
                  ...body(fn, {
                    sum,
                    output,
                    oy,
                    ox,
                    position: i32.add(i32.mul(dy.get(), i32.const(g.kw)), dx.get()),
                  }),
                ]),
              ),
              to.set(
                at(
                  fn.outputs[0]!.get(),
                  i32.add(i32.mul(at(x.get(), unit.get(), g.w), i32.const(g.c)), channel.get()),
                  4,
                ),
              ),
              ...storeVector(fn, 'float32', to, sum.get(), lanes),
            ]),
          ),
        );
        return code;
      });
    },
  };
}

/** Whether windows lie side by side without padding: each image element belongs to one at most. */
function isTiling(attrs: PoolGradientAttrs): boolean {
  const { window, strides } = attrs;
  return (
    unpadded(attrs) &&
    window[0] === strides[0] &&
    window[1] === strides[1] &&
    window[0] * window[1] <= 9
  );
}

/** Unit = (image, pooled row): its image rows are zeroed, then each window's elements written from its own gradient. */
function tilingGradient(
  name: string,
  node: Node,
  element: (fn: KernelBuilder, index: Instruction, position: number) => Instruction,
): KernelSpec {
  const attrs = node.attrs as PoolGradientAttrs;
  const g = poolGeometry(attrs.imageShape, attrs);
  const [kh, kw] = attrs.window;
  const rowBytes = g.w * g.c * 4;
  return {
    key: JSON.stringify([name, 'tiling', attrs, node.inputs.map(({ dtype }) => dtype)]),
    units: g.n * g.oh,
    work: g.n * g.h * g.w * g.c * 2,
    emit(fn) {
      const [channel, to, index] = fn.localsOf('i32', 3);
      const value = fn.local('v128');
      fn.eachUnit((unit) => {
        const code: Instruction[] = [];
        const n = fn.define(code, i32.div_u(unit.get(), i32.const(g.oh)));
        const oy = fn.define(code, i32.rem_u(unit.get(), i32.const(g.oh)));
        const firstRow = i32.add(
          i32.mul(n.get(), i32.const(g.h)),
          i32.mul(oy.get(), i32.const(kh)),
        );
        const base = fn.define(code, at(fn.outputs[0]!.get(), firstRow, rowBytes));
        // The last unit of an image has the rows that no window covers, too.
        const rows = control.select(
          i32.const(g.h - (g.oh - 1) * kh),
          i32.const(kh),
          i32.eq(oy.get(), i32.const(g.oh - 1)),
        );
        if (g.oh * kh < g.h || g.ow * kw < g.w) {
          code.push(memory.fill(base.get(), i32.const(0), i32.mul(rows, i32.const(rowBytes))));
        }
        code.push(
          ...fn.each(g.ow, (ox) =>
            channels(channel, g.c, (lanes) => [
              index.set(
                i32.add(i32.mul(at(ox.get(), unit.get(), g.ow), i32.const(g.c)), channel.get()),
              ),
              ...Array.from({ length: kh * kw }, (_, position) => {
                const distance = Math.floor(position / kw) * rowBytes + (position % kw) * g.c * 4;
                const place = i32.add(i32.mul(ox.get(), i32.const(kw * g.c)), channel.get());
                return [
                  to.set(i32.add(at(base.get(), place, 4), i32.const(distance))),
                  value.set(element(fn, index.get(), position)),
                  ...storeVector(fn, 'float32', to, value.get(), lanes),
                ];
              }).flat(),
            ]),
          ),
        );
        return code;
      });
    },
  };
}
