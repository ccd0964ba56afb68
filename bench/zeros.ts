/**
 * @file What zeros save: products by the share of zeros in one of their matrices, and steps of the dense network on MNIST, four
 * fifths of whose pixels are black, and on random images without a zero.
 */
import type { EngineOptions } from '../src/backends/wasm/engine.ts';
import { RandomSequence } from '../src/core/random.ts';
import { datasets, type Model, Tensor } from '../src/index.ts';
import { Graph, type Value } from '../src/ir/graph.ts';
import { input, less, matmul, select } from '../src/ops/index.ts';
import { Session } from '../src/runtime/session.ts';
import { digits, table } from './tables.ts';
import { brisk, hasty, timeSteps } from './timing.ts';

const shares = [0, 0.3, 0.5, 0.8, 0.95] as const;

interface Product {
  name: string;
  shapes: readonly (readonly [number, number])[];
  /** Which of the matrices has the zeros. */
  sparse: number;
  of(...matrices: readonly Value[]): Value;
}

function gradient(batch: number, sparse: 0 | 1): Product {
  return {
    name: `xᵀ · g, 784 × ${batch} × 512, zeros in ${['x', 'g'][sparse]}`,
    shapes: [
      [batch, 784],
      [batch, 512],
    ],
    sparse,
    of: (x, g) => matmul(x!, g!, true),
  };
}

const products: readonly Product[] = [
  {
    name: 'x · w, 32 × 512 × 512',
    shapes: [
      [32, 512],
      [512, 512],
    ],
    sparse: 0,
    of: (x, w) => matmul(x!, w!),
  },
  {
    name: 'g · wᵀ where y > 0, 32 × 512 × 512, zeros in y',
    shapes: [
      [32, 512],
      [512, 512],
      [32, 512],
    ],
    sparse: 2,
    of: (g, w, y) => select(less(0, y!), matmul(g!, w!, false, true), 0),
  },
  gradient(32, 0),
  gradient(32, 1),
  gradient(128, 0),
  gradient(128, 1),
];

export interface ZerosResult {
  /** Least milliseconds of each product, by share of zeros. */
  products: { name: string; ms: number[] }[];
  /** Least milliseconds a step of an epoch of `fit`, everything included. */
  fits: { images: string; ms: number }[];
}

/** @param model the dense network, compiled. */
export async function measureZeros(
  model: Model,
  engine: EngineOptions,
  { batch, smoke }: { batch: number; smoke: boolean },
): Promise<ZerosResult> {
  const session = await Session.open(engine);
  const measured: ZerosResult['products'] = [];
  for (const product of smoke ? products.slice(0, 2) : products) {
    const ms: number[] = [];
    for (const share of shares) ms.push(await timeProduct(session, product, share, smoke));
    measured.push({ name: product.name, ms });
  }
  session.close();
  return { products: measured, fits: await timeFits(model, batch, smoke) };
}

async function timeProduct(
  session: Session,
  { shapes, sparse, of }: Product,
  share: number,
  smoke: boolean,
): Promise<number> {
  const random = new RandomSequence(1, 80);
  const graph = new Graph();
  const values = shapes.map((shape, i) => input(graph, `x${i}`, shape));
  graph.outputs.set('y', of(...values));
  const inputs = Object.fromEntries(
    values.map(({ shape }, i) => {
      const matrix = new Tensor('float32', shape);
      for (let n = 0; n < matrix.size; n++) {
        const u = random.uniform();
        matrix.data[n] = i === sparse && u < share ? 0 : u + 0.1;
      }
      return [`x${i}`, { region: session.lend(matrix) }];
    }),
  );
  const program = await session.compile(graph);
  const run = async (steps: number) => void (await session.run(program, { inputs, steps }));
  const { min } = await timeSteps(run, smoke ? hasty : brisk);
  return min;
}

async function timeFits(model: Model, batch: number, smoke: boolean): Promise<ZerosResult['fits']> {
  const { train } = await datasets.mnist.load({ only: 'train' });
  const count = smoke ? 4 * batch : 60_000;
  const random = new RandomSequence(1, 81);
  const digitsOf = train.images.slice(0, count);
  const imagesOf = (element: (i: number) => number): Tensor => {
    const images = new Tensor('float32', digitsOf.shape);
    for (let i = 0; i < images.size; i++) images.data[i] = element(i);
    return images;
  };
  const all = {
    MNIST: imagesOf((i) => digitsOf.data[i]! / 255),
    'random numbers': imagesOf(() => random.uniform() + 0.001),
  };
  const fits: ZerosResult['fits'] = [];
  for (const [name, images] of Object.entries(all)) {
    let ms = Number.POSITIVE_INFINITY;
    for (let epoch = 0; epoch < (smoke ? 1 : 4); epoch++) {
      const began = performance.now();
      const labels = train.labels.slice(0, count);
      await model.fit(images, labels, { batchSize: batch, verbose: 0, seed: 1 });
      ms = Math.min(ms, (performance.now() - began) / (count / batch));
    }
    fits.push({ images: name, ms });
  }
  return fits;
}

export function zerosTables({ products, fits }: ZerosResult): string {
  const percent = shares.map((share) => `${share * 100} %`);
  return [
    table(
      ['product', ...percent.map((share) => `${share} zeros, ms`)],
      products.map(({ name, ms }) => [name, ...ms.map(digits)]),
    ),
    table(
      ['dense network on', 'a step of `fit`, ms'],
      fits.map(({ images, ms }) => [images, digits(ms)]),
    ),
  ].join('\n\n');
}
