/** @file What is refused, with which exit code, and that nothing is damaged by it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { failureOf } from '../../cli/failure.ts';
import { writeZip } from '../../src/saving/zip.ts';
import { memberOf } from '../saving/archives.ts';
import { filledFolder, program, runHere, tsuno } from './command.ts';

let folder = '';
const at = (name: string) => join(folder, name);
before(async () => {
  folder = await filledFolder();
  mkdirSync(at('folder.keras'));
  writeFileSync(at('notes.keras'), 'my notes');
  writeFileSync(at('wrong.keras'), await withUnits(readFileSync(at('small.keras')), '-1'));
  process.chdir(folder);
});

/** A model's file, whose description names impossible units. */
async function withUnits(file: Uint8Array, units: string): Promise<Uint8Array> {
  const config = new TextDecoder().decode(await memberOf(file, 'config.json'));
  const changed = config.replace(/"units": \d+/, `"units": ${units}`);
  assert.notEqual(changed, config);
  return writeZip([
    ['metadata.json', await memberOf(file, 'metadata.json')],
    ['config.json', new TextEncoder().encode(changed)],
    ['model.weights.h5', await memberOf(file, 'model.weights.h5')],
  ]);
}

type Row = readonly [code: number, message: RegExp, ...args: string[]];

const out = ['--out', 'o.keras'];
const rows: readonly Row[] = [
  [2, /no verb evalute; did you mean evaluate\?/, 'evalute'],
  [2, /no option --verbose/, '--verbose'],
  [2, /no option --epoch; did you mean --epochs\?/, 'fit', 'small.keras', '--epoch', '2'],
  [2, /--data DATA is missing/, 'fit', 'small.keras', ...out],
  [2, /MODEL is missing/, 'summary'],
  [2, /one word too many: "b"/, 'summary', 'small.keras', 'b'],
  [2, /--epochs must be a whole number/, 'fit', 'small.keras', '--epochs', '1.5'],
  [2, /--epochs wants a value/, 'fit', 'small.keras', '--epochs', '--seed'],
  [2, /--json takes no value/, 'summary', 'small.keras', '--json=yes'],
  [2, /did you mean "gradient"\?/, 'inspect', 'small.keras', '--stage', 'gradent'],
  [2, /does not say how it is trained/, 'evaluate', 'plain.keras', '--data', 'data.npz'],
  [2, /must end in \.svg, \.png/, 'plot', 'small.keras', '--out', 'm.jpg'],
  [2, /wants the folder/, 'evaluate', 'small.keras', '--data', 'fashion-mnist:test'],
  [2, /loss .*"nonsense"/, 'evaluate', 'small.keras', '--data', 'data.npz', '--loss', 'nonsense'],
  [2, /cannot be the name/, 'new', 'My Project'],
  [
    2,
    /wants --backup FOLDER/,
    'fit',
    'small.keras',
    '--data',
    'data.npz',
    '--backup-every',
    '5',
    ...out,
  ],
  [2, /must be 3 names/, 'predict', 'small.keras', 'data.npz', '--classes', 'a,b'],
  [3, /nothing \(ENOENT\)/, 'summary', 'none.keras'],
  [3, /archive/, 'summary', 'broken.keras'],
  [3, /a folder/, 'summary', 'folder.keras'],
  [3, /wrong\.keras, config\.json, .*units must be/, 'summary', 'wrong.keras'],
  [2, /must end in \.onnx/, 'convert', 'small.keras', 'o.txt'],
  [3, /nothing of that name/, 'evaluate', 'small.keras', '--data', 'none'],
  [3, /nothing of that name/, 'evaluate', 'small.keras', '--data', 'none.npz'],
  [3, /"none" must be train, test or a folder/, 'evaluate', 'small.keras', '--data', 'mnist:none'],
  [3, /Did you mean mnist\?/, 'evaluate', 'small.keras', '--data', 'mnits'],
  [3, /label of sample 5/, 'fit', 'small.keras', '--data', 'bad.npz', ...out],
  [3, /"y" must be there/, 'evaluate', 'small.keras', '--data', 'only_x.npz'],
  [
    3,
    /no folder of that name/,
    'fit',
    'small.keras',
    '--data',
    'data.npz',
    '--out',
    'none/o.keras',
  ],
  [3, /received a folder/, 'fit', 'small.keras', '--data', 'data.npz', '--out', 'folder.keras'],
  [3, /file of another kind/, 'fit', 'small.keras', '--data', 'data.npz', '--out', 'notes.keras'],
  [3, /file of another kind/, 'convert', 'small.keras', 'notes.keras'],
  [3, /one that is there/, 'new', 'folder.keras'],
];

