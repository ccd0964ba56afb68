/** @file Every program in README.md, docs/ and the docstrings of src/ is compiled and run; see doc_blocks.ts for the rules. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  type Block,
  declared,
  docstringBlocks,
  exportedNames,
  markdownBlocks,
  moduleOf,
} from './doc_blocks.ts';
import { claim } from './doc_claim.ts';
import { faults } from './doc_run.ts';
import { read, repositoryFiles, typescriptBelow } from './sources.ts';

const pages = repositoryFiles().filter((path) => /^(README|docs\/.*)\.md$/.test(path));

describe('the documentation', () => {
  const blocks: Block[] = [
    ...pages.flatMap((path) => markdownBlocks(path, read(path))),
    ...typescriptBelow('src').flatMap((path) => docstringBlocks(path, read(path))),
  ];
  const found = faults(blocks);

  test('has blocks to check', () => assert.ok(blocks.length > 0));

  for (const path of new Set(blocks.map((block) => block.path))) {
    test(path, async () => {
      const wrong = await found;
      const here = blocks.flatMap((block, i) =>
        block.path === path && wrong.has(i) ? [`${path}:${block.line}\n${wrong.get(i)}`] : [],
      );
      if (here.length > 0) assert.fail(here.join('\n'));
    });
  }
});

describe('blocks are found', () => {
  test('in a page, with their line, unless they are in another language', () => {
    const page = [
      '# A',
      '```sh',
      'npm test',
      '```',
      '```ts',
      'f();',
      '```',
      '- item',
      '  ```ts no-run',
      '  g();',
      '  ```',
      '',
    ];
    assert.deepEqual(markdownBlocks('docs/a.md', page.join('\n')), [
      { path: 'docs/a.md', line: 6, code: 'f();\n', run: true },
      { path: 'docs/a.md', line: 10, code: 'g();\n', run: false },
    ]);
  });

  test('continued by the next one, line for line', () => {
    const page = [
      '```ts',
      'const a = 1;',
      '```',
      'then',
      '```ts continue',
      'a; // 1',
      '```',
      '',
    ].join('\n');
    const [, second] = markdownBlocks('docs/a.md', page);
    assert.deepEqual(second, {
      path: 'docs/a.md',
      line: 2,
      code: 'const a = 1;\n\n\n\na; // 1\n',
      run: true,
    });
    assert.throws(
      () => markdownBlocks('docs/a.md', '```ts continue\n```\n'),
      /docs\/a.md:1: nothing to continue/,
    );
    assert.throws(
      () => markdownBlocks('docs/a.md', '```ts norun\n```\n'),
      /unknown word after ts: norun/,
    );
  });

  test('in docstrings, not in other comments', () => {
    const source = [
      '/* ```ts',
      'no();',
      '``` */',
      '/**',
      ' * Does it.',
      ' *',
      ' * @example',
      ' * ```ts',
      ' * f();',
      ' * ```',
      ' */',
    ];
    assert.deepEqual(docstringBlocks('src/a.ts', source.join('\n')), [
      { path: 'src/a.ts', line: 9, code: 'f();\n', run: true },
    ]);
  });

  test('and an @example without one is refused', () => {
    const source = '/** @file A. */\n/**\n * @example f();\n * @returns x\n * ```ts\n * ```\n */';
    assert.throws(
      () => docstringBlocks('src/a.ts', source),
      /src\/a.ts:3: @example must be followed by a fence/,
    );
  });
});

