/**
 * @file A small training step with every kind of kernel that joins vectors, run once by code that V8 has joined and once by
 * code that it has not: both must leave the same bytes in memory.
 */
import { gradients } from '../../grad/gradients.ts';
import { Graph, type Value } from '../../ir/graph.ts';
import * as ops from '../../ops/index.ts';
import { forwardPasses, runPasses } from '../../passes/index.ts';
import { makePlan } from '../../plan/plan.ts';
import { controlBytes, inputCell } from './control.ts';
import { emitModule, kernelOf } from './emit.ts';
import type { Join } from './kernel.ts';
import { passesFor } from './lowering/passes.ts';

/** A convolutional network whose weights are inputs, its loss, and all gradients. */
export function checkedStep(): Graph {
  const graph = new Graph();
  const weights: Value[] = [];
  const weight = (...shape: number[]) => {
    const value = ops.input(graph, `w${weights.length}`, shape);
    weights.push(value);
    return value;
  };
  const conv = (x: Value, filters: number, size: number, stride = 1, groups = 1) => {
    const pad = (size - 1) / 2;
    return ops.conv2d(x, weight(size, size, x.shape[3]! / groups, filters), {
      strides: [stride, stride],
      dilation: [1, 1],
      padding: [
        [pad, pad],
        [pad, pad],
      ],
      groups,
    });
  };
  const normalized = (x: Value) =>
    ops.batchNormalize(x, weight(x.shape[3]!), weight(x.shape[3]!), 1e-3).y;
  const valid = [
    [0, 0],
    [0, 0],
  ] as const;
  const pooled = (x: Value) =>
    ops.maxPool2d(x, { window: [2, 2], strides: [2, 2], padding: valid });
  const images = ops.input(graph, 'images', [2, 12, 12, 3]);
  // Convolution, ReLU and pooling as one, by panels and by Winograd's method.
  let x = normalized(pooled(ops.relu(ops.add(conv(images, 16, 3), weight(16)))));
  x = pooled(ops.relu(ops.add(conv(x, 16, 3), weight(16))));
  // Winograd without pooling, 1 × 1, depthwise, strided, few channels.
  x = ops.relu(conv(x, 16, 3));
  x = ops.tanh(conv(x, 24, 1));
  x = ops.add(conv(x, 24, 3, 1, 24), x);
  x = conv(x, 20, 3, 2);
  x = conv(x, 6, 3);
  const logits = ops.matmul(ops.reshape(x, [2, x.shape[1]! * x.shape[2]! * 6]), weight(24, 10));
  // A product that leaves out zeros.
  const listed = ops.matmul(ops.relu(weight(20, 64)), weight(64, 80));
  const loss = ops.sub(
    ops.reduceMean(ops.square(listed)),
    ops.reduceMean(ops.square(ops.logSoftmax(logits))),
  );
  graph.outputs.set('loss', loss);
  const step = runPasses(graph, forwardPasses);
  const inputs = weights.map(
    (_, i) =>
      step.nodes.find((node) => (node.attrs as { name?: string } | undefined)?.name === `w${i}`)!,
  );
  const values = inputs.map((node) => node.outputs[0]!);
  gradients(step.outputs.get('loss')!, values).forEach((gradient, i) => {
    step.outputs.set(`g${i}`, ops.sub(values[i]!, ops.mul(gradient!, 0.1)));
  });
  return step;
}

/** Compiles a module so that pairs of vectors are joined (2) or not (1). */
export type CompileFor = (
  bytes: Uint8Array<ArrayBuffer>,
  join: Join,
) => Promise<WebAssembly.Module>;

/** Whether joined code leaves the same bytes as code that is not. */
export async function selfCheck(compile: CompileFor): Promise<boolean> {
  const plan = makePlan(runPasses(checkedStep(), passesFor[2]), { threads: 1, cost: kernelOf });
  const sizes = plan.inputs.map(({ shape }) => shape.reduce((size, extent) => size * extent, 4));
  const control = 1024;
  const data = control + ((controlBytes(sizes.length) + 63) & ~63);
  const arena = sizes.reduce((address, size) => (address + size + 127) & ~63, data);
  const pages = Math.ceil((arena + plan.arenaBytes + 256) / 65536);
  const limits = { initial: pages, maximum: pages, shared: false };
  const joined = emitModule(plan, { arithmetic: 'fused', join: 2, variables: [] }).encode(limits);
  // Equal bytes would be taken for the same module: a custom section of no meaning sets them apart.
  const plain = Uint8Array.from([...joined, 0, 2, 1, 0x31]);
  const left = await Promise.all(
    ([plain, joined] as const).map(async (bytes, i) => {
      const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
      const words = new Int32Array(memory.buffer);
      let address = data;
      sizes.forEach((size, input) => {
        words[(control + inputCell(input).pointer) / 4] = address;
        const numbers = new Float32Array(memory.buffer, address, size / 4);
        for (let n = 0; n < numbers.length; n++)
          numbers[n] = ((n * 7919 + input) % 1021) / 1021 - 0.5;
        address = (address + size + 127) & ~63;
      });
      const module = await compile(bytes, i === 0 ? 1 : 2);
      const { exports } = await WebAssembly.instantiate(module, { env: { memory } });
      (exports.run as (...given: number[]) => void)(0, 1, arena, control, 1);
      return words;
    }),
  );
  const [expected, found] = left as [Int32Array, Int32Array];
  return expected.every((word, i) => word === found[i]);
}
