/**
 * @file Convolution with groups and both its gradients, in plain loops that take every padding, stride and dilation: the
 * general case behind the kernels that are fast on what is usual. A unit is an output row (or a kernel element's channels
 * for the kernel's gradient); channels of one group are summed one by one.
 */
import { sizeOf } from '../../../core/shape.ts';
import type { Node } from '../../../ir/graph.ts';
import { type ConvAttrs, type ConvGeometry, convGeometry } from '../../../ops/conv_geometry.ts';
import type { ConvFilterGradientAttrs, ConvInputGradientAttrs } from '../../../ops/conv2d.ts';
import { control, f32, type Instruction, i32 } from '../assembler/instructions.ts';
import type { Local } from '../assembler/module.ts';
import { at, type KernelBuilder, type KernelSpec, unravel } from '../kernel.ts';

/** `then` where `o·stride + tap·dilation − before` lies in 0 … extent − 1; it is `place`. */
function ifInside(
  place: Local,
  o: Instruction,
  tap: Instruction,
  axis: 0 | 1,
  attrs: ConvAttrs,
  extent: number,
  then: Instruction[],
): Instruction[] {
  const first = i32.sub(
    i32.mul(o, i32.const(attrs.strides[axis])),
    i32.const(attrs.padding[axis][0]),
  );
  return [
    place.set(i32.add(first, i32.mul(tap, i32.const(attrs.dilation[axis])))),
    control.if(i32.lt_u(place.get(), i32.const(extent)), then),
  ];
}

/** `then` where a whole number `o` < `positions` has `o·stride + tap·dilation − before = place`. */
function ifCovered(
  fn: KernelBuilder,
  o: Local,
  place: Instruction,
  tap: Instruction,
  axis: 0 | 1,
  attrs: ConvAttrs,
  positions: number,
  then: Instruction[],
): Instruction[] {
  const shifted = fn.local('i32');
  const stride = i32.const(attrs.strides[axis]);
  return [
    shifted.set(
      i32.sub(
        i32.add(place, i32.const(attrs.padding[axis][0])),
        i32.mul(tap, i32.const(attrs.dilation[axis])),
      ),
    ),
    control.if(i32.ge_s(shifted.get(), i32.const(0)), [
      o.set(i32.div_u(shifted.get(), stride)),
      control.if(
        i32.and(
          i32.eq(i32.mul(o.get(), stride), shifted.get()),
          i32.lt_s(o.get(), i32.const(positions)),
        ),
        then,
      ),
    ]),
  ];
}

/** Element index of [n, y, x, c] in images of extents (h, w, c). */
function element(
  n: Instruction,
  y: Instruction,
  x: Instruction,
  c: Instruction,
  h: number,
  w: number,
  channels: number,
): Instruction {
  return i32.add(i32.mul(at(x, at(y, n, h), w), i32.const(channels)), c);
}

const loadAt = (base: Local, index: Instruction): Instruction => f32.load(at(base.get(), index, 4));
const addTo = (sum: Local, a: Instruction, b: Instruction): Instruction =>
  sum.set(f32.add(sum.get(), f32.mul(a, b)));

function kernelElement(
  g: ConvGeometry,
  dy: Local,
  dx: Local,
  c: Instruction,
  k: Instruction,
): Instruction {
  return at(k, at(c, at(dx.get(), dy.get(), g.kw), g.cg), g.k);
}