describe('blocks become modules', () => {
  const tsuno = {
    specifier: 'tsuno',
    names: new Set(['layers', 'Model', 'model', 'tensor', 'Tensor']),
  };
  const own = { specifier: '../a.js', names: new Set(['tensor', 'helper']) };
  const module = (code: string) =>
    moduleOf(
      { path: 'src/a.ts', line: 1, code, run: true },
      [tsuno, own],
      () => './claim.js',
    ).split('\n');

  test('names are imported where they are used, declared ones are not', () => {
    const [added] = module(
      "const { model, a: [b] } = new Model({ layers: x.Tensor }), helper = 'tensor';\nfunction f() { const Tensor = 1; }",
    );
    assert.equal(
      added,
      "import { claim as __claim } from './claim.js'; import { Model, layers, Tensor } from 'tsuno';",
    );
    assert.match(
      module('tensor(helper);')[0]!,
      /import \{ tensor \} from 'tsuno'; import \{ helper \} from '..\/a.js';$/,
    );
    assert.doesNotMatch(
      module("import { tensor as t, Model } from 'tsuno';\nt(Model);")[0]!,
      /'tsuno'/,
    );
  });

  test('what nothing declares is given, with what it needs', () => {
    const given = (code: string, names: string[] = []) => {
      const page = { path: 'README.md', line: 1, code, run: true };
      const exports = [{ specifier: 'tsuno', names: new Set(names) }];
      const [added] = moduleOf(page, exports, (path) => path).split('\n');
      return [...added!.matchAll(/const (?!__)(\w+)/g)].map(([, name]) => name);
    };
    assert.deepEqual(given('await model.save(path);'), ['model']);
    assert.deepEqual(given('await model.fit(training, { labels: 1 });'), [
      'images',
      'labels',
      'training',
      'model',
    ]);
    assert.deepEqual(given('const model = f();\nmodel.summary();'), []);
    assert.deepEqual(given('await plots.model(network);'), []);
    assert.deepEqual(given('model(network);', ['model']), []);
  });

  test('a statement with a shown value becomes a claim, prose does not', () => {
    const lines: [written: string, compiled: string][] = [
      ['x.shape; // [2, 3]', "__claim(x.shape, [2,3], 'src/a.ts:1');"],
      ["error.message;   // 'it''s'", "error.message;   // 'it''s'"],
      ["name(); // 'conv2d'", "__claim(name(), 'conv2d', 'src/a.ts:1');"],
      [
        'console.log(await f(1)); // {"loss": 0.5}',
        `__claim(await f(1), {"loss":0.5}, 'src/a.ts:1');`,
      ],
      ['x.shape; // two axes', 'x.shape; // two axes'],
      ['const x = f(); // 3', 'const x = f(); // 3'],
      ['x = f(); // 3', 'x = f(); // 3'],
      ['x === 3; // true', "__claim(x === 3, true, 'src/a.ts:1');"],
      ['  .slice(1); // 3', '  .slice(1); // 3'],
    ];
    for (const [written, compiled] of lines) assert.equal(module(written)[1], compiled);
    assert.equal(module('f(a,\n  b); // 3')[2], '  b); // 3');
  });

  test('declared and exported names', () => {
    const code =
      'const a = 1, { b, c: d = 2 } = f(1, 2), [e, ...g] = h;\nlet i;\nclass J {}\nif (a) { const k = 1; }';
    assert.deepEqual(declared(code).sort(), ['J', 'a', 'b', 'd', 'e', 'g', 'i']);
    const source =
      "export { a, b as c, type D } from './a.ts';\nexport type { E } from './e.ts';\nexport * as f from './f.ts';\nexport abstract class G {}\nexport async function h() {}\n// export const no = 1;";
    assert.deepEqual([...exportedNames(source)].sort(), ['D', 'E', 'G', 'a', 'c', 'f', 'h']);
  });
});

test('a claim holds to the digits shown, through tensors and typed arrays', () => {
  claim(0.36787944, 0.3679, 'a');
  claim({ toArray: () => [[1, 2]] }, [[1, 2]], 'a');
  claim(Float32Array.of(0.1, 2), [0.1, 2], 'a');
  claim({ loss: 0.12345, n: 3 }, { loss: 0.123, n: 3 }, 'a');
  assert.throws(
    () => claim(0.36787944, 0.3678, 'docs/a.md:3'),
    /docs\/a.md:3 shows 0.3678, the value is 0.36787944/,
  );
  assert.throws(() => claim(3.2, 3, 'a'));
  assert.throws(() => claim([1, 2], [1], 'a'));
  assert.throws(() => claim({ a: 1 }, {}, 'a'));
});

test('blocks are compiled and run, and what is wrong is told', async () => {
  const block = (code: string, run = true): Block => ({
    path: 'src/core/shape.ts',
    line: 10,
    code,
    run,
  });
  const found = await faults([
    block('sizeOf([2, 3]); // 6\nconst later: number = await Promise.resolve(1);'),
    block('\nsizeOf("no");'),
    block('throw new Error("thrown here");'),
    block('sizeOf([2, 3]); // 7'),
    block('throw new Error("never run");', false),
    block('training.length; // 16\nlabels.data[11]; // 1\nimages.shape; // [16, 28, 28, 1]'),
    {
      path: 'docs/a.md',
      line: 1,
      code: "import { writeFileSync } from 'node:fs';\nwriteFileSync('model.png', '');",
      run: true,
    },
    {
      path: 'docs/b.md',
      line: 1,
      code: 'console.log("printed before");\nprocess.exit(3);',
      run: true,
    },
    { path: 'docs/b.md', line: 5, code: '1 + 1; // 2', run: true },
  ]);
  assert.deepEqual([...found.keys()].sort(), [1, 2, 3, 7, 8]);
  assert.match(found.get(1)!, /^src\/core\/shape.ts:11: TS2345/);
  assert.match(found.get(2)!, /thrown here/);
  assert.match(found.get(3)!, /src\/core\/shape.ts:10 shows 7, the value is 6/);
  assert.match(found.get(7)!, /the process ended here \(exit 3\)\nprinted before/);
  assert.equal(found.get(8), 'not reached');
});
