/** @file TensorFlow.js: its backend in JavaScript trains and predicts, its backend in WebAssembly only predicts. */
import { dirname, join } from 'node:path';
import { importInstalled, resolveInstalled } from './installed.ts';
import type { JavaScriptPeer } from './javascript.ts';
import { type ArticleBatch, articleBatch } from './mnist_batch.ts';

/** The part of TensorFlow.js that is used here. */
interface TensorFlow {
  setBackend(name: string): Promise<boolean>;
  sequential(): TensorFlowModel;
  layers: Record<string, (options: object) => unknown>;
  tensor(data: Float32Array, shape: readonly number[]): object;
}

interface TensorFlowModel {
  add(layer: unknown): void;
  compile(options: object): void;
  trainOnBatch(x: object, y: object): Promise<unknown>;
  predictOnBatch(x: object): { data(): Promise<unknown>; dispose(): void };
}

interface WasmBackend {
  setWasmPaths(folder: string): void;
  setThreadsCount(threads: number): void;
}

async function useWasm(): Promise<void> {
  const name = '@tensorflow/tfjs-backend-wasm';
  const backend = await importInstalled<WasmBackend>(name);
  backend.setWasmPaths(join(dirname(resolveInstalled(name)), '/'));
  // More need workers that this backend starts in browsers only.
  backend.setThreadsCount(1);
}

function article(tf: TensorFlow): TensorFlowModel {
  const model = tf.sequential();
  const add = (name: string, options: object) => model.add(tf.layers[name]!(options));
  add('rescaling', { scale: 1 / 255, inputShape: [28, 28, 1] });
  for (const filters of [32, 64, 128]) {
    add('conv2d', { filters, kernelSize: 3, activation: 'relu' });
    add('maxPooling2d', { poolSize: 2 });
  }
  add('flatten', {});
  add('dropout', { rate: 0.5 });
  add('dense', { units: 10, activation: 'softmax' });
  model.compile({
    optimizer: 'adam',
    loss: 'sparseCategoricalCrossentropy',
    metrics: ['accuracy'],
  });
  return model;
}

/** The article's network on one of the backends. */
export async function open(
  backend: 'cpu' | 'wasm',
  { batch, pixels, labels }: ArticleBatch,
): Promise<JavaScriptPeer> {
  const tf = await importInstalled<TensorFlow>('@tensorflow/tfjs');
  if (backend === 'wasm') await useWasm();
  if (!(await tf.setBackend(backend))) throw new Error(`no backend ${backend}`);
  const model = article(tf);
  const images = (data: Float32Array, count: number) => tf.tensor(data, [count, 28, 28, 1]);
  const predict = async (count: number) => {
    const x = images(articleBatch(count).pixels, count);
    return async (steps: number) => {
      for (let step = 0; step < steps; step++) {
        const predicted = model.predictOnBatch(x);
        await predicted.data();
        predicted.dispose();
      }
    };
  };
  if (backend === 'wasm') return { predict };
  const [x, y] = [images(pixels, batch), tf.tensor(Float32Array.from(labels), [batch, 1])];
  return {
    predict,
    train: async (steps) => {
      for (let step = 0; step < steps; step++) await model.trainOnBatch(x, y);
    },
  };
}