export function directConvKernel(node: Node): KernelSpec {
  const attrs = node.attrs as ConvAttrs;
  const [x, w] = [node.inputs[0]!.shape, node.inputs[1]!.shape];
  const g = convGeometry(x, w, attrs);
  const kg = g.k / attrs.groups;
  return {
    key: JSON.stringify(['direct_conv', x, w, attrs]),
    units: g.n * g.oh,
    work: g.n * g.oh * g.ow * sizeOf(w) * 2,
    emit(fn) {
      const sum = fn.local('f32');
      const [py, px] = fn.localsOf('i32', 2) as [Local, Local];
      fn.eachUnit((unit) => {
        const code: Instruction[] = [];
        const [n, oy] = unravel(fn, code, unit.get(), [g.oh]) as [Local, Local];
        const body = (ox: Local, k: Local): Instruction[] => {
          const group = i32.mul(i32.div_u(k.get(), i32.const(kg)), i32.const(g.cg));
          return fn.each(g.kh, (dy) =>
            ifInside(
              py,
              oy.get(),
              dy.get(),
              0,
              attrs,
              g.h,
              fn.each(g.kw, (dx) =>
                ifInside(
                  px,
                  ox.get(),
                  dx.get(),
                  1,
                  attrs,
                  g.w,
                  fn.each(g.cg, (c) => [
                    addTo(
                      sum,
                      loadAt(
                        fn.inputs[0]!,
                        element(
                          n.get(),
                          py.get(),
                          px.get(),
                          i32.add(group, c.get()),
                          g.h,
                          g.w,
                          g.c,
                        ),
                      ),
                      loadAt(fn.inputs[1]!, kernelElement(g, dy, dx, c.get(), k.get())),
                    ),
                  ]),
                ),
              ),
            ),
          );
        };
        code.push(
          ...fn.each(g.ow, (ox) =>
            fn.each(g.k, (k) => [
              sum.set(f32.const(0)),
              ...body(ox, k),
              f32.store(
                at(fn.outputs[0]!.get(), at(k.get(), at(ox.get(), unit.get(), g.ow), g.k), 4),
                sum.get(),
              ),
            ]),
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
  const kg = g.k / attrs.groups;
  return {
    key: JSON.stringify(['direct_input_gradient', w, attrs]),
    units: g.n * g.h,
    work: g.n * g.oh * g.ow * sizeOf(w) * 2,
    emit(fn) {
      const sum = fn.local('f32');
      const [oy, ox] = fn.localsOf('i32', 2) as [Local, Local];
      fn.eachUnit((unit) => {
        const code: Instruction[] = [];
        const [n, y] = unravel(fn, code, unit.get(), [g.h]) as [Local, Local];
        const body = (x: Local, c: Local): Instruction[] => {
          const group = i32.mul(i32.div_u(c.get(), i32.const(g.cg)), i32.const(kg));
          return fn.each(g.kh, (dy) =>
            ifCovered(
              fn,
              oy,
              y.get(),
              dy.get(),
              0,
              attrs,
              g.oh,
              fn.each(g.kw, (dx) =>
                ifCovered(
                  fn,
                  ox,
                  x.get(),
                  dx.get(),
                  1,
                  attrs,
                  g.ow,
                  fn.each(kg, (k) => [
                    addTo(
                      sum,
                      loadAt(
                        fn.inputs[0]!,
                        element(
                          n.get(),
                          oy.get(),
                          ox.get(),
                          i32.add(group, k.get()),
                          g.oh,
                          g.ow,
                          g.k,
                        ),
                      ),
                      loadAt(
                        fn.inputs[1]!,
                        kernelElement(
                          g,
                          dy,
                          dx,
                          i32.rem_u(c.get(), i32.const(g.cg)),
                          i32.add(group, k.get()),
                        ),
                      ),
                    ),
                  ]),
                ),
              ),
            ),
          );
        };
        code.push(
          ...fn.each(g.w, (x) =>
            fn.each(g.c, (c) => [
              sum.set(f32.const(0)),
              ...body(x, c),
              f32.store(
                at(fn.outputs[0]!.get(), at(c.get(), at(x.get(), unit.get(), g.w), g.c), 4),
                sum.get(),
              ),
            ]),
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
  const kg = g.k / attrs.groups;
  return {
    key: JSON.stringify(['direct_filter_gradient', x, attrs]),
    units: g.kh * g.kw * g.cg,
    work: g.n * g.oh * g.ow * sizeOf(attrs.kernelShape) * 2,
    emit(fn) {
      const sum = fn.local('f32');
      const [py, px] = fn.localsOf('i32', 2) as [Local, Local];
      fn.eachUnit((unit) => {
        const code: Instruction[] = [];
        const [dy, dx, c] = unravel(fn, code, unit.get(), [g.kw, g.cg]) as [Local, Local, Local];
        code.push(
          ...fn.each(g.k, (k) => {
            const channel = i32.add(
              i32.mul(i32.div_u(k.get(), i32.const(kg)), i32.const(g.cg)),
              c.get(),
            );
            return [
              sum.set(f32.const(0)),
              ...fn.each(g.n, (n) =>
                fn.each(g.oh, (oy) =>
                  ifInside(
                    py,
                    oy.get(),
                    dy.get(),
                    0,
                    attrs,
                    g.h,
                    fn.each(g.ow, (ox) =>
                      ifInside(px, ox.get(), dx.get(), 1, attrs, g.w, [
                        addTo(
                          sum,
                          loadAt(
                            fn.inputs[0]!,
                            element(n.get(), py.get(), px.get(), channel, g.h, g.w, g.c),
                          ),
                          loadAt(
                            fn.inputs[1]!,
                            element(n.get(), oy.get(), ox.get(), k.get(), g.oh, g.ow, g.k),
                          ),
                        ),
                      ]),
                    ),
                  ),
                ),
              ),
              f32.store(at(fn.outputs[0]!.get(), at(k.get(), unit.get(), g.k), 4), sum.get()),
            ];
          }),
        );
        return code;
      });
    },
  };
}
