/**
 * @file One peer written in JavaScript on the article's network, in a process of its own; prints a line as the Python
 * programs do (`measure.py`).
 *
 *     node dist/bench/peers/javascript.js '{"peer":"jax-js","batch":32,"threads":1,"infer":[1,32],"smoke":false,"asked":0}'
 */
import { brisk, hasty, type Steps, type Timing, timeSteps, timingOf } from '../timing.ts';
import type { PeerLine } from './line.ts';
import { articleBatch } from './mnist_batch.ts';

/** What is asked for on the command line. */
export interface JavaScriptJob {
  peer: keyof typeof peers;
  batch: number;
  threads: number;
  /** Batch sizes of inference. */
  infer: readonly number[];
  smoke: boolean;
  /** When the process was asked for, as `Date.now()`. */
  asked: number;
}

/** The network in a peer's hands. */
export interface JavaScriptPeer {
  /** Training steps, where the peer can. */
  train?: Steps;
  /** Predictions of a batch of this size. */
  predict(batch: number): Promise<Steps>;
}

/** Each opens the network with a batch of MNIST to train on. */
const peers = {
  'onnxruntime-web': async ({ threads }: JavaScriptJob) =>
    (await import('./onnxruntime_web.ts')).open(threads),
  'tensorflow.js': async ({ batch }: JavaScriptJob) =>
    (await import('./tensorflow_js.ts')).open('cpu', articleBatch(batch)),
  'tensorflow.js-wasm': async ({ batch }: JavaScriptJob) =>
    (await import('./tensorflow_js.ts')).open('wasm', articleBatch(batch)),
  'jax-js': async ({ batch }: JavaScriptJob) =>
    (await import('./jax_js.ts')).open(articleBatch(batch)),
} satisfies Record<string, (job: JavaScriptJob) => Promise<JavaScriptPeer>>;

/** Times steps that have run before. One that takes a second is timed twice and no longer. */
async function timed(steps: Steps, smoke: boolean): Promise<Timing> {
  const once = async () => {
    const began = performance.now();
    await steps(1);
    return performance.now() - began;
  };
  const first = await once();
  if (first > 1000) return timingOf([first, await once()]);
  return timeSteps(steps, smoke ? hasty : brisk);
}

async function measure(job: JavaScriptJob): Promise<PeerLine> {
  const { peer, batch, threads, smoke } = job;
  const { train, predict } = await peers[peer](job);
  let [firstStepMs, training]: [number | null, Timing | null] = [null, null];
  if (train) {
    await train(1);
    firstStepMs = Date.now() - job.asked;
    training = await timed(train, smoke);
  }
  const peakMb = process.resourceUsage().maxRSS / 1024;
  const infer = [];
  for (const size of job.infer) {
    const steps = await predict(size);
    await steps(1);
    infer.push({ batch: size, ...(await timed(steps, smoke)) });
  }
  const common = { peer, network: 'article', batch, threads };
  // Who only predicts has its largest memory with the largest batch.
  const peak = train ? peakMb : process.resourceUsage().maxRSS / 1024;
  return { ...common, train: training, firstStepMs, epochMs: null, peakMb: peak, infer };
}

const job = JSON.parse(process.argv[2]!) as JavaScriptJob;
console.log(JSON.stringify(await measure(job)));
process.exit(0);
