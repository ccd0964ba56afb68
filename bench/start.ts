/**
 * @file A start, as users have it: a program that loads the package, loads data, builds, compiles and fits, in a process of
 * its own. Reads a job from the command line, prints what it found as one line of JSON.
 */
import * as tsuno from 'tsuno';
import type { Job, StartResult } from './job.ts';
import { type BenchNetwork, networksOf, syntheticData, wholeJob } from './network_list.ts';

const { Dataset, datasets } = tsuno;

/** The first step ends with a fit of one batch. */
async function start(job: Job): Promise<StartResult> {
  const network = networksOf(tsuno)[job.name]!;
  const { images, labels, validation } = await dataOf(job, network);
  const model = network.build();
  const { threads, arithmetic, revectorize } = job;
  model.compile({
    optimizer: network.optimizer(),
    loss: 'sparse_categorical_crossentropy',
    metrics: ['accuracy'],
    threads,
    arithmetic,
    revectorize,
  });
  const fitting = { batchSize: job.batch, verbose: 0, seed: 1 } as const;
  const take = (count: number) =>
    Dataset.from({ images: images.slice(0, count), labels: labels.slice(0, count) });
  await model.fit(take(job.batch), fitting);
  const firstStepMs = Date.now() - job.asked;
  let epochMs: number | null = null;
  if (validation) {
    const training = take(job.smoke ? 2 * job.batch : images.length);
    const epochs: number[] = [];
    for (let round = 0; round < (job.smoke ? 1 : 2); round++) {
      const began = performance.now();
      await model.fit(training, { ...fitting, validationData: validation });
      epochs.push(performance.now() - began);
    }
    epochMs = Math.min(...epochs);
  } else await model.fit(take((job.smoke ? 2 : 8) * job.batch), fitting);
  model.close();
  return { firstStepMs, epochMs, peakMb: process.resourceUsage().maxRSS / 1024 };
}

async function dataOf(job: Job, network: BenchNetwork) {
  if (job.name !== wholeJob) {
    return { ...syntheticData(tsuno, network, 8 * job.batch), validation: undefined };
  }
  const { train } = await datasets.mnist.load();
  const held = 12_000;
  const { images, labels } = train.skip(held);
  return { images, labels, validation: train.take(job.smoke ? 2 * job.batch : held) };
}

console.log(JSON.stringify(await start(JSON.parse(process.argv[2]!) as Job)));
