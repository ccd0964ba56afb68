/**
 * @file Pages that are kept true: docs/layout.md names the folders of src/, docs/dependencies.md the packages,
 * docs/differences.md the tests that show what it says.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { exportedNames } from './doc_blocks.ts';
import { order } from './imports.ts';
import { filesBelow, read, root } from './sources.ts';

/** The cells of each row of the page's tables whose first cell is one name in backticks. */
function rowsOf(page: string): string[][] {
  return read(page)
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim().replace(/^`([^`]*)`$/, '$1')),
    );
}

describe('docs/layout.md', () => {
  const rows = rowsOf('docs/layout.md');
  const named = rows.map(([folder]) => folder!);

  test('names every folder of src/, and no other', () => {
    const folders = filesBelow('src').flatMap(ancestors);
    const existing = [...new Set(folders)].sort();
    assert.deepEqual(named.filter((folder) => /^src\/.+\/$/.test(folder)).sort(), existing);
  });

  test('names the folders in their order', () => {
    const ladder = named.flatMap((folder) => /^src\/([\w.]+)\/?$/.exec(folder)?.[1] ?? []);
    assert.deepEqual(
      ladder,
      order.filter((name) => ladder.includes(name)),
    );
  });

  test('names only files and doors that exist', () => {
    assert.deepEqual(
      named.filter((path) => !existsSync(join(root, path))),
      [],
    );
    for (const [folder, , door] of rows) {
      const doors = [...(door ?? '').matchAll(/`(\w+)` in `([\w./-]+)`/g)];
      assert.ok(doors.length > 0 || !folder!.startsWith('src/'), `${folder} has no door`);
      for (const [, name, path] of doors) {
        assert.ok(
          existsSync(join(root, path!)) && exportedNames(read(path!)).has(name!),
          `${name} in ${path}`,
        );
      }
    }
  });
});

describe('docs/differences.md', () => {
  const lines = read('docs/differences.md').split('\n');
  const rows = lines.filter(
    (line) => line.startsWith('| ') && !/^\| (---|Keras|what) \|/.test(line),
  );

  test('each row has the test that shows it, and the test is there', () => {
    assert.ok(rows.length > 20);
    for (const row of rows) {
      const shown = /\| `(test\/[\w/.]+)`: ([^|]+) \|$/.exec(row);
      assert.ok(shown, row);
      const [, path, title] = shown;
      assert.ok(existsSync(join(root, path!)), path);
      assert.ok(read(path!).includes(title!), `${path} has no test "${title}"`);
    }
  });
});

/** `src/backends/wasm/a.ts` → `src/backends/`, `src/backends/wasm/`. */
function ancestors(path: string): string[] {
  const parts = path.split('/').slice(1, -1);
  return parts.map((_, i) => `src/${parts.slice(0, i + 1).join('/')}/`);
}

describe('docs/dependencies.md', () => {
  const rows = new Map(rowsOf('docs/dependencies.md').map(([name, ...rest]) => [name!, rest]));
  const manifest = JSON.parse(read('package.json')) as Record<string, Record<string, string>>;
  const direct = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies });
  const nodes = JSON.parse(read('tools/node/package.json')) as typeof manifest;

  test('names every dependency, and no other', () => {
    const expected = [...direct, ...Object.keys(nodes.optionalDependencies!)].sort();
    assert.deepEqual([...rows.keys()].sort(), expected);
  });

  for (const name of direct) {
    test(`${name}: licence and size are right`, () => {
      const { license } = JSON.parse(read(`node_modules/${name}/package.json`)) as {
        license: string;
      };
      const [purpose, size, licence] = rows.get(name) ?? [];
      assert.ok(purpose !== undefined && purpose.length > 10);
      assert.equal(licence, license);
      const actual = sizeOf(join(root, 'node_modules', name)) / 1e6;
      const shown = Number.parseFloat(size!);
      assert.ok(
        Math.abs(shown - actual) <= 0.1 + 0.2 * actual,
        `${size} is shown, ${actual.toFixed(1)} MB installed`,
      );
    });
  }
});

/** Bytes of the files below a folder, packages nested in it left out. */
function sizeOf(folder: string): number {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.name !== 'node_modules')
    .map((entry) => join(folder, entry.name))
    .reduce(
      (sum, path) => sum + (statSync(path).isDirectory() ? sizeOf(path) : statSync(path).size),
      0,
    );
}
