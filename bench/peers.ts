/**
 * @file tsuno and its peers in turn on one machine: Keras on TensorFlow, PyTorch, JAX, ONNX Runtime, TensorFlow.js. Writes the tables of
 * `docs/benchmarks.md`, and everything found to `runs/bench/`.
 *
 *     npm run bench:peers                                  everything, hours; nothing else should run meanwhile
 *     npm run bench:peers -- --only mnist-cnn --peers jax_step --rounds 1
 *     npm run bench:peers -- --only lenet5 --from F        joins results of before, a file of runs/bench/
 *     npm run bench:peers -- --smoke                       shows that everything works; writes to runs/bench/ only
 *
 * The peers are Python programs (`bench/peers/README.md`), which need Python 3.11 or newer, and two in JavaScript
 * (`peer_in_javascript.ts`).
 */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ownNode } from '../tools/node_binaries.ts';
import { networks, wholeJob } from './networks.ts';
import { root } from './paths.ts';
import type { JavaScriptJob } from './peer_in_javascript.ts';
import { measure } from './run_job.ts';
import { digits, table } from './tables.ts';

/** A line of a peer's program, as `bench/peers/measure.py` says; ours is given the same form. */
interface Line {
  peer: string;
  network: string;
  batch: number;
  trainMs: number | null;
  epochS: number | null;
  inferMs: number | null;
  peakMb: number;
}

interface PeersResult {
  date: string;
  machine: { cpu: string; cores: number; system: string };
  python: string;
  packages: string[];
  results: Line[];
}

const numbers = {
  trainMs: 'Training step, ms',
  inferMs: 'Inference of a batch, ms',
  epochS: 'An epoch of MNIST with validation, s',
  peakMb: 'Largest resident memory, MiB',
} as const;
type NumberName = keyof typeof numbers;

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: Object.keys(networks).join(',') },
    peers: { type: 'string', default: 'keras_tf,torch_eager,jax_step,onnxruntime_infer' },
    javascript: { type: 'string', default: 'onnxruntime-web,tensorflow.js' },
    rounds: { type: 'string', default: '3' },
    threads: { type: 'string', default: String(availableParallelism()) },
    from: { type: 'string' },
    python: { type: 'string' },
    smoke: { type: 'boolean', default: false },
  },
});
const threads = Number(options.threads);
const { smoke } = options;
const ours = `tsuno, Node ${process.versions.node}`;
const out = join(root, 'runs', 'bench');

function python(): string {
  if (options.python) return options.python;
  const own = join(root, '.venv', 'bin', 'python');
  return existsSync(own) ? own : 'python3';
}

