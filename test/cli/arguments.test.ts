/** @file Help texts, and command lines of all kinds: made up at random, none may meet a bug or show a stack. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { before, describe, test } from 'node:test';
import fc from 'fast-check';
import { nearest } from '../../cli/nearest.ts';
import { processStreams } from '../../cli/streams.ts';
import { measure, table } from '../../cli/table.ts';
import { verbs } from '../../cli/verbs/index.ts';
import { visible } from '../../cli/visible.ts';
import { assertGolden } from '../support/golden.ts';
import { filledFolder, runHere } from './command.ts';

const page = new URL('../../../docs/command_line.md', import.meta.url);

describe('help', () => {
  test('of all', async () => {
    const { code, out } = await runHere(['--help']);
    assert.equal(code, 0);
    assertGolden('cli/help.txt', out);
    const block = /(?<=^```text help\n)[^`]*(?=^```$)/m;
    if (process.env.TSUNO_UPDATE_GOLDEN === '1') {
      writeFileSync(page, readFileSync(page, 'utf8').replace(block, out));
    }
    assert.equal(block.exec(readFileSync(page, 'utf8'))?.[0], out, 'docs/command_line.md shows it');
  });

  for (const { name, summary, examples } of verbs) {
    test(`of ${name}`, async () => {
      const { code, out } = await runHere([name, '--help', '--nonsense']);
      assert.equal(code, 0);
      assertGolden(`cli/help_${name}.txt`, out);
      assert.deepEqual(await runHere(['help', name]), { code, out, err: '' });
      assert.ok(
        out.split('\n').every((line) => line.length <= 100),
        'lines of at most 100',
      );
      assert.match(summary, /^[a-z].*[^.]$/);
      for (const example of examples) assert.ok(example.startsWith(`tsuno ${name} `));
    });
  }

  test('has colours where they are wanted', async () => {
    const { out } = await runHere(['--help'], { colour: true });
    assert.ok(out.startsWith('\u001b[1mtsuno'));
  });
});

describe('names', () => {
  const names = ['fit', 'evaluate', 'predict', 'summary', 'plot'];
  for (const [typed, expected] of [
    ['evalute', 'evaluate'],
    ['perdict', 'predict'],
    ['sum', 'summary'],
    ['fti', 'fit'],
    ['x', undefined],
    ['something', undefined],
  ] as const) {
    test(`${typed}: ${expected}`, () => assert.equal(nearest(typed, names), expected));
  }

  test('are shown with their escapes', () => {
    assert.equal(visible('a\u001b[0m\n\t\u202e\u0085é🙂'), 'a\\x1b[0m\\n\\t\\u202e\\x85é🙂');
  });
});

test('a table has columns as wide as they need', () => {
  const rows = [
    ['a\nb', '1'],
    ['c'.repeat(50), '22'],
  ];
  const text = table([['name'], ['n', 'right']], rows, { colour: false });
  const wide = `${'c'.repeat(39)}…`;
  assert.equal(text, `${'name'.padEnd(40)}   n\n${'a\\nb'.padEnd(40)}   1\n${wide}  22\n`);
});

test('a measure is rounded as in the progress bar: what lies halfway to the even digit', () => {
  const told = [0.90625, 0.84375, -0.90625, 0, 0.00025, 12.5].map(measure);
  assert.deepEqual(told, ['0.9062', '0.8438', '-0.9062', '0.0000', '2.5000e-04', '12.5000']);
});

test('NO_COLOR, FORCE_COLOR and COLUMNS are obeyed', () => {
  const before = { ...process.env };
  const look = (changes: Record<string, string>) => {
    process.env = { ...before, NO_COLOR: '', FORCE_COLOR: '', ...changes };
    const { colour, columns } = processStreams().out;
    process.env = before;
    return { colour, columns };
  };
  assert.equal(look({ FORCE_COLOR: '1' }).colour, true);
  assert.equal(look({ FORCE_COLOR: '1', NO_COLOR: '1' }).colour, false);
  assert.equal(look({ COLUMNS: '123' }).columns, 123);
});

describe('command lines at random', () => {
  before(async () => process.chdir(await filledFolder()));

  const options = verbs.flatMap((verb) => Object.keys(verb.options));
  const dashed = (key: string) => `--${key.replace(/[A-Z]/g, (one) => `-${one.toLowerCase()}`)}`;
  const word = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...options.map(dashed), '--json', '--help', '--') },
    {
      weight: 4,
      arbitrary: fc.constantFrom(
        ...['small.keras', 'plain.keras', 'broken.keras', 'none.keras', 'data.npz', 'x.npy,y.npy'],
        ...[
          'bad.npz',
          'x.npy',
          'data.safetensors',
          'o.keras',
          'o.onnx',
          'o.npy',
          'o.svg',
          '.',
          '/',
        ],
        ...[
          'graph',
          'plan',
          'kernels',
          'LR',
          'adam',
          'accuracy',
          'mse',
          'fashion-mnist',
          'a,b',
          ',',
        ],
      ),
    },
    {
      weight: 2,
      arbitrary: fc.constantFrom('0', '1', '2', '3', '-1', '1.5', 'NaN', '', '1e9', '9'.repeat(30)),
    },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 12 }) },
  );
  const verb = fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom(...verbs.map(({ name }) => name)) },
    { weight: 1, arbitrary: word },
  );
  /** As verbs want it, with something wrong or left out now and then. */
  const likely = fc
    .tuple(
      fc.constantFrom(
        ['fit', 'small.keras', '--data', 'data.npz', '--out', 'o.keras', '--threads', '1'],
        ['evaluate', 'small.keras', '--data', 'data.npz', '--threads', '1'],
        ['predict', 'small.keras', 'x.npy', '--threads', '1'],
        ['convert', 'small.keras', 'o.onnx'],
        ['inspect', 'small.keras', '--stage', 'plan'],
        ['summary', 'small.keras'],
      ),
      fc.array(word, { maxLength: 2 }),
      fc.nat(8),
      fc.nat(2),
    )
    // The words come between those of the line, or in the place of one.
    .map(([line, more, at, instead]) => [
      ...line.slice(0, at + 1),
      ...more,
      ...line.slice(at + 1 + (instead === 0 ? 0 : more.length)),
    ]);

  test('end with 0, 2, 3 or 4, with one object where JSON is asked for, and never a stack', async () => {
    const line = fc.oneof(
      { weight: 2, arbitrary: likely },
      fc.tuple(verb, fc.array(word, { maxLength: 8 })).map(([first, rest]) => [first, ...rest]),
    );
    const seen = new Map<number, number>();
    await fc.assert(
      fc.asyncProperty(line, async (args) => {
        const { code, out, err } = await runHere(args);
        seen.set(code, (seen.get(code) ?? 0) + 1);
        assert.ok([0, 2, 3, 4].includes(code), `${code}: ${err}`);
        const ends = args.indexOf('--');
        const switches = ends < 0 ? args : args.slice(0, ends);
        if (!switches.includes('--debug')) assert.doesNotMatch(err, /^\s+at |internal:/m);
        if (code !== 0) assert.match(err, /error: |warning: |^tsuno VERB/);
        const isHelp = /^tsuno /.test(out);
        if (switches.includes('--json') && !isHelp && out !== '') JSON.parse(out);
      }),
      { numRuns: 400, seed: 20261124 },
    );
    for (const code of [0, 2, 3]) assert.ok(seen.get(code)! >= 10, `${code}: ${seen.get(code)}`);
  });
});
