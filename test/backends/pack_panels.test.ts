/**
 * @file Weights in panels, byte for byte as the reference lays them out: rows and columns around the squares of the
 * transposition, strips of all widths, joined and not, units one by one, nothing written beside the panels.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ModuleBuilder } from '../../src/backends/wasm/assembler/module.ts';
import { kernelOf } from '../../src/backends/wasm/emit.ts';
import { bestJoin, compileFor } from '../../src/backends/wasm/joining.ts';
import { type Join, KernelBuilder } from '../../src/backends/wasm/kernel.ts';
import { type PackAttrs, packPanelsOp } from '../../src/backends/wasm/ops/convolution.ts';
import { type Shape, sizeOf } from '../../src/core/shape.ts';
import { Graph } from '../../src/ir/graph.ts';
import { input } from '../../src/ops/index.ts';

type PackFunction = (from: number, ...rest: number[]) => void;

const edge = [-1, -1, -1, -1];

/** The panels with a vector of memory before and behind them, and what must be there; so of what is told as finite. */
async function panelsOf(
  kernel: Shape,
  attrs: PackAttrs,
  join: Join,
  fill: (i: number) => number = (i) => i + 1,
) {
  const graph = new Graph();
  const w = input(graph, 'w', kernel, 'float32');
  const outputs = graph.apply(packPanelsOp, [w], attrs);
  const spec = kernelOf(outputs[0]!.node);
  const fn = new KernelBuilder('pack', 1, outputs.length, 'portable', join);
  spec.emit(fn);
  const builder = new ModuleBuilder();
  builder.add(fn, 'pack');
  const limits = { initial: 2, maximum: 2, shared: false };
  const memory = new WebAssembly.Memory({ initial: 2, maximum: 2 });
  const module = await compileFor(builder.encode(limits), join);
  const pack = new WebAssembly.Instance(module, { env: { memory } }).exports.pack as PackFunction;

  const all = new Float32Array(memory.buffer).fill(-1);
  const data = Float64Array.from({ length: sizeOf(kernel) }, (_, i) => fill(i));
  all.set(data, 64);
  let end = all.length;
  const starts = outputs.map(({ shape }) => {
    end -= sizeOf(shape) + 4;
    return end;
  });
  const pointers = starts.map((start) => start * 4);
  for (let unit = 0; unit < spec.units; unit++) pack(256, ...pointers, 0, unit, unit + 1);

  const results = packPanelsOp.reference!([{ shape: kernel, data }], attrs, outputs);
  const [panels, finite = []] = starts.map((start, i) => [
    ...all.slice(start - (i === 0 ? 4 : 0), start + results[i]!.length + (i === 0 ? 4 : 0)),
  ]);
  const spans = (sums: ArrayLike<number> = []) =>
    Array.from({ length: sums.length / 4 }, (_, span) => {
      const own = Array.from(sums).slice(span * 4, span * 4 + 4);
      return own.some(Number.isNaN) ? 'not finite' : own.every((sum) => sum === 0);
    });
  return {
    actual: { panels, finite: spans(finite) },
    expected: { panels: [...edge, ...results[0]!, ...edge], finite: spans(results[1]) },
  };
}

for (const form of ['forward', 'adjoint'] as const)
  for (const width of [8, 16, 24, 64])
    test(`${form}, strips of ${width}`, async () => {
      const joins: Join[] = (await bestJoin()) === 2 ? [1, 2] : [1];
      for (const window of [[1, 1] as const, [2, 3] as const])
        for (const c of [1, 3, 4, 6, 16, 19, 41])
          for (const k of [1, 3, 4, 6, 16, 19, 41])
            for (const join of joins) {
              const { actual, expected } = await panelsOf([...window, c, k], { form, width }, join);
              assert.deepEqual(actual, expected, `${window}, ${c} → ${k}, join ${join}`);
            }
    });

for (const form of ['forward', 'adjoint'] as const)
  test(`${form}: which spans are finite`, async () => {
    const joins: Join[] = (await bestJoin()) === 2 ? [1, 2] : [1];
    for (const width of [24, 64])
      for (const [c, k] of [
        [80, 96],
        [33, 19],
      ] as const)
        for (const bad of [Number.NaN, Infinity, -Infinity])
          for (const place of [0, 17, c * k - 1, undefined])
            for (const join of joins) {
              const attrs = { form, width, checked: true } as const;
              const fill = (i: number) => (i === place ? bad : i - 100);
              const { actual, expected } = await panelsOf([1, 1, c, k], attrs, join, fill);
              assert.deepEqual(actual, expected, `${c} → ${k}, ${bad} at ${place}`);
            }
  });

test('some taps of a window, in an order of their own', async () => {
  const taps = { window: [1, 2], start: [2, 2], step: [-2, -2] } as const;
  for (const form of ['forward', 'adjoint'] as const) {
    const { actual, expected } = await panelsOf([3, 4, 9, 7], { form, taps }, 1);
    assert.deepEqual(actual, expected);
  }
});
