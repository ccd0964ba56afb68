/**
 * @file No reader opens another file, and none is written: every hostile file is loaded in a process that may read its
 * folder alone and write nothing (Node's permission model), and is refused there as it is without those limits.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  linkSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { honestFiles, hostileFiles, linkNames } from './corpus.ts';

/** The compiled repository, and the repository. */
const compiled = fileURLToPath(new URL('../../', import.meta.url));
const root = join(compiled, '..');
const flag =
  Number.parseInt(process.versions.node, 10) >= 24 ? '--permission' : '--experimental-permission';

interface Report {
  outcomes: Record<string, string>;
  prototype: number;
}

function run(folder: string, outside: string, limits: readonly string[]): Report {
  const program = join(compiled, 'test/attacks/confined.js');
  const text = execFileSync(process.execPath, [...limits, program, folder, outside], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return JSON.parse(text) as Report;
}

test('hostile files are refused without another file being opened or written', async () => {
  const place = realpathSync(mkdtempSync(join(tmpdir(), 'tsuno-confined-')));
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'tsuno-attacks-')));
  try {
    const outside = join(place, 'secret.weights.h5');
    const honest = await honestFiles();
    const hostile = await hostileFiles(outside);
    writeFileSync(outside, honest.get('honest.keras')!);
    for (const [name, bytes] of [...honest, ...hostile]) writeFileSync(join(folder, name), bytes);
    symlinkSync(outside, join(folder, linkNames.symbolic));
    linkSync(outside, join(folder, linkNames.hard));
    const before = readdirSync(folder).sort();
    const readable = [
      `${folder}/`,
      compiled,
      join(root, 'node_modules/'),
      join(root, 'package.json'),
    ];
    const confined = run(folder, outside, [
      flag,
      ...readable.map((path) => `--allow-fs-read=${path}`),
    ]);

    assert.match(confined.outcomes.outside!, /bug: .*restricted/, 'the limits do not hold');
    assert.match(confined.outcomes.save!, /^SAVE: .*ERR_ACCESS_DENIED/);
    assert.deepEqual(readdirSync(folder).sort(), before);
    assert.equal(confined.prototype, 0);
    for (const name of honest.keys()) assert.equal(confined.outcomes[name], 'loaded');
    for (const name of hostile.keys()) {
      assert.match(
        confined.outcomes[name]!,
        /^(ZIP|HDF5|HDF5_LINK|UNSUPPORTED|UNSUPPORTED_LAYER|CONFIG|ONNX_LINK): /,
        name,
      );
      assert.doesNotMatch(confined.outcomes[name]!, /ACCESS|restricted/, name);
    }

    const free = run(folder, outside, []);
    for (const name of hostile.keys()) assert.equal(free.outcomes[name], confined.outcomes[name]);
    assert.equal(free.outcomes.outside, 'loaded');
    assert.deepEqual(readdirSync(folder).sort(), [...before, 'new.keras'].sort());
    assert.deepEqual(readdirSync(place), ['secret.weights.h5']);
    assert.deepEqual(
      new Uint8Array(readFileSync(outside)),
      new Uint8Array(honest.get('honest.keras')!),
    );
  } finally {
    for (const path of [place, folder]) rmSync(path, { recursive: true, force: true });
  }
});
