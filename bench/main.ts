/**
 * @file The benchmark's command.
 *
 *     npm run bench                                       every network, one table, about two minutes
 *     npm run bench -- --only mnist-cnn,lenet5            some
 *     npm run -s bench -- --only mnist-cnn --json         one JSON array on stdout and nothing else
 *     npm run bench -- --threads 1,2 --node 20,24         each number of threads under each Node
 *     npm run bench -- --revectorize on,off               with and without 256-bit operations
 *     npm run bench -- --profile --only resnet20          kernel by kernel
 *     npm run bench -- --scaling                          how time grows with batch, area and channels
 *     npm run bench -- --streaming                        an epoch of MNIST from memory, from files, from a generator
 *
 * `docs/benchmarks.md` says what is measured.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { type NodeBinary, nodeBinary, ownNode } from '../tools/node_binaries.ts';
import type { Job, Measurement } from './job.ts';
import { networks } from './networks.ts';
import { measure, runJob } from './run_job.ts';
import { measureScaling, scalingTables } from './scaling.ts';
import { streamingTable } from './streaming.ts';
import { measurementTables, profileTable } from './tables.ts';

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    batch: { type: 'string' },
    threads: { type: 'string' },
    arithmetic: { type: 'string', default: 'fused' },
    node: { type: 'string', default: ownNode.major },
    revectorize: { type: 'string', default: 'on' },
    json: { type: 'boolean', default: false },
    smoke: { type: 'boolean', default: false },
    profile: { type: 'boolean', default: false },
    scaling: { type: 'boolean', default: false },
    streaming: { type: 'boolean', default: false },
  },
});

/** Ends with a sentence and exit code 2. */
function refuse(sentence: string): never {
  console.error(sentence);
  process.exit(2);
}

function listOf(option: string, allowed: readonly string[]): string[] {
  const given = option.split(',');
  const stranger = given.find((item) => !allowed.includes(item));
  if (stranger !== undefined) refuse(`"${stranger}" is none of ${allowed.join(', ')}.`);
  return given;
}

function numbersOf(name: string, option: string): number[] {
  const given = option.split(',').map(Number);
  if (!given.every((count) => Number.isInteger(count) && count > 0))
    refuse(`--${name} takes positive whole numbers, as ${name === 'batch' ? '32,128' : '1,2'}.`);
  return given;
}

const { smoke } = options;
const names = options.only ? listOf(options.only, Object.keys(networks)) : Object.keys(networks);
const arithmetics = listOf(options.arithmetic, ['fused', 'portable']) as Job['arithmetic'][];
const revectorizes = listOf(options.revectorize, ['on', 'off']).map((word) => word === 'on');
const threadCounts = numbersOf(
  'threads',
  options.threads ?? String(Math.min(8, availableParallelism())),
);
const note = (text: string) => console.error(text);
const binaries = options.node.split(',').flatMap((major) => {
  const found = nodeBinary(major);
  if (typeof found !== 'string') return [found];
  note(`Node ${major} is left out: ${found}.`);
  return [];
});
if (binaries.length === 0) refuse('There is no Node to run under.');

function batchesOf(name: string): readonly number[] {
  if (options.batch) return numbersOf('batch', options.batch);
  return smoke ? [2] : networks[name]!.batches;
}

interface Setting {
  binary: NodeBinary;
  job: Omit<Job, 'task' | 'asked'>;
}

const jobs = arithmetics.flatMap((arithmetic) =>
  revectorizes.flatMap((revectorize) =>
    threadCounts.flatMap((threads) =>
      names.flatMap((name) =>
        batchesOf(name).map((batch) => ({ name, batch, threads, arithmetic, revectorize, smoke })),
      ),
    ),
  ),
);
const settings: Setting[] = binaries.flatMap((binary) => jobs.map((job) => ({ binary, job })));

function describe({ binary, job }: Setting): string {
  const { name, batch, threads, arithmetic, revectorize } = job;
  const bits = revectorize ? '' : ', revectorizer off';
  return `${name}, batch ${batch}, ${threads} threads, ${arithmetic}${bits}, Node ${binary.major}`;
}

if (options.profile) {
  const profiles = [];
  for (const setting of settings) {
    const profile = await runJob(setting.binary, { ...setting.job, task: 'profile' });
    profiles.push({ ...setting.job, ...profile });
    if (!options.json)
      console.log(`${profileTable(`${setting.job.name}, batch ${setting.job.batch}`, profile)}\n`);
  }
  if (options.json) console.log(JSON.stringify(profiles));
} else if (options.scaling) {
  const [{ binary, job }] = settings as [Setting];
  const rows = await measureScaling(binary, job, note);
  console.log(options.json ? JSON.stringify(rows) : scalingTables(rows));
} else if (options.streaming) {
  const [{ binary, job }] = settings as [Setting];
  const rows = await runJob(binary, { ...job, task: 'stream' });
  console.log(options.json ? JSON.stringify(rows) : streamingTable(rows));
} else {
  const measurements: Measurement[] = [];
  for (const setting of settings) {
    note(describe(setting));
    measurements.push(await measure(setting.binary, setting.job));
  }
  console.log(options.json ? JSON.stringify(measurements) : measurementTables(measurements));
}
