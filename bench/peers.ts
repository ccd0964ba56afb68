/**
 * @file tsuno and its peers in turn on one machine: Keras on TensorFlow, PyTorch, JAX, ONNX Runtime, TensorFlow.js, jax-js.
 * Prints tables, and writes them and everything found to `runs/bench/`.
 *
 *     npm run bench:peers -- --page                        everything, onto docs/benchmarks.md; nothing else should run
 *     npm run bench:peers -- --threads 1                   every side held to one thread on one processor
 *     npm run bench:peers -- --only mnist-cnn --peers jax,torch-eager --javascript none --rounds 1
 *     npm run bench:peers -- --only lenet5 --from F        joins results of before, a file of runs/bench/
 *     npm run bench:peers -- --smoke                       shows that everything works
 *
 * The peers are Python programs (`bench/peers/README.md`), which need Python 3.11 or newer, and some in JavaScript.
 */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { nodeBinary, ownNode } from '../tools/node_binaries.ts';
import { heldTo } from './cores.ts';
import {
  contenders,
  type Figure,
  figureTables,
  joined,
  ourFigures,
  peerFigures,
} from './figures.ts';
import { networks, wholeJob } from './networks.ts';
import { writePage } from './page.ts';
import { found as out, root } from './paths.ts';
import { installJavaScriptPeers } from './peers/installed.ts';
import type { JavaScriptJob } from './peers/javascript.ts';
import type { PeerLine } from './peers/line.ts';
import { measure } from './run_job.ts';
import { digits } from './tables.ts';

const pythonPeers = [
  'keras-tensorflow',
  'torch-eager',
  'torch-eager-channels-last',
  'torch-compile',
  'torch-compile-channels-last',
  'jax',
  'onnxruntime',
];
/** Those that have one thread only are measured once. */
const javaScriptPeers = {
  'onnxruntime-web': { threads: true },
  'tensorflow.js': { threads: false },
  'tensorflow.js-wasm': { threads: false },
  'jax-js': { threads: false },
} as const satisfies Record<JavaScriptJob['peer'], { threads: boolean }>;
/** A peer that takes this many times as long as the fastest in everything is measured in the first round only. */
const outOfReach = 1.5;

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: Object.keys(networks).join(',') },
    peers: { type: 'string', default: pythonPeers.join(',') },
    javascript: { type: 'string', default: Object.keys(javaScriptPeers).join(',') },
    rounds: { type: 'string', default: '3' },
    threads: { type: 'string', default: String(availableParallelism()) },
    node: { type: 'string', default: '24' },
    from: { type: 'string' },
    python: { type: 'string' },
    page: { type: 'boolean', default: false },
    smoke: { type: 'boolean', default: false },
  },
});

/** What `runs/bench/` holds of a run. */
interface PeersResult {
  date: string;
  cpu: string;
  node: string;
  python: string;
  packages: string[];
  figures: Figure[];
}

/** Ends with a sentence and exit code 2. */
function refuse(sentence: string): never {
  console.error(sentence);
  process.exit(2);
}

function listOf(option: string, allowed: readonly string[]): string[] {
  const given = option.split(',').filter((item) => item !== 'none' && item !== '');
  const stranger = given.find((item) => !allowed.includes(item));
  if (stranger !== undefined) refuse(`"${stranger}" is none of ${allowed.join(', ')}.`);
  return given;
}

const { smoke } = options;
const names = listOf(options.only, Object.keys(networks));
const chosenPeers = listOf(options.peers, pythonPeers);
const chosenJavaScript = listOf(
  options.javascript,
  Object.keys(javaScriptPeers),
) as JavaScriptJob['peer'][];
const threadCounts = options.threads.split(',').map(Number);
if (!threadCounts.every((count) => Number.isInteger(count) && count > 0))
  refuse('--threads takes positive whole numbers, as 2,1.');
const wantedNode = nodeBinary(options.node);
if (typeof wantedNode === 'string') console.error(`Node ${options.node}: ${wantedNode}.`);
const node = typeof wantedNode === 'string' ? ownNode : wantedNode;
const inferenceBatches = smoke ? [1, 4] : [1, 32, 1000];

const before = options.from
  ? (JSON.parse(await readFile(options.from, 'utf8')) as PeersResult)
  : undefined;
const figures: Figure[] = [...(before?.figures ?? [])];
const packages = new Set<string>(before?.packages);
let pythonVersion = before?.python ?? '';

function python(): string {
  if (options.python) return options.python;
  const own = join(root, '.venv', 'bin', 'python');
  return existsSync(own) ? own : 'python3';
}

