/** @file The folders of src/ form a ladder: nothing imports upward, nothing imports in a circle. */
import assert from 'node:assert/strict';
import { posix } from 'node:path';
import { describe, test } from 'node:test';
import { cycles, importsOf, upwardImports } from './imports.ts';
import { read, typescriptBelow } from './sources.ts';

const source = new Map(typescriptBelow('src').map((path) => [path, read(path)]));

describe('src/', () => {
  test('has sources to look at', () => assert.ok(source.size > 5));
  test('imports only downward', () => assert.deepEqual(upwardImports(source), []));
  test('has no cycle', () => assert.deepEqual(cycles(source), []));

  test('names only packages that package.json depends on', () => {
    const { dependencies } = JSON.parse(read('package.json')) as {
      dependencies: Record<string, string>;
    };
    const unknown = [...source].flatMap(([path, text]) =>
      importsOf(text)
        .map(({ specifier }) => specifier)
        .filter(
          (specifier) => !/^(\.|node:)/.test(specifier) && !(packageOf(specifier) in dependencies),
        )
        .map((specifier) => `${path}: ${specifier}`),
    );
    assert.deepEqual(unknown, []);
  });
});

/** The imports in these folders that reach into src/, but for those that are allowed. */
function intoSource(folders: readonly string[], allowed: readonly string[]): string[] {
  return folders.flatMap(typescriptBelow).flatMap((path) =>
    importsOf(read(path))
      .filter(({ specifier }) => /\bsrc\//.test(specifier))
      .filter(({ specifier }) => !allowed.includes(posix.join(posix.dirname(path), specifier)))
      .map(({ specifier }) => `${path}: ${specifier}`),
  );
}

test('examples, the demo and the studio import only the public names', () => {
  assert.deepEqual(intoSource(['examples', 'demo', 'studio'], []), []);
});

describe('cli/', () => {
  test('has sources to look at', () => assert.ok(typescriptBelow('cli').length > 10));

  // It is part of the package, and imports its own files, not those of a package of that name.
  test('imports only the public names', () => {
    assert.deepEqual(intoSource(['cli'], ['src/index.ts']), []);
  });

  test('names only Node’s modules beside them, and has no cycle', () => {
    const files = new Map(typescriptBelow('cli').map((path) => [path, read(path)]));
    const packages = [...files].flatMap(([path, text]) =>
      importsOf(text)
        .filter(({ specifier }) => !/^(\.|node:)/.test(specifier))
        .map(({ specifier }) => `${path}: ${specifier}`),
    );
    assert.deepEqual(packages, []);
    assert.deepEqual(cycles(files), []);
  });
});

describe('the rules themselves', () => {
  test('every form of import is seen, and none in comments and strings', () => {
    const text = [
      "import { a, type B } from './a.ts';",
      "import type { C } from './c.ts';",
      "import { type D, type E } from './d.ts';",
      "import * as f from './f.ts';",
      "import g, { h } from './g.ts';",
      "import './i.ts';",
      "export { j } from './j.ts';",
      "export * from './k.ts';",
      "export type { L } from './l.ts';",
      "const m = await import('./m.ts');",
      'const ratio = f.total / g / 2;',
      "// import { no } from './comment.ts';",
      "/** import { no } from './docstring.ts'; */",
      `const text = \`import { no } from "./template.ts"; \${await import('./n.ts')}\`;`,
      'const pattern = /import "\\.\\/pattern.ts"/;',
      "import {\n  o,\n  p,\n} from './o.ts';",
    ].join('\n');
    const seen = importsOf(text).map(({ specifier, kind }) => `${kind} ${specifier.slice(2, -3)}`);
    const expected =
      'static a, type c, type d, static f, static g, static i, static j, static k, type l';
    assert.equal(seen.join(', '), `${expected}, dynamic m, dynamic n, static o`);
    assert.equal(importsOf(text).at(-1)?.at, text.lastIndexOf('import'));
  });

  test('an upward import, an unknown folder and a missing file are named', () => {
    const tree = new Map([
      ['src/core/a.ts', "import { b } from '../layers/b.ts';"],
      ['src/layers/b.ts', "import type { a } from '../core/a.ts';"],
      ['src/attic/c.ts', ''],
      ['src/model/d.ts', "import { e } from './e.ts';"],
      ['src/index.ts', "export * from './model/d.ts';"],
    ]);
    assert.deepEqual(upwardImports(tree), [
      'src/core/a.ts:1: core must not import src/layers/b.ts',
      'src/attic/c.ts: attic has no place in the order of the folders',
      'src/model/d.ts:1: ./e.ts is no file of src/',
    ]);
  });

  test('a cycle is named once, with its chain', () => {
    const tree = new Map([
      ['src/core/a.ts', "import { b } from './b.ts';"],
      ['src/core/b.ts', "import { c } from './c.ts';"],
      ['src/core/c.ts', "import type { A } from './a.ts';"],
      ['src/core/d.ts', "import { a } from './a.ts';"],
    ]);
    assert.deepEqual(cycles(tree), [
      'src/core/a.ts → src/core/b.ts → src/core/c.ts → src/core/a.ts',
    ]);
  });
});

/** `@viz-js/viz/sub` → `@viz-js/viz`. */
function packageOf(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}
