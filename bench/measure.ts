/**
 * @file One measurement in a process of its own: reads a job from the command line, prints what it found as one line of JSON.
 *
 *     node dist/bench/measure.js '{"task":"steps","name":"mnist-cnn","batch":32,…}'
 */
import type { EngineOptions } from '../src/backends/wasm/engine.ts';
import { applications, type Model, type Tensor } from '../src/index.ts';
import { inputNames } from '../src/train/step.ts';
import type { Job, Results, StepsResult, TrainResult } from './job.ts';
import { multiplyAddsOf } from './multiply_adds.ts';
import { type BenchNetwork, networks, syntheticData, wholeJob } from './networks.ts';
import { type Profile, type ProfileInputs, profileStep } from './profile.ts';
import { measureStreaming, type StreamRow } from './streaming.ts';
import { Subject } from './subject.ts';
import { brisk, hasty, thorough, timeSteps } from './timing.ts';
import { measureZeros, type ZerosResult } from './zeros.ts';

const inferenceBatches = [1, 32, 1000] as const;
/** Samples in the engine, over which steps go round and round. */
const samples = 512;

function networkOf({ name, variant }: Job): BenchNetwork {
  const network = networks[name];
  if (!network) throw new Error(`no network ${name}`);
  if (!variant) return network;
  const { image, filters } = variant;
  const build = () => applications.vggLike(filters, { inputShape: image });
  return { ...network, image, build };
}

const engineOf = ({ threads, arithmetic, revectorize }: Job): EngineOptions => ({
  threads,
  arithmetic,
  revectorize,
});

function compileFor(job: Job, network: BenchNetwork, model: Model): void {
  model.compile({
    optimizer: network.optimizer(),
    loss: 'sparse_categorical_crossentropy',
    metrics: ['accuracy'],
    ...engineOf(job),
  });
}

async function steps(job: Job): Promise<StepsResult> {
  const [timing, inferenceTiming] = job.smoke ? [hasty, hasty] : [thorough, brisk];
  const network = networkOf(job);
  const largest = job.smoke ? 4 : Math.max(...inferenceBatches);
  const { images, labels } = syntheticData(network, Math.max(samples, largest));
  const model = network.build();
  const subject = await Subject.open(model, images, labels, engineOf(job));
  const { threads, arithmetic, revectorized } = subject.session.engine;
  if (threads !== job.threads) throw new Error(`${threads} threads instead of ${job.threads}`);
  const train = await timeSteps(
    (await subject.training(network.optimizer(), job.batch)).run,
    timing,
  );
  const batches = job.smoke ? [1, 4] : inferenceBatches;
  const inProgram = new Map<number, Awaited<ReturnType<typeof timeSteps>>>();
  for (const batch of new Set([...batches, job.batch]))
    inProgram.set(batch, await timeSteps(await subject.prediction(batch), inferenceTiming));
  subject.close();
  compileFor(job, network, model);
  const infer: { batch: number; programMs: number; predictMs: number }[] = [];
  for (const batch of batches) {
    const x = images.slice(0, batch);
    const predicted = await timeSteps((count) => predictOften(model, x, count), inferenceTiming);
    infer.push({
      batch,
      programMs: inProgram.get(batch)!.median,
      predictMs: predicted.median,
    });
  }
  model.close();
  const own = inProgram.get(job.batch)!;
  return {
    node: process.versions.node,
    arithmetic: arithmetic as StepsResult['arithmetic'],
    revectorized,
    trainMs: train.median,
    trainMsMin: train.min,
    trainMsMax: train.max,
    inferMs: own.median,
    inferMsMin: own.min,
    inferMsMax: own.max,
    infer,
  };
}

async function predictOften(model: Model, x: Tensor, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await model.predict(x, { batchSize: x.length });
}

async function train(job: Job): Promise<TrainResult> {
  const network = networkOf(job);
  const { images, labels } = syntheticData(network, samples);
  const subject = await Subject.open(network.build(), images, labels, engineOf(job));
  const { run, plan } = await subject.training(network.optimizer(), job.batch);
  const { median } = await timeSteps(run, job.smoke ? hasty : { ...thorough, rounds: 5 });
  subject.close();
  const multiplyAdds = plan.kernels.reduce((sum, { node }) => sum + multiplyAddsOf(node), 0);
  return { trainMs: median, multiplyAdds };
}

async function profile(job: Job): Promise<Profile> {
  const network = networkOf(job);
  const { images, labels } = syntheticData(network, job.batch);
  const graph = Subject.trainGraph(network.build(), images, labels, network.optimizer(), job.batch);
  const rows = Int32Array.from({ length: job.batch }, (_, i) => i);
  const inputs: ProfileInputs = {
    [inputNames.x(0)]: images,
    [inputNames.y(0)]: labels,
    [inputNames.rows]: { dtype: 'int32', shape: [job.batch], data: rows },
  };
  return profileStep(graph, inputs, engineOf(job), job.smoke ? 5 : 1500);
}

async function stream(job: Job): Promise<StreamRow[]> {
  const network = networkOf({ ...job, name: wholeJob });
  const model = network.build();
  compileFor(job, network, model);
  const rows = await measureStreaming(model, job);
  model.close();
  return rows;
}

async function zeros(job: Job): Promise<ZerosResult> {
  const network = networkOf({ ...job, name: 'mlp' });
  const model = network.build();
  compileFor(job, network, model);
  const result = await measureZeros(model, engineOf(job), job);
  model.close();
  return result;
}

const tasks: { [Task in Exclude<Job['task'], 'start'>]: (job: Job) => Promise<Results[Task]> } = {
  steps,
  train,
  profile,
  stream,
  zeros,
};

const job = JSON.parse(process.argv[2]!) as Job;
if (job.task === 'start') throw new Error('start.js measures a start');
console.log(JSON.stringify(await tasks[job.task](job)));
