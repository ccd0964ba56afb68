/**
 * @file The test command: every `*.test.js` beside this file under the Node it was started with, then again under
 * another one (24; 20 when started with 24 or later) from the private workspace tools/node.
 *
 *     node dist/test/run.js                     everything
 *     node dist/test/run.js --only layers       the files whose path contains "layers" (a regular expression)
 *     node dist/test/run.js --node none         only the Node it was started with
 *     node dist/test/run.js --node 22,26        these instead of the default, where they are installed
 *
 * Out: the spec reporter's text, every skip with its reason, and as the last line `N passed, N failed`.
 * The exit code is 1 unless something passed and nothing failed.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type NodeBinary, nodeBinary, ownNode } from '../tools/node_binaries.ts';
import type { Outcome } from './repository/tally_reporter.ts';

const here = dirname(fileURLToPath(import.meta.url));
const longestTest = 10 * 60_000; // ms

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    node: { type: 'string' },
    dir: { type: 'string', default: here },
  },
});
const folder = resolve(options.dir);
const others = (options.node ?? (Number(ownNode.major) >= 24 ? '20' : '24')).split(',');

/** The test files below the folder, in a fixed order. */
function testFiles(): string[] {
  const only = new RegExp(options.only ?? '');
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.test.js') && only.test(path.replaceAll('\\', '/')))
    .map((path) => join(folder, path))
    .sort();
}

/** Runs the files under one Node; its report goes to the terminal, its outcomes come back. */
async function run(node: NodeBinary, files: string[]): Promise<Outcome[]> {
  console.log(`\nNode ${node.version}, ${files.length} test files`);
  const scratch = mkdtempSync(join(tmpdir(), 'tsuno-tests-'));
  const tally = join(scratch, 'outcomes.jsonl');
  const reporters = [
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    `--test-reporter=${new URL('./repository/tally_reporter.js', import.meta.url).href}`,
    `--test-reporter-destination=${tally}`,
  ];
  const limits = ['--test-concurrency=2', `--test-timeout=${longestTest}`];
  const { NODE_TEST_CONTEXT: _nested, ...env } = process.env; // else a test of this file would run nothing
  const child = spawn(node.path, ['--test', ...limits, ...reporters, ...files], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env,
  });
  const ended = await new Promise<string>((done) => {
    child.on('error', (error) => done(error.message));
    child.on('exit', (code, signal) => done(code === 0 ? '' : `exit ${code ?? signal}`));
  });
  const lines = existsSync(tally) ? readFileSync(tally, 'utf8').split('\n').filter(Boolean) : [];
  rmSync(scratch, { recursive: true, force: true });
  const outcomes = lines.map((line) => JSON.parse(line) as Outcome);
  if (ended !== '' && !outcomes.some(({ outcome }) => outcome === 'failed')) {
    outcomes.push({ file: '', name: `Node ${node.version}: ${ended}`, outcome: 'failed' });
  }
  return outcomes;
}

const files = testFiles();
const outcomes: Outcome[] = [];
const leftOut: string[] = [];
if (files.length > 0) {
  outcomes.push(...(await run(ownNode, files)));
  for (const major of others.filter((name) => name !== 'none')) {
    const node =
      major === ownNode.major ? 'it is the Node this was started with' : nodeBinary(major);
    if (typeof node === 'string') leftOut.push(`The run under Node ${major} is left out: ${node}.`);
    else outcomes.push(...(await run(node, files)));
  }
} else {
  console.log(`No test file in ${folder} matches ${options.only ?? '*.test.js'}.`);
}

const of = (kind: Outcome['outcome']) => outcomes.filter(({ outcome }) => outcome === kind);
const label = ({ file, name }: Outcome) =>
  file === '' ? name : `${relative(folder, file)} › ${name}`;
const [passed, failed, skipped] = [of('passed'), of('failed'), of('skipped')];

console.log('');
for (const line of leftOut) console.log(line);
for (const line of new Set(skipped.map((test) => `Skipped: ${label(test)}: ${test.reason}`)))
  console.log(line);
for (const line of new Set(failed.map((test) => `Failed: ${label(test)}`))) console.log(line);
const skips = skipped.length > 0 ? `, ${skipped.length} skipped` : '';
console.log(`${passed.length} passed, ${failed.length} failed${skips}`);
process.exitCode = failed.length === 0 && passed.length > 0 ? 0 : 1;