/** One peer on one network, all its batches. A peer that fails is told and left out. */
async function runPeer(peer: string, network: string): Promise<PeersResult | undefined> {
  const folder = join(out, 'peers', peer);
  const args = [join(root, 'bench', 'peers', 'run.py'), '--peers', peer, '--networks', network];
  args.push('--threads', String(threads), '--out', folder, ...(smoke ? ['--smoke'] : []));
  const child = spawn(python(), args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const code = await new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  if (code !== 0) console.error(`${peer} on ${network} failed in part or as a whole (${code})`);
  const file = join(folder, 'results.json');
  return existsSync(file) ? (JSON.parse(await readFile(file, 'utf8')) as PeersResult) : undefined;
}

/** A peer in JavaScript, on the article's network; ONNX Runtime also with one thread. */
function runJavaScript(peer: JavaScriptJob['peer'], batch: number): Line[] {
  const counts = peer === 'onnxruntime-web' ? [...new Set([1, threads])] : [1];
  return counts.map((count) => {
    const job: JavaScriptJob = { peer, batch, threads: count, smoke };
    const program = join(import.meta.dirname, 'peer_in_javascript.js');
    const said = execFileSync(ownNode.path, [program, JSON.stringify(job)], { encoding: 'utf8' });
    console.error(said.trimEnd());
    return JSON.parse(said.trimEnd().split('\n').at(-1)!) as Line;
  });
}

async function runOurs(name: string, batch: number): Promise<Line> {
  const job = { name, batch, threads, arithmetic: 'fused', revectorize: true, smoke } as const;
  const found = await measure(ownNode, job);
  return {
    peer: ours,
    network: networks[name]!.peer,
    batch,
    trainMs: found.trainMsMin,
    epochS: found.epochMs === null ? null : found.epochMs / 1000,
    inferMs: found.inferMsMin,
    peakMb: found.peakMb,
  };
}

/** The least of each number for each program, network and batch, as the peers' own program does it. */
function best(lines: readonly Line[]): Line[] {
  const kept = new Map<string, Line>();
  for (const line of lines) {
    const key = [line.peer, line.network, line.batch].join();
    const old = kept.get(key) ?? line;
    const least = (name: NumberName) => {
      const known = [old[name], line[name]].filter((value) => value !== null);
      return known.length > 0 ? Math.min(...known) : null;
    };
    kept.set(key, {
      ...line,
      trainMs: least('trainMs'),
      inferMs: least('inferMs'),
      epochS: least('epochS'),
      peakMb: least('peakMb')!,
    });
  }
  return [...kept.values()];
}

function tables(lines: readonly Line[]): string {
  const found = (peer: string, row: Line, name: NumberName) =>
    lines.find(
      (line) => line.peer === peer && line.network === row.network && line.batch === row.batch,
    )?.[name] ?? null;
  const rows = lines.filter(
    (line, i) =>
      lines.findIndex(({ network, batch }) => network === line.network && batch === line.batch) ===
      i,
  );
  return Object.entries(numbers)
    .map(([key, title]) => {
      const name = key as NumberName;
      const peers = [...new Set(lines.map(({ peer }) => peer))]
        .filter((peer) => rows.some((row) => found(peer, row, name) !== null))
        .sort((a, b) => Number(b === ours) - Number(a === ours));
      const cells = rows
        .filter((row) => peers.some((peer) => found(peer, row, name) !== null))
        .map((row) => [
          `${row.network}, ${row.batch}`,
          ...peers.map((peer) => {
            const value = found(peer, row, name);
            return value === null ? '' : digits(value);
          }),
        ]);
      return `### ${title}\n\n${table(['network, batch', ...peers], cells)}`;
    })
    .join('\n\n');
}

const [begin, end] = ['<!-- tables: begin -->', '<!-- tables: end -->'];

async function writePage(text: string): Promise<void> {
  const file = join(root, 'docs', 'benchmarks.md');
  const page = await readFile(file, 'utf8');
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${file} has no place for the tables`);
  await writeFile(file, `${page.slice(0, from + begin.length)}\n\n${text}\n\n${page.slice(to)}`);
}

await mkdir(out, { recursive: true });
interface Results {
  date: string;
  machine: string;
  threads: number;
  node: string;
  packages: string[];
  results: Line[];
}
const before = options.from
  ? (JSON.parse(await readFile(options.from, 'utf8')) as Results)
  : undefined;
const lines: Line[] = [...(before?.results ?? [])];
const packages = new Set<string>(before?.packages);
let machine = before?.machine ?? '';
for (let round = 0; round < (smoke ? 1 : Number(options.rounds)); round++) {
  for (const name of options.only.split(',')) {
    const network = networks[name];
    if (!network) throw new Error(`no network ${name}`);
    const batches = new Set(network.batches);
    for (const peer of options.peers.split(',').filter(Boolean)) {
      const result = await runPeer(peer, network.peer);
      if (!result) continue;
      lines.push(...result.results);
      for (const { batch } of result.results) batches.add(batch);
      for (const one of result.packages) packages.add(one);
      machine = `${result.machine.cpu}, Python ${result.python}`;
    }
    if (name === wholeJob)
      for (const peer of options.javascript.split(',').filter(Boolean))
        lines.push(...runJavaScript(peer as JavaScriptJob['peer'], network.batches[0]!));
    for (const batch of batches) {
      console.error(`${ours}, ${name}, ${batch}`);
      lines.push(await runOurs(name, batch));
    }
  }
}
const results = best(lines);
const date = new Date().toISOString();
const stem = `${smoke ? 'smoke-' : ''}${date.replace(/[:.]/g, '-')}`;
const all: Results = {
  date,
  machine,
  threads,
  node: process.versions.node,
  packages: [...packages],
  results,
};
await writeFile(join(out, `${stem}.json`), `${JSON.stringify(all, null, 1)}\n`);
const text = [
  `${date.slice(0, 10)}, ${machine}, ${threads} threads. ${[...packages].join(', ')}.`,
  tables(results),
].join('\n\n');
console.log(text);
if (!smoke) await writePage(text);
