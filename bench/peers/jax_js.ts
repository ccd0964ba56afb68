/**
 * @file jax-js on its WebAssembly device: the article's training step written by hand and jitted, as in `jax_step.py`;
 * channels first, as it wants them. Arguments are consumed; `.ref` keeps one for later.
 */
import { importInstalled } from './installed.ts';
import type { JavaScriptPeer } from './javascript.ts';
import { type ArticleBatch, articleBatch } from './mnist_batch.ts';

/** The part of jax-js that is used here. */
interface JaxArray {
  readonly ref: JaxArray;
  readonly shape: number[];
  add(other: Operand): JaxArray;
  sub(other: Operand): JaxArray;
  mul(other: Operand): JaxArray;
  div(other: Operand): JaxArray;
  sum(): JaxArray;
  reshape(shape: number[]): JaxArray;
  data(): Promise<ArrayLike<number>>;
  dispose(): void;
}

type Operand = JaxArray | number;
/** Weights and biases of the layers. */
type Parameters = [JaxArray, JaxArray][];
type State = [weights: Parameters, m: Parameters, v: Parameters, step: JaxArray];

interface Jax {
  init(device: 'wasm'): Promise<string[]>;
  defaultDevice(device: 'wasm'): string;
  jit<F extends (...args: never[]) => unknown>(f: F): F;
  valueAndGrad(
    f: (weights: Parameters, ...rest: JaxArray[]) => JaxArray,
  ): (weights: Parameters, ...rest: JaxArray[]) => [JaxArray, Parameters];
  blockUntilReady<Tree>(tree: Tree): Promise<Tree>;
  lax: {
    conv(x: JaxArray, kernel: JaxArray, strides: number[], padding: 'VALID'): JaxArray;
    reduceWindow(
      x: JaxArray,
      reduce: (window: JaxArray) => JaxArray,
      window: number[],
      strides: number[],
    ): JaxArray;
  };
  nn: Record<'relu' | 'logSoftmax' | 'softmax', (x: JaxArray) => JaxArray> & {
    oneHot(classes: JaxArray, count: number): JaxArray;
  };
  numpy: {
    array(data: Float32Array | Int32Array | number): JaxArray;
    zeros(shape: number[]): JaxArray;
    matmul(a: JaxArray, b: JaxArray): JaxArray;
    max(x: JaxArray): JaxArray;
    sqrt(x: JaxArray): JaxArray;
    square(x: JaxArray): JaxArray;
    power(base: Operand, exponent: Operand): JaxArray;
    where(condition: JaxArray, then: Operand, otherwise: Operand): JaxArray;
  };
  random: {
    key(seed: number): JaxArray;
    normal(key: JaxArray, shape: number[]): JaxArray;
    bernoulli(key: JaxArray, probability: number, shape: number[]): JaxArray;
  };
  tree: {
    map(f: (...leaves: JaxArray[]) => JaxArray, ...trees: Parameters[]): Parameters;
    ref<Tree>(tree: Tree): Tree;
  };
}

const kernels = [
  [32, 1, 3, 3],
  [64, 32, 3, 3],
  [128, 64, 3, 3],
  [128, 10],
];

/** The article's network; `dropout` is given in training. */
function logits({ lax, nn, numpy, random }: Jax, weights: Parameters, x: JaxArray, key?: JaxArray) {
  let y = x.mul(1 / 255);
  for (const [kernel, bias] of weights.slice(0, 3)) {
    y = nn.relu(lax.conv(y, kernel, [1, 1], 'VALID').add(bias.reshape([1, -1, 1, 1])));
    y = lax.reduceWindow(y, (window) => numpy.max(window), [2, 2], [2, 2]);
  }
  y = y.reshape([y.shape[0]!, -1]);
  if (key) y = numpy.where(random.bernoulli(key, 0.5, y.shape), y.mul(2), 0);
  const [kernel, bias] = weights[3]!;
  return numpy.matmul(y, kernel).add(bias);
}

function trainStep(jax: Jax, batch: number) {
  const { nn, numpy, tree } = jax;
  const loss = (weights: Parameters, ...[x, y, key]: JaxArray[]) =>
    nn
      .logSoftmax(logits(jax, weights, x!, key))
      .mul(y!)
      .sum()
      .mul(-1 / batch);
  return jax.jit((...[weights, m, v, step, x, y, key]: [...State, ...JaxArray[]]): State => {
    const [value, gradients] = jax.valueAndGrad(loss)(tree.ref(weights), x!, y!, key!);
    value.dispose();
    const next = step.add(1);
    const mean = tree.map((old, g) => old!.mul(0.9).add(g!.mul(0.1)), m, tree.ref(gradients));
    const squares = tree.map(
      (old, g) => old!.mul(0.999).add(numpy.square(g!).mul(0.001)),
      v,
      gradients,
    );
    const left = (beta: number) => numpy.power(beta, next.ref).mul(-1).add(1);
    const rate = numpy.sqrt(left(0.999)).div(left(0.9)).mul(1e-3);
    const moved = tree.map(
      (weight, a, b) => weight!.sub(a!.mul(rate.ref).div(numpy.sqrt(b!).add(1e-7))),
      weights,
      tree.ref(mean),
      tree.ref(squares),
    );
    rate.dispose();
    return [moved, mean, squares, next];
  });
}

/** The article's network with random weights. */
export async function open({ batch, pixels, labels }: ArticleBatch): Promise<JavaScriptPeer> {
  const jax = await importInstalled<Jax>('@jax-js/jax');
  await jax.init('wasm');
  jax.defaultDevice('wasm');
  const { nn, numpy, random, tree } = jax;
  const initial = kernels.map((shape, i): [JaxArray, JaxArray] => [
    random.normal(random.key(i), shape).mul(0.05),
    numpy.zeros([i < 3 ? shape[0]! : shape[1]!]),
  ]);
  const zeros = (): Parameters =>
    initial.map(([kernel, bias]) => [numpy.zeros(kernel.shape), numpy.zeros(bias.shape)]);
  let state: State = [initial, zeros(), zeros(), numpy.array(0)];
  const images = (data: Float32Array) => numpy.array(data).reshape([-1, 1, 28, 28]);
  const x = images(pixels);
  const y = nn.oneHot(numpy.array(Int32Array.from(labels)), 10);
  const step = trainStep(jax, batch);
  const probabilities = jax.jit((weights: Parameters, data: JaxArray) =>
    nn.softmax(logits(jax, weights, data)),
  );
  let key = 0;
  return {
    train: async (steps) => {
      for (let i = 0; i < steps; i++) {
        state = step(...state, x.ref, y.ref, random.key(key++));
        await jax.blockUntilReady(state);
      }
    },
    predict: async (count) => {
      const data = images(articleBatch(count).pixels);
      return async (steps) => {
        for (let i = 0; i < steps; i++) await probabilities(tree.ref(state[0]), data.ref).data();
      };
    },
  };
}
