/** @file The test command and the cleaning before a build, on small made-up trees. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { root } from './sources.ts';

const command = fileURLToPath(new URL('../run.js', import.meta.url));
let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsuno-run-'));
  write('package.json', '{ "type": "module" }');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}

function run(...args: string[]): { status: number | null; lines: string[] } {
  const { status, stdout } = spawnSync(process.execPath, [command, '--dir', folder, ...args], {
    encoding: 'utf8',
  });
  return { status, lines: stdout.trimEnd().split('\n') };
}

describe('the test command', () => {
  const head = "import { describe, test } from 'node:test';\n";

  test('counts, names failures and skips with their reasons, and fails', () => {
    write(
      'a/mixed.test.js',
      `${head}test('good', () => {});\ntest('bad', () => { throw new Error('told'); });\ntest('left', { skip: 'no chromium' }, () => {});`,
    );
    write(
      'b/suite.test.js',
      `${head}describe('s', () => { test('in', () => {}); });\ndescribe('broken', () => { throw new Error('at once'); });`,
    );
    write('b/empty.test.js', '');
    write('b/crash.test.js', 'process.exit(3);');
    const { status, lines } = run('--node', 'none');
    assert.equal(lines.at(-1), '2 passed, 4 failed, 1 skipped');
    assert.equal(status, 1);
    assert.ok(lines.includes('Skipped: a/mixed.test.js › left: no chromium'));
    assert.ok(lines.includes('Failed: a/mixed.test.js › bad'));
    assert.ok(lines.includes('Failed: b/suite.test.js › broken'));
    assert.ok(lines.some((line) => /^Failed: b\/empty.test.js › .* declares no test$/.test(line)));
    assert.ok(lines.some((line) => line.startsWith('Failed: b/crash.test.js')));
    assert.ok(lines.some((line) => line.includes('Error: told')));
  });

  test('passes, and --only chooses files', () => {
    write('a/good.test.js', `${head}test('good', () => {});`);
    write('b/bad.test.js', `${head}test('bad', () => { throw new Error(); });`);
    const { status, lines } = run('--node', 'none', '--only', '^a/');
    assert.deepEqual([status, lines.at(-1)], [0, '1 passed, 0 failed']);
    assert.deepEqual(
      [run('--only', 'nothing').status, run('--only', 'nothing').lines.at(-1)],
      [1, '0 passed, 0 failed'],
    );
  });

  test('runs again under another Node, or says why not', () => {
    write(
      'version.test.js',
      `${head}test('version', () => console.log('under ' + process.versions.node.split('.')[0]));`,
    );
    const own = process.versions.node.split('.')[0]!;
    const other = own === '24' ? '20' : '24';
    const { status, lines } = run('--node', `${own},${other},19`);
    assert.equal(status, 0);
    const leftOut = lines.filter((line) => line.includes('is left out'));
    assert.ok(
      leftOut.some((line) =>
        line.startsWith(`The run under Node ${own} is left out: it is the Node`),
      ),
    );
    assert.ok(leftOut.some((line) => line.startsWith('The run under Node 19 is left out: it')));
    const under = lines.filter((line) => line.startsWith('under '));
    const installed = existsSync(join(root, 'tools', 'node', 'node_modules', `node-${other}`));
    assert.deepEqual(under, installed ? [`under ${own}`, `under ${other}`] : [`under ${own}`]);
    assert.equal(lines.at(-1), installed ? '2 passed, 0 failed' : '1 passed, 0 failed');
  });
});

test('the cleaning removes what has no source, and makes tsc forget what it has not written', () => {
  const clean = () =>
    spawnSync(process.execPath, [join(root, 'tools', 'clean.mjs'), folder], { encoding: 'utf8' })
      .stdout;
  for (const name of ['kept', 'gone']) {
    for (const ending of ['.js', '.js.map', '.d.ts']) write(`dist/test/${name}.test${ending}`, '');
  }
  write('test/kept.test.ts', '');
  write('dist/test/doc-blocks/run-1/block_0.js', '');
  write('dist/.tsbuildinfo', '{}');
  assert.equal(clean(), 'Removed 3 compiled files whose sources are gone.\n');
  assert.ok(!existsSync(join(folder, 'dist/test/gone.test.js')));
  assert.ok(existsSync(join(folder, 'dist/test/kept.test.js')));
  assert.ok(existsSync(join(folder, 'dist/test/doc-blocks/run-1/block_0.js')));
  assert.ok(existsSync(join(folder, 'dist/.tsbuildinfo')));
  write('src/new.ts', '');
  assert.equal(clean(), '');
  assert.ok(!existsSync(join(folder, 'dist/.tsbuildinfo')));
});
