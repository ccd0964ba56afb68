/**
 * @file One peer written in JavaScript on the article's network, in a process of its own; prints a line as the Python programs
 * do. TensorFlow.js is installed into `runs/bench/js` first; ONNX Runtime's WebAssembly build is there for the tests.
 *
 *     node dist/bench/peer_in_javascript.js '{"peer":"onnxruntime-web","batch":32,"threads":1,"smoke":false}'
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { toOnnx } from '../src/index.ts';
import { networks, syntheticData, wholeJob } from './networks.ts';
import { root } from './paths.ts';
import { hasty, thorough, timeSteps } from './timing.ts';

/** What is asked for on the command line. */
export interface JavaScriptJob {
  peer: 'onnxruntime-web' | 'tensorflow.js';
  batch: number;
  threads: number;
  smoke: boolean;
}

const tensorflow = { name: '@tensorflow/tfjs', version: '4.22.0' } as const;

const job = JSON.parse(process.argv[2]!) as JavaScriptJob;
const network = networks[wholeJob]!;
const { images, labels } = syntheticData(network, job.batch);
const pixels = Float32Array.from(images.data);
const timing = job.smoke ? hasty : thorough;

interface Found {
  trainMs: number | null;
  inferMs: number;
}

async function onnxRuntimeWeb(): Promise<Found> {
  const ort = await import('onnxruntime-web');
  ort.env.wasm.numThreads = job.threads;
  ort.env.logLevel = 'error';
  const session = await ort.InferenceSession.create(toOnnx(network.build()));
  const feeds = {
    [session.inputNames[0]!]: new ort.Tensor('float32', pixels, [...images.shape]),
  };
  const { min } = await timeSteps(async (steps) => {
    for (let step = 0; step < steps; step++) await session.run(feeds);
  }, timing);
  return { trainMs: null, inferMs: min };
}

/** Where TensorFlow.js lies; installs it where it does not. */
function installed(): string {
  const home = join(root, 'runs', 'bench', 'js');
  const { name, version } = tensorflow;
  const manifest = join(home, 'node_modules', name, 'package.json');
  const there =
    existsSync(manifest) &&
    (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version === version;
  if (!there) {
    mkdirSync(home, { recursive: true });
    writeFileSync(join(home, 'package.json'), '{ "private": true }\n');
    execFileSync(
      'npm',
      ['install', '--no-audit', '--no-fund', '--ignore-scripts', `${name}@${version}`],
      {
        cwd: home,
        stdio: ['ignore', 'ignore', 'inherit'],
      },
    );
  }
  return createRequire(join(home, 'package.json')).resolve(name);
}

/** The part of TensorFlow.js that is used here. */
interface TensorFlow {
  setBackend(name: string): Promise<boolean>;
  sequential(): TensorFlowModel;
  layers: Record<string, (options: object) => unknown>;
  tensor(data: Float32Array, shape: readonly number[]): { dispose(): void };
}

interface TensorFlowModel {
  add(layer: unknown): void;
  compile(options: object): void;
  trainOnBatch(x: unknown, y: unknown): Promise<unknown>;
  predictOnBatch(x: unknown): { data(): Promise<unknown>; dispose(): void };
}

async function tensorFlow(): Promise<Found> {
  const loaded = (await import(pathToFileURL(installed()).href)) as { default?: TensorFlow };
  const tf = loaded.default ?? (loaded as unknown as TensorFlow);
  await tf.setBackend('cpu');
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
  const x = tf.tensor(pixels, images.shape);
  const y = tf.tensor(Float32Array.from(labels.data), [job.batch, 1]);
  // A step takes seconds: two are enough, of which the first is the slower.
  const few = job.smoke ? hasty : { ...hasty, rounds: 2, steps: 1 };
  const { min: trainMs } = await timeSteps(async () => {
    await model.trainOnBatch(x, y);
  }, few);
  const { min: inferMs } = await timeSteps(async () => {
    const predicted = model.predictOnBatch(x);
    await predicted.data();
    predicted.dispose();
  }, few);
  return { trainMs, inferMs };
}

const found = await (job.peer === 'onnxruntime-web' ? onnxRuntimeWeb() : tensorFlow());
const line = {
  peer: `${job.peer}${job.peer === 'onnxruntime-web' ? `, ${job.threads} threads` : ''}`,
  network: network.peer,
  batch: job.batch,
  epochS: null,
  peakMb: process.resourceUsage().maxRSS / 1024,
  ...found,
};
console.log(JSON.stringify(line));
process.exit(0);