describe('refusals', () => {
  for (const [code, message, ...args] of rows) {
    test(`${code}: tsuno ${args.join(' ')}`, async () => {
      const files = readdirSync(folder);
      const found = await runHere(args);
      assert.equal(found.code, code, found.err);
      assert.match(found.err, message);
      assert.match(found.err, /^error: /);
      assert.equal(found.out, '');
      assert.doesNotMatch(found.err, /^\s+at /m);
      assert.deepEqual(readdirSync(folder), files);
      if (code === 2) assert.match(found.err, /^See tsuno .*--help\.$|known loss/m);
    });
  }

  test('the process ends with these codes', () => {
    assert.equal(tsuno(folder, 'summary').code, 2);
    assert.equal(tsuno(folder, 'summary', 'broken.keras').code, 3);
  });

  test('a file of another kind is as it was, and is replaced with --force', () => {
    assert.equal(readFileSync(at('notes.keras'), 'utf8'), 'my notes');
    assert.equal(tsuno(folder, 'convert', 'small.keras', 'notes.keras', '--force').code, 0);
    assert.equal(readFileSync(at('notes.keras'), 'latin1').slice(0, 2), 'PK');
    writeFileSync(at('notes.weights.h5'), 'my notes');
    assert.equal(tsuno(folder, 'convert', 'small.keras', 'notes.weights.h5').code, 3);
    assert.equal(tsuno(folder, 'convert', 'small.keras', 'notes.weights.h5', '--force').code, 0);
  });

  test('machines get the error as JSON', () => {
    const found = tsuno(folder, 'summary', 'none.keras', '--json');
    assert.equal(found.code, 3);
    const { error } = JSON.parse(found.out);
    assert.equal(error.code, 'FILE');
    assert.equal(error.where, 'none.keras');
    const usage = JSON.parse(tsuno(folder, 'summary', '--json').out);
    assert.deepEqual(usage.error, { code: 'USAGE', message: 'MODEL is missing' });
  });

  test('--debug shows where', () => {
    const { err } = tsuno(folder, 'summary', 'none.keras', '--debug');
    assert.match(err, /^\s+at .*files\.js/m);
  });
});

describe('a disk that is full', () => {
  const noLimit =
    process.platform === 'win32' ? 'Windows has no limit on the size of files' : false;

  test('is exit code 4, and the old file stays', { skip: noLimit }, () => {
    const before = readFileSync(at('small.keras'));
    const script = 'trap "" XFSZ; ulimit -f 8; exec "$@"';
    for (const args of [
      ['convert', 'small.keras', 'small.keras'],
      ['fit', 'small.keras', '--data', 'data.npz', '--out', 'small.keras'],
    ]) {
      const { status, stderr } = spawnSync(
        'sh',
        ['-c', script, 'sh', process.execPath, program, ...args],
        { cwd: folder, encoding: 'utf8' },
      );
      assert.equal(status, 4, stderr);
      assert.match(stderr, /error: \[small\.keras\] the file must be written, received EFBIG/);
      assert.deepEqual(readFileSync(at('small.keras')), before);
    }
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.endsWith('.tmp')),
      [],
    );
  });
});

describe('places that take no text', () => {
  const noFull =
    process.platform === 'linux' ? false : 'only Linux has a device that is always full';
  const ended = (script: string) =>
    spawnSync('sh', ['-c', script, 'sh', process.execPath, program], {
      cwd: folder,
      encoding: 'utf8',
    });

  test('a full one for the result is exit code 4', { skip: noFull }, () => {
    for (const json of ['', '--json']) {
      const { status, stderr } = ended(`"$@" summary small.keras ${json} > /dev/full`);
      assert.equal(status, 4);
      assert.match(stderr, /^error: \[standard output\] the result must be written, .*ENOSPC\.\n$/);
    }
  });

  test('a full one for messages changes no exit code', { skip: noFull }, () => {
    assert.equal(ended('"$@" summary none.keras 2> /dev/full').status, 3);
  });

  const noShell = process.platform === 'win32' ? 'Windows has no sh' : false;

  test('a reader of messages that leaves does not end training', { skip: noShell }, () => {
    const args = 'fit small.keras --data data.npz --epochs 300 --out unread.keras';
    const { status } = ended(`{ "$@" ${args}; echo $? > code; } 2>&1 | head -n 1`);
    assert.equal(status, 0);
    assert.equal(readFileSync(at('code'), 'utf8'), '0\n');
    assert.equal(tsuno(folder, 'summary', 'unread.keras').code, 0);
  });

  test('a reader of the result that leaves is no error', { skip: noShell }, () => {
    const { stderr } = ended(
      '{ "$@" inspect small.keras --stage kernels; echo $? > code; } | head -n 1',
    );
    assert.equal(stderr, '');
    assert.equal(readFileSync(at('code'), 'utf8'), '0\n');
  });
});

describe('codes of errors', () => {
  const system = (code: string) =>
    Object.assign(new Error(`${code}: so it is`), { code, syscall: 'open' });
  for (const [error, code] of [
    [system('ENOSPC'), 4],
    [system('ENOENT'), 3],
    [new RangeError('Array buffer allocation failed'), 4],
    [new TypeError('x is undefined'), 1],
    ['a string', 1],
  ] as const) {
    test(`${error} is ${code}`, () => assert.equal(failureOf(error).code, code));
  }

  test('what a bug says', () => {
    assert.match(failureOf(new TypeError('x is undefined')).message, /This is a bug of tsuno/);
  });
});

test('without arguments the help goes to standard error, with exit code 2', async () => {
  const { code, out, err } = await runHere([]);
  assert.deepEqual([code, out], [2, '']);
  assert.match(err, /^tsuno VERB/);
});
