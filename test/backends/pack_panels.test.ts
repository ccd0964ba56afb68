/**
 * @file Weights in panels, byte for byte as the reference lays them out: rows and columns around the squares of the
 * transposition, strips of both widths, joined and not, units one by one, nothing written beside the panels.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ModuleBuilder } from '../../src/backends/wasm/assembler/module.ts';
import { kernelOf } from '../../src/backends/wasm/emit.ts';
import { bestJoin, compileFor } from '../../src/backends/wasm/joining.ts';
import { type Join, KernelBuilder } from '../../src/backends/wasm/kernel.ts';
import { type PackAttrs, packPanelsOp } from '../../src/backends/wasm/ops.ts';
import { type Shape, sizeOf } from '../../src/core/shape.ts';
import { Graph } from '../../src/ir/graph.ts';
import { input } from '../../src/ops/index.ts';

type PackFunction = (from: number, to: number, scratch: number, lo: number, hi: number) => void;

const edge = [-1, -1, -1, -1];

/** The panels with a vector of memory before and behind them, and what must be there. */
async function panelsOf(kernel: Shape, attrs: PackAttrs, join: Join) {
  const graph = new Graph();
  const w = input(graph, 'w', kernel, 'float32');
  const panels = graph.apply(packPanelsOp, [w], attrs)[0]!;
  const spec = kernelOf(panels.node);
  const fn = new KernelBuilder('pack', 1, 1, 'portable', join);
  spec.emit(fn);
  const builder = new ModuleBuilder();
  builder.add(fn, 'pack');
  const limits = { initial: 2, maximum: 2, shared: false };
  const memory = new WebAssembly.Memory({ initial: 2, maximum: 2 });
  const module = await compileFor(builder.encode(limits), join);
  const pack = new WebAssembly.Instance(module, { env: { memory } }).exports.pack as PackFunction;

  const size = sizeOf(panels.shape);
  const all = new Float32Array(memory.buffer).fill(-1);
  const start = all.length - size - 4;
  const data = Float64Array.from({ length: sizeOf(kernel) }, (_, i) => i + 1);
  all.set(data, 64);
  for (let unit = 0; unit < spec.units; unit++) pack(256, start * 4, 0, unit, unit + 1);

  const [expected] = packPanelsOp.reference!([{ shape: kernel, data }], attrs, [panels]);
  return { actual: [...all.slice(start - 4)], expected: [...edge, ...expected!, ...edge] };
}

for (const form of ['forward', 'adjoint'] as const)
  for (const width of [8, 16])
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

test('some taps of a window, in an order of their own', async () => {
  const taps = { window: [1, 2], start: [2, 2], step: [-2, -2] } as const;
  for (const form of ['forward', 'adjoint'] as const) {
    const { actual, expected } = await panelsOf([3, 4, 9, 7], { form, taps }, 1);
    assert.deepEqual(actual, expected);
  }
});
