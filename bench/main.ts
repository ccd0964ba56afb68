/**
 * @file The benchmark's command.
 *
 *     npm run bench                                       every network, one table, about two minutes
 *     npm run bench -- --only mnist-cnn,lenet5            some
 *     npm run -s bench -- --only mnist-cnn --json         one JSON array on stdout and nothing else
 *     npm run bench -- --threads 1,2 --node 20,24         each number of threads under each Node
 *     npm run bench -- --revectorize on,off               with and without 256-bit operations
 *     npm run bench -- --matrix                           the article's network: Nodes × arithmetics × vectors × threads
 *     npm run bench -- --profile --only resnet20          kernel by kernel
 *     npm run bench -- --scaling                          how time grows with batch, area and channels
 *     npm run bench -- --streaming                        an epoch of MNIST from memory, from files, from a generator
 *     npm run bench -- --zeros                            what zeros save in dense layers
 *
 * With `--page` the tables go onto `docs/benchmarks.md` too, which says what is measured.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { type NodeBinary, nodeBinary, ownNode } from '../tools/node_binaries.ts';
import type { Job, Measurement } from './job.ts';
import { networks, wholeJob } from './networks.ts';
import { type PageTable, writePage } from './page.ts';
import type { Profile } from './profile.ts';
import { measure, runJob } from './run_job.ts';
import { measureScaling, scalingTables } from './scaling.ts';
import { streamingTable } from './streaming.ts';
import { matrixTable, measurementTables, profileTable } from './tables.ts';
import { type ZerosResult, zerosTables } from './zeros.ts';

const { values: given } = parseArgs({
  options: {
    only: { type: 'string' },
    batch: { type: 'string' },
    threads: { type: 'string' },
    arithmetic: { type: 'string' },
    node: { type: 'string' },
    revectorize: { type: 'string' },
    matrix: { type: 'boolean', default: false },
    page: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    smoke: { type: 'boolean', default: false },
    profile: { type: 'boolean', default: false },
    scaling: { type: 'boolean', default: false },
    streaming: { type: 'boolean', default: false },
    zeros: { type: 'boolean', default: false },
  },
});

const usual = { arithmetic: 'fused', node: ownNode.major, revectorize: 'on' };
/** `--matrix` is all of these at once, but for those that are given. */
const everything = {
  only: wholeJob,
  threads: '1,2',
  arithmetic: 'fused,portable',
  node: '20,24,26',
  revectorize: 'on,off',
};
const options = { ...(given.matrix ? everything : usual), ...given };

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

/** Prints what was found, as JSON or as the tables, which may go onto the page. */
async function show(found: unknown, name: PageTable, tables: () => string): Promise<void> {
  console.log(options.json ? JSON.stringify(found) : tables());
  if (options.page && !smoke) await writePage(name, tables());
}

/** Whether this was measured already: a Node that joins no vectors is the same with and without. */
function isKnown({ binary, job }: Setting, measurements: readonly Measurement[]): boolean {
  return measurements.some(
    (one) =>
      !one.revectorized &&
      one.node === binary.version &&
      (['name', 'batch', 'threads', 'arithmetic'] as const).every((key) => one[key] === job[key]),
  );
}

if (options.profile) {
  const profiles: (Setting['job'] & Profile)[] = [];
  for (const setting of settings) {
    note(describe(setting));
    const profile = await runJob(setting.binary, { ...setting.job, task: 'profile' });
    profiles.push({ ...setting.job, ...profile });
  }
  await show(profiles, 'profile', () =>
    profiles
      .map((profile) => profileTable(`${profile.name}, batch ${profile.batch}`, profile))
      .join('\n\n'),
  );
} else if (options.scaling) {
  const [{ binary, job }] = settings as [Setting];
  const rows = await measureScaling(binary, job, note);
  await show(rows, 'scaling', () => scalingTables(rows));
} else if (options.streaming) {
  const [{ binary, job }] = settings as [Setting];
  const rows = await runJob(binary, { ...job, task: 'stream' });
  await show(rows, 'streaming', () => streamingTable(rows));
} else if (options.zeros) {
  const results: { threads: number; node: string; result: ZerosResult }[] = [];
  for (const { binary, job } of settings.filter(({ job }) => job.name === names[0])) {
    const result = await runJob(binary, { ...job, task: 'zeros' });
    results.push({ threads: job.threads, node: binary.version, result });
  }
  await show(results, 'zeros', () =>
    results
      .map(
        ({ threads, node, result }) =>
          `Node ${node}, ${threads} thread${threads > 1 ? 's' : ''}:\n\n${zerosTables(result)}`,
      )
      .join('\n\n'),
  );
} else {
  const measurements: Measurement[] = [];
  for (const setting of settings) {
    if (isKnown(setting, measurements)) continue;
    note(describe(setting));
    measurements.push(await measure(setting.binary, setting.job));
  }
  if (options.matrix) await show(measurements, 'versions of Node', () => matrixTable(measurements));
  else await show(measurements, 'networks', () => measurementTables(measurements));
}
