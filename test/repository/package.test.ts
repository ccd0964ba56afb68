/**
 * @file The package as a user gets it: what is in it, whether an empty project that installs it runs and compiles,
 * and what publint says. Its dependencies come from npm's cache or the registry.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { read, root } from './sources.ts';

const manifest = JSON.parse(read('package.json')) as { name: string; version: string };
const noRegistry =
  /\b(?:ENOTFOUND|ENOTCACHED|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EIDLETIMEOUT|E50[234]|network)\b/;

/** A user's program: a network that learns which of two numbers is larger, saved and loaded. */
const program = `import { type History, Input, layers, loadModel, Model, optimizers, Tensor } from 'tsuno';
const inputs = Input({ shape: [2] });
const outputs = layers.dense(2, { activation: 'softmax' })(inputs);
const model: Model = new Model({ inputs, outputs });
model.summary();
const optimizer = new optimizers.Adam({ learningRate: 0.02 });
model.compile({ optimizer, loss: 'sparse_categorical_crossentropy', metrics: ['accuracy'], threads: 2 });
const x = new Tensor('float32', [64, 2], Float32Array.from({ length: 128 }, (_, i) => Math.sin(i * i)));
const y = new Tensor('uint8', [64], Uint8Array.from({ length: 64 }, (_, i) => Number(x.data[2 * i]! > x.data[2 * i + 1]!)));
const history: History = await model.fit(x, y, { epochs: 200, batchSize: 8, seed: 1, verbose: 0 });
const losses: readonly number[] = history.history['loss'] ?? [];
console.log('it learned:', losses.at(-1)! < 0.3, history.history['accuracy']?.at(-1)! > 0.9);
await model.save('model.keras');
const again = await loadModel('model.keras');
const [before, after] = [await model.predict(x), await again.predict(x)];
console.log('it was saved:', before.data.join() === after.data.join());
model.close();
again.close();
`;

interface Packed {
  filename: string;
  unpackedSize: number;
  files: { path: string; size: number }[];
}

/** npm, by way of the one that runs this test where there is one. */
function npm(args: string[], cwd: string) {
  const cli = process.env.npm_execpath;
  const [command, first] = cli?.endsWith('.js') ? [process.execPath, [cli]] : ['npm', []];
  return spawnSync(command, [...first, ...args], {
    cwd,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
}

describe('the package', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'tsuno-package-'));
  const project = join(scratch, 'project');
  let packed: Packed;
  let installError: string | undefined;

  before(() => {
    const made = npm(['pack', '--json', '--ignore-scripts', '--pack-destination', scratch], root);
    assert.equal(made.status, 0, made.stderr);
    packed = firstPacked(JSON.parse(made.stdout));
    mkdirSync(project);
    writeFileSync(
      join(project, 'package.json'),
      '{ "name": "user", "private": true, "type": "module" }',
    );
    const flags = ['--prefer-offline', '--no-audit', '--no-fund', '--fetch-retries=0'];
    const installed = npm(['install', ...flags, join(scratch, packed.filename)], project);
    if (installed.status !== 0) installError = installed.stderr;
  });
  after(() => rmSync(scratch, { recursive: true, force: true }));

  test('holds the bundle, the types of src/, its licence, and nothing else', () => {
    const paths = packed.files.map(({ path }) => path);
    const strange = paths.filter(
      (path) =>
        !/^(dist\/bundle\/[^/]+\.js$|dist\/src\/.*\.d\.ts$|package\.json$|README\.md$|LICENSE$)/.test(
          path,
        ),
    );
    assert.deepEqual(strange, []);
    assert.ok(
      paths.includes('LICENSE') &&
        paths.includes('dist/bundle/tsuno.js') &&
        paths.includes('dist/bundle/command.js') &&
        paths.includes('dist/src/index.d.ts'),
    );
    const stale = paths.filter(
      (path) =>
        /^dist\/src\//.test(path) &&
        !existsSync(join(root, path.slice('dist/'.length).replace(/\.d\.ts$/, '.ts'))),
    );
    assert.deepEqual(stale, []);
  });

  test('passes publint', async () => {
    const tarball = new Uint8Array(readFileSync(join(scratch, packed.filename))).buffer;
    const { messages, pkg } = await publint({ strict: true, pack: { tarball } });
    assert.ok(pkg !== undefined);
    assert.deepEqual(
      messages.map((message) => formatMessage(message, pkg)),
      [],
    );
  });

  test('runs in an empty project', (t) => {
    if (skipped(t)) return;
    const { status, stdout } = compile('nodenext', 'nodenext', false);
    assert.equal(status, 0, stdout);
    const file = join(project, 'program.js');
    const printed = execFileSync(process.execPath, [file], { cwd: project, encoding: 'utf8' });
    assert.match(printed, /Total params: 6/);
    assert.match(printed, /it learned: true true/);
    assert.match(printed, /it was saved: true/);
  });

  test('installs no script and no add-on', (t) => {
    if (skipped(t)) return;
    const lock = JSON.parse(readFileSync(join(project, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { hasInstallScript?: boolean; os?: string[]; cpu?: string[] }>;
    };
    const packages = Object.entries(lock.packages);
    assert.ok(packages.length > 1);
    const native = packages.filter(
      ([, { hasInstallScript, os, cpu }]) => hasInstallScript || os || cpu,
    );
    assert.deepEqual(
      native.map(([path]) => path),
      [],
    );
  });

  for (const [module, moduleResolution] of [
    ['nodenext', 'nodenext'],
    ['esnext', 'bundler'],
  ] as const) {
    test(`compiles in a strict project, module resolution ${moduleResolution}`, (t) => {
      if (skipped(t)) return;
      const { status, stdout } = compile(module, moduleResolution, true);
      assert.equal(status, 0, stdout);
    });
  }

  /** Compiles the user's program strictly; tsc's exit status and what it says. */
  function compile(module: string, moduleResolution: string, noEmit: boolean) {
    writeFileSync(join(project, 'program.ts'), program);
    const compilerOptions = {
      target: 'es2022',
      module,
      moduleResolution,
      strict: true,
      noEmit,
      types: [],
      skipLibCheck: false,
      lib: ['es2023', 'dom', 'dom.iterable'],
    };
    writeFileSync(
      join(project, 'tsconfig.json'),
      JSON.stringify({ compilerOptions, files: ['program.ts'] }),
    );
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    return spawnSync(process.execPath, [tsc, '-p', project, '--pretty', 'false'], {
      encoding: 'utf8',
    });
  }

  /** Skips where no registry answered; any other failure of the installation is one. */
  function skipped(t: { skip(reason: string): void; diagnostic(text: string): void }): boolean {
    if (installError === undefined) return false;
    assert.match(installError, noRegistry, 'the package could not be installed');
    t.skip("no registry answered and npm's cache lacks a dependency");
    return true;
  }

  test('says its size', (t) => {
    const { size } = statSync(join(scratch, packed.filename));
    t.diagnostic(
      `${manifest.name} ${manifest.version}: ${size} bytes packed, ${packed.unpackedSize} unpacked`,
    );
    assert.ok(size < 3_000_000, `${size} bytes packed`);
  });
});

/** npm 10 and 11 print a list, npm 12 an object by name. */
function firstPacked(printed: Packed[] | Record<string, Packed>): Packed {
  return (Array.isArray(printed) ? printed : Object.values(printed))[0]!;
}
