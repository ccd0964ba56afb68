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

const program = `import { Input, layers, Model } from 'tsuno';
const inputs = Input({ shape: [2] });
const outputs = layers.dense(3)(inputs);
const model: Model = new Model({ inputs, outputs });
model.summary();
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

  test('holds what was compiled from src/ and cli/, its licence, and nothing else', () => {
    const paths = packed.files.map(({ path }) => path);
    const strange = paths.filter(
      (path) => !/^(dist\/(?:src|cli)\/|package\.json$|README\.md$|LICENSE$)/.test(path),
    );
    assert.deepEqual(strange, []);
    assert.ok(
      paths.includes('LICENSE') &&
        paths.includes('dist/src/index.js') &&
        paths.includes('dist/src/index.d.ts'),
    );
    const stale = paths.filter(
      (path) =>
        /^dist\/(?:src|cli)\/.*\.js$/.test(path) &&
        !existsSync(join(root, path.slice('dist/'.length).replace(/\.js$/, '.ts'))),
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
    const file = join(project, 'program.js');
    writeFileSync(file, program.replace(': Model', ''));
    const printed = execFileSync(process.execPath, [file], { cwd: project, encoding: 'utf8' });
    assert.match(printed, /Total params: 9/);
  });

  test('brings the command `tsuno`, which runs in an empty project', (t) => {
    if (skipped(t)) return;
    const tsuno = (...args: string[]) => npm(['exec', '--', 'tsuno', ...args], project);
    assert.equal(tsuno('--version').stdout, `${manifest.version}\n`);
    const made = tsuno('new', 'digits', '--json');
    assert.equal(made.status, 0, made.stderr);
    assert.ok(existsSync(join(project, 'digits', 'src', 'train.ts')));
    assert.equal(tsuno('summary', 'none.keras').status, 3);
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
      writeFileSync(join(project, 'program.ts'), program);
      const compilerOptions = {
        target: 'es2022',
        module,
        moduleResolution,
        strict: true,
        noEmit: true,
        types: [],
        skipLibCheck: false,
        lib: ['es2023', 'dom', 'dom.iterable'],
      };
      writeFileSync(
        join(project, 'tsconfig.json'),
        JSON.stringify({ compilerOptions, files: ['program.ts'] }),
      );
      const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
      const { stdout, status } = spawnSync(
        process.execPath,
        [tsc, '-p', project, '--pretty', 'false'],
        { encoding: 'utf8' },
      );
      assert.equal(status, 0, stdout);
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
