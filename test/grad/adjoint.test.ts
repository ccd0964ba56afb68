/**
 * @file Linear operations and their gradients in the engine's float32: the gradient is the adjoint, ⟨Ax, y⟩ = ⟨x, Aᵀy⟩, to
 * 1e-5 of the sum's size. No step size is needed, and the shapes are those of real kernels.
 */
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { sizeOf } from '../../src/core/shape.ts';
import { gradients } from '../../src/grad/gradients.ts';
import { Graph, type Value } from '../../src/ir/graph.ts';
import * as ops from '../../src/ops/index.ts';
import {
  engineOf,
  type InputSpec,
  makeInputs,
  runOnEngine,
  stopEngines,
} from '../backends/judge.ts';
import { convConfig, Draw, poolConfig } from '../backends/random_cases.ts';

interface LinearCase {
  /** The first is x; the others are held still. */
  inputs: readonly InputSpec[];
  apply(inputs: readonly Value[]): Value;
}

const shapes = 200;

const linear: Readonly<Record<string, (draw: Draw) => LinearCase>> = {
  'conv2d of images': (draw) => {
    const { x, w, attrs } = convConfig(draw);
    return {
      inputs: [{ shape: x }, { shape: w }],
      apply: ([a, b]) => ops.conv2d(a!, b!, attrs),
    };
  },
  'conv2d of kernels': (draw) => {
    const { x, w, attrs } = convConfig(draw);
    return {
      inputs: [{ shape: w }, { shape: x }],
      apply: ([b, a]) => ops.conv2d(a!, b!, attrs),
    };
  },
  'transposed convolution': (draw) => {
    const { x, w, attrs } = convConfig(draw);
    const g = ops.convGeometry(x, w, attrs);
    return {
      inputs: [{ shape: [g.n, g.oh, g.ow, g.k] }, { shape: w }],
      apply: ([y, b]) => ops.conv2dInputGradient(y!, b!, x, attrs),
    };
  },
  'kernel gradient': (draw) => {
    const { x, w, attrs } = convConfig(draw);
    const g = ops.convGeometry(x, w, attrs);
    return {
      inputs: [{ shape: [g.n, g.oh, g.ow, g.k] }, { shape: x }],
      apply: ([y, a]) => ops.conv2dFilterGradient(a!, y!, w, attrs),
    };
  },
  'average pooling': (draw) => {
    const { x, attrs } = poolConfig(draw);
    return { inputs: [{ shape: x }], apply: ([a]) => ops.averagePool2d(a!, attrs) };
  },
  'moving elements': (draw) => {
    const shape = draw.shape(4, 6);
    const padding = shape.map(() => [draw.int(0, 2), draw.int(0, 2)] as const);
    const start = shape.map((extent) => draw.int(0, extent - 1));
    const size = shape.map((extent, axis) => draw.int(1, extent - start[axis]!));
    const axes = draw.pick([
      [0, 1, 2, 3],
      [3, 1, 0, 2],
      [0, 3, 1, 2],
      [1, 0, 2, 3],
    ]);
    const flat = (x: Value) => ops.reshape(x, [sizeOf(x.shape)]);
    return {
      inputs: [{ shape }],
      apply: ([x]) =>
        ops.concat(
          [
            flat(ops.pad(x!, padding)),
            flat(ops.slice(x!, start, size)),
            flat(ops.transpose(x!, axes)),
            flat(ops.broadcast(ops.reduceSum(x!, [1], true), shape)),
          ],
          0,
        ),
    };
  },
  'matrix product': (draw) => {
    const [m, k, n] = [draw.int(1, 40), draw.int(1, 70), draw.int(1, 40)];
    const [ta, tb] = [draw.chance(0.5), draw.chance(0.5)];
    return {
      inputs: [{ shape: ta ? [k, m] : [m, k] }, { shape: tb ? [n, k] : [k, n] }],
      apply: ([a, b]) => ops.matmul(a!, b!, ta, tb),
    };
  },
};

function dot(a: Float64Array, b: Float64Array): { sum: number; size: number } {
  let sum = 0;
  let size = 0;
  a.forEach((value, i) => {
    sum += value * b[i]!;
    size += Math.abs(value * b[i]!);
  });
  return { sum, size };
}

describe('adjoints', () => {
  Object.entries(linear).forEach(([name, make], number) => {
    test(`${name}, ${shapes} shapes`, async () => {
      const engine = await engineOf({ threads: 2 });
      for (let seed = 1; seed <= shapes; seed++) {
        const { inputs, apply } = make(new Draw(seed, 200 + number));
        const graph = new Graph();
        const values = inputs.map(({ shape }, i) => ops.input(graph, `x${i}`, shape));
        const image = apply(values);
        const y = ops.input(graph, 'y', image.shape);
        graph.outputs.set('image', image);
        graph.outputs.set('back', gradients(image, [values[0]!], y)[0]!);
        const data = makeInputs([...inputs, { shape: image.shape }], seed);
        const given = Object.fromEntries(inputs.map((_, i) => [`x${i}`, data[i]!]));
        const found = await runOnEngine(engine, graph, { ...given, y: data.at(-1)! });
        const there = dot(found.get('image')!, data.at(-1)!);
        const back = dot(found.get('back')!, data[0]!);
        assert.ok(
          Math.abs(there.sum - back.sum) <= 1e-5 * Math.max(there.size, back.size),
          `seed ${seed}, ${JSON.stringify(inputs)}: ⟨Ax, y⟩ is ${there.sum}, ⟨x, Aᵀy⟩ ${back.sum}`,
        );
      }
    });
  });
});

after(stopEngines);