function tell({
  peer,
  network,
  batch,
  threads,
  train,
  firstStepMs,
  infer,
  peakMb,
}: PeerLine): void {
  const parts = [
    `${network}, ${batch}, ${threads} threads, ${peer}:`,
    ...(train ? [`step ${digits(train.median)} ms,`] : []),
    ...(firstStepMs === null ? [] : [`first after ${digits(firstStepMs / 1000)} s,`]),
    ...infer.map((one) => `predict ${one.batch} ${digits(one.median)} ms,`),
    `${digits(peakMb)} MiB`,
  ];
  console.error(parts.join(' '));
}

function take(line: PeerLine): void {
  figures.push(...peerFigures(line));
  tell(line);
}

/** Peers in Python on one network, all its batches. One that fails is told and left out. */
async function runPython(peers: readonly string[], network: string, threads: number) {
  const program = join(root, 'bench', 'peers', 'run.py');
  const args = [program, '--networks', network, '--threads', String(threads)];
  args.push(...(smoke ? ['--smoke'] : []), '--peers', ...peers);
  const child = spawn(python(), args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<void>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  for await (const text of createInterface({ input: child.stdout })) {
    const said = JSON.parse(text) as PeerLine | { python: string; packages: string[] };
    if ('peer' in said) take(said);
    else {
      pythonVersion = said.python;
      for (const one of said.packages) packages.add(one);
    }
  }
  await ended;
}

/** A peer in JavaScript on the article's network. */
function runJavaScript(peer: JavaScriptJob['peer'], batch: number, threads: number): void {
  const common = { peer, batch, threads, infer: inferenceBatches, smoke };
  const job: JavaScriptJob = { ...common, asked: Date.now() };
  const program = join(import.meta.dirname, 'peers', 'javascript.js');
  const [command, args] = heldTo(threads, node.path, [program, JSON.stringify(job)]);
  const said = execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  take(JSON.parse(said.trimEnd().split('\n').at(-1)!) as PeerLine);
}

async function runOurs(name: string, batch: number, threads: number): Promise<void> {
  const arithmetic = { arithmetic: 'fused', revectorize: true } as const;
  const job = { name, batch, threads, cores: threads, ...arithmetic, smoke };
  const measured = await measure(node, job, 1);
  const { peer } = networks[name]!;
  figures.push(...ourFigures(peer, measured));
  const step = `step ${digits(measured.trainMs)} ms`;
  console.error(`${peer}, ${batch}, ${threads} threads, tsuno: ${step}`);
}

async function runNetwork(name: string, threads: number, round: number): Promise<void> {
  const { peer, batches } = networks[name]!;
  const near = contenders(figures, peer, threads, outOfReach);
  const peers = round === 0 ? chosenPeers : chosenPeers.filter((one) => near.has(one));
  if (peers.length > 0) await runPython(peers, peer, threads);
  if (name === wholeJob && round === 0) {
    for (const one of chosenJavaScript)
      if (javaScriptPeers[one].threads || threads === threadCounts[0])
        runJavaScript(one, batches[0]!, threads);
  }
  const trained = figures.filter(({ kind, network }) => kind === 'train' && network === peer);
  for (const batch of new Set([...batches, ...trained.map((figure) => figure.batch)]))
    await runOurs(name, batch, threads);
}

/** What is above the tables of a number of threads. */
function heading({ date, cpu, python, packages }: PeersResult, threads: number): string {
  const held =
    threads === 1 ? 'every side held to one thread on one processor' : `${threads} threads`;
  const versions = [
    `Node ${node.version}`,
    ...(python === '' ? [] : [`Python ${python}`]),
    ...packages,
  ];
  return `${date.slice(0, 10)}, ${cpu}, ${held}. ${versions.join(', ')}.`;
}

await mkdir(out, { recursive: true });
if (chosenJavaScript.some((peer) => peer !== 'onnxruntime-web')) installJavaScriptPeers();
for (let round = 0; round < (smoke ? 1 : Number(options.rounds)); round++)
  for (const threads of threadCounts)
    for (const name of names) await runNetwork(name, threads, round);

const result: PeersResult = {
  date: new Date().toISOString(),
  cpu: cpus()[0]?.model.trim() ?? process.arch,
  node: node.version,
  python: pythonVersion,
  packages: [...packages].sort(),
  figures: joined(figures),
};
const texts = [...new Set(result.figures.map(({ threads }) => threads))].map((threads) => {
  const own = result.figures.filter((figure) => figure.threads === threads);
  return { threads, text: `${heading(result, threads)}\n\n${figureTables(own)}` };
});
const whole = texts.map(({ text }) => text).join('\n\n');
const stem = join(out, `${smoke ? 'smoke-' : ''}peers-${result.date.replace(/[:.]/g, '-')}`);
await writeFile(`${stem}.json`, `${JSON.stringify(result, null, 1)}\n`);
await writeFile(`${stem}.md`, `${whole}\n`);
console.log(whole);
console.error(`Written to ${stem}.json and .md`);
if (options.page && !smoke)
  for (const { threads, text } of texts)
    await writePage(threads === 1 ? 'peers, one thread' : 'peers', text);
