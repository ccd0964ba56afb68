/**
 * @file Images read at places between pixels, and the gradient that goes back to the pixels. A unit is a row of the
 * output, for the gradient a whole image, so that sums have one order. Channels go four at a time.
 */
import { sizeOf } from '../../../core/shape.ts';
import type { Node } from '../../../ir/graph.ts';
import type { SampleAttrs, SampleGradientAttrs } from '../../../ops/sample2d.ts';
import {
  control,
  f32x4,
  type Instruction,
  i32,
  i32x4,
  memory,
  v128,
} from '../assembler/instructions.ts';
import type { Local } from '../assembler/module.ts';
import { at, type KernelBuilder, type KernelSpec } from '../kernel.ts';
import { storeVector } from './elementwise.ts';
import { channels } from './pool.ts';

interface Extents {
  h: number;
  w: number;
  c: number;
  oh: number;
  ow: number;
}

function extentsOf(imageShape: readonly number[], rows: readonly number[]): Extents {
  const [, h, w, c] = imageShape as readonly [number, number, number, number];
  const [, oh, ow] = rows as readonly [number, number, number];
  return { h, w, c, oh, ow };
}

/** A pixel that an output pixel reads. */
interface Corner {
  /** Whether it lies in the image. */
  inside: Local;
  /** Index of its first element, if so. */
  element: Local;
  row: 0 | 1;
  column: 0 | 1;
}

/** The pixels around one place, and how much of each row and column of them is taken. */
class Corners {
  readonly corners: readonly Corner[];
  /** Shares of the upper and lower row, the left and right column, each in all lanes. */
  readonly rowShares: readonly [Local, Local];
  readonly columnShares: readonly [Local, Local];
  private readonly fn: KernelBuilder;
  private readonly extents: Extents;
  private readonly bilinear: boolean;

  constructor(fn: KernelBuilder, extents: Extents, { interpolation }: SampleAttrs) {
    this.fn = fn;
    this.extents = extents;
    this.bilinear = interpolation === 'bilinear';
    this.rowShares = fn.localsOf('v128', 2);
    this.columnShares = fn.localsOf('v128', 2);
    const places = this.bilinear
      ? ([
          [0, 0],
          [0, 1],
          [1, 0],
          [1, 1],
        ] as const)
      : ([[0, 0]] as const);
    this.corners = places.map(([row, column]) => ({
      inside: fn.local('i32'),
      element: fn.local('i32'),
      row,
      column,
    }));
  }

  /** Finds the corners of output pixel `output` of image `n`; places lie at `rows` and `columns`. */
  find(n: Instruction, output: Instruction, rows: Local, columns: Local): Instruction[] {
    const { fn, extents } = this;
    const code: Instruction[] = [];
    const first = [rows, columns].map((places, axis) => {
      const place = fn.define(code, v128.load32_splat(at(places.get(), output, 4)), 'v128');
      return this.split(code, place, axis === 0 ? this.rowShares : this.columnShares);
    });
    for (const { inside, element, row, column } of this.corners) {
      const y = fn.define(code, i32.add(first[0]!.get(), i32.const(row)));
      const x = fn.define(code, i32.add(first[1]!.get(), i32.const(column)));
      const pixel = at(x.get(), at(y.get(), n, extents.h), extents.w);
      code.push(
        inside.set(
          i32.and(i32.lt_u(y.get(), i32.const(extents.h)), i32.lt_u(x.get(), i32.const(extents.w))),
        ),
        element.set(i32.mul(pixel, i32.const(extents.c))),
      );
    }
    return code;
  }

  /** The pixel at or before `place` along an axis, and the shares of it and the next. */
  private split(code: Instruction[], place: Local, shares: readonly [Local, Local]): Local {
    const { fn } = this;
    const number = (whole: Instruction) =>
      fn.define(code, i32x4.extract_lane(i32x4.trunc_sat_f32x4_s(whole), 0));
    if (!this.bilinear) {
      const half = v128.or(v128.and(place.get(), i32x4.const(1 << 31)), f32x4.const(0.5));
      return number(f32x4.add(place.get(), half));
    }
    const whole = fn.define(code, f32x4.floor(place.get()), 'v128');
    code.push(
      shares[1].set(f32x4.sub(place.get(), whole.get())),
      shares[0].set(f32x4.sub(f32x4.const(1), shares[1].get())),
    );
    return number(whole.get());
  }

