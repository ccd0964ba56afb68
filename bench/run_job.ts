/** @file Runs jobs in fresh processes, one after the other. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { NodeBinary } from '../tools/node_binaries.ts';
import { heldTo } from './cores.ts';
import type { Job, Measurement, Results } from './job.ts';
import { timingOf } from './timing.ts';

/** @throws Error with what the process said, where it failed. */
export async function runJob<Task extends Job['task']>(
  node: NodeBinary,
  job: Omit<Job, 'task' | 'asked'> & { task: Task },
): Promise<Results[Task]> {
  const asked: Job = { ...job, asked: Date.now() };
  const name = job.task === 'start' ? 'start.js' : 'measure.js';
  const program = join(import.meta.dirname, name);
  const [command, args] = heldTo(job.cores, node.path, [program, JSON.stringify(asked)]);
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let [said, complained] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complained += text;
  });
  const code = await new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  if (code !== 0) {
    throw new Error(
      `${job.task} of ${job.name} under Node ${node.major} failed (${code}):\n${complained}`,
    );
  }
  return JSON.parse(said.trimEnd().split('\n').at(-1)!) as Results[Task];
}

/** All numbers of one network, batch, number of threads and arithmetic; the first step is taken in `starts` processes. */
export async function measure(
  binary: NodeBinary,
  given: Omit<Job, 'task' | 'asked'>,
  starts = 3,
): Promise<Measurement> {
  const started = [];
  // All but the last are there for the first step only.
  for (let round = 1; round < (given.smoke ? 1 : starts); round++)
    started.push(await runJob(binary, { ...given, smoke: true, task: 'start' }));
  started.push(await runJob(binary, { ...given, task: 'start' }));
  const last = started.at(-1)!;
  const first = timingOf(started.map(({ firstStepMs }) => firstStepMs));
  const { node, arithmetic, revectorized, ...times } = await runJob(binary, {
    ...given,
    task: 'steps',
  });
  const { name, batch, threads } = given;
  return {
    name,
    batch,
    threads,
    node,
    arithmetic,
    revectorized,
    ...times,
    firstStepMs: first.median,
    firstStepMsMin: first.min,
    firstStepMsMax: first.max,
    epochMs: last.epochMs,
    peakMb: last.peakMb,
  };
}