  /** Σ shares·`values`, rows of corners first. */
  blend(values: readonly Local[]): Instruction {
    if (!this.bilinear) return values[0]!.get();
    const [left, right] = this.columnShares;
    const row = (a: Local, b: Local) =>
      f32x4.add(f32x4.mul(left.get(), a.get()), f32x4.mul(right.get(), b.get()));
    const [top, bottom] = this.rowShares;
    return f32x4.add(
      f32x4.mul(top.get(), row(values[0]!, values[1]!)),
      f32x4.mul(bottom.get(), row(values[2]!, values[3]!)),
    );
  }

  /** `value` times the share of a corner. */
  weigh({ row, column }: Corner, value: Instruction): Instruction {
    if (!this.bilinear) return value;
    const share = f32x4.mul(this.rowShares[row].get(), this.columnShares[column].get());
    return f32x4.mul(share, value);
  }
}

export function sampleKernel(node: Node): KernelSpec {
  const attrs = node.attrs as SampleAttrs;
  const [images, rows] = [node.inputs[0]!.shape, node.inputs[1]!.shape];
  const extents = extentsOf(images, rows);
  const { c, oh, ow } = extents;
  return {
    key: JSON.stringify(['sample', images, rows, attrs.interpolation, String(attrs.fillValue)]),
    units: rows[0]! * oh,
    work: sizeOf(rows) * (16 + c * 4),
    emit(fn) {
      const corners = new Corners(fn, extents, attrs);
      const values = fn.localsOf('v128', corners.corners.length);
      const channel = fn.local('i32');
      const to = fn.local('i32');
      fn.eachUnit((unit) => {
        const code: Instruction[] = [];
        const n = fn.define(code, i32.div_u(unit.get(), i32.const(oh)));
        code.push(
          ...fn.each(ow, (ox) => {
            const output = at(ox.get(), unit.get(), ow);
            return [
              ...corners.find(n.get(), output, fn.inputs[1]!, fn.inputs[2]!),
              ...channels(channel, c, (lanes) => [
                ...corners.corners.map(({ inside, element }, i) => {
                  const from = at(fn.inputs[0]!.get(), i32.add(element.get(), channel.get()), 4);
                  return control.if(
                    inside.get(),
                    [values[i]!.set(v128.load(from))],
                    [values[i]!.set(f32x4.const(attrs.fillValue))],
                  );
                }),
                to.set(at(fn.outputs[0]!.get(), at(channel.get(), output, c), 4)),
                ...storeVector(fn, 'float32', to, corners.blend(values), lanes),
              ]),
            ];
          }),
        );
        return code;
      });
    },
  };
}

export function sampleGradientKernel(node: Node): KernelSpec {
  const attrs = node.attrs as SampleGradientAttrs;
  const rows = node.inputs[1]!.shape;
  const extents = extentsOf(attrs.imageShape, rows);
  const { h, w, c, oh, ow } = extents;
  const bytes = h * w * c * 4;
  return {
    key: JSON.stringify(['sample_gradient', attrs.imageShape, rows, attrs.interpolation]),
    units: rows[0]!,
    work: sizeOf(rows) * (16 + c * 8),
    emit(fn) {
      const corners = new Corners(fn, extents, attrs);
      const channel = fn.local('i32');
      const to = fn.local('i32');
      fn.eachUnit((n) => [
        memory.fill(at(fn.outputs[0]!.get(), n.get(), bytes), i32.const(0), i32.const(bytes)),
        ...fn.each(oh * ow, (pixel) => {
          const output = at(pixel.get(), n.get(), oh * ow);
          const g = v128.load(at(fn.inputs[0]!.get(), at(channel.get(), output, c), 4));
          return [
            ...corners.find(n.get(), output, fn.inputs[1]!, fn.inputs[2]!),
            ...channels(channel, c, (lanes) =>
              corners.corners.map((corner) => {
                const sum = f32x4.add(v128.load(to.get()), corners.weigh(corner, g));
                return control.if(corner.inside.get(), [
                  to.set(at(fn.outputs[0]!.get(), i32.add(corner.element.get(), channel.get()), 4)),
                  ...storeVector(fn, 'float32', to, sum, lanes),
                ]);
              }),
            ),
          ];
        }),
      ]);
    },
  };
}
