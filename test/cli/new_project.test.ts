/** @file `tsuno new`: the project compiles in strict mode and trains, with this repository as its package. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { loadModel } from '../../src/index.ts';
import { root } from '../repository/sources.ts';
import { scratchFolder, tsuno } from './command.ts';

describe('tsuno new', () => {
  const folder = scratchFolder();
  const project = join(folder, 'digits');

  test('makes the files', () => {
    const { code, out, err } = tsuno(folder, 'new', 'digits');
    assert.equal(code, 0, err);
    assert.equal(out, 'digits is ready:\n\n  cd digits\n  npm install\n  npm run train\n');
    assert.deepEqual(readdirSync(project).sort(), [
      '.gitignore',
      'README.md',
      'package.json',
      'src',
      'tsconfig.json',
    ]);
    const { name, dependencies } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8'));
    // This is a clone: no registry needs to have this version.
    const folderOfClone = root.replaceAll('\\', '/').replace(/\/$/, '');
    assert.deepEqual([name, dependencies], ['digits', { tsuno: `file:${folderOfClone}` }]);
  });

  test('never touches what is there', () => {
    writeFileSync(join(folder, 'file'), 'mine');
    mkdirSync(join(folder, 'empty'));
    for (const name of ['digits', 'file', 'empty', 'none/digits']) {
      const { code, err } = tsuno(folder, 'new', name);
      assert.equal(code, 3, err);
    }
    assert.equal(readFileSync(join(folder, 'file'), 'utf8'), 'mine');
    assert.deepEqual(readdirSync(join(folder, 'empty')), []);
    assert.ok(existsSync(join(project, 'src', 'train.ts')));
  });

  test('compiles and trains', async () => {
    const modules = join(project, 'node_modules');
    mkdirSync(modules);
    symlinkSync(root, join(modules, 'tsuno'), 'junction');
    symlinkSync(join(root, 'node_modules', '@types'), join(modules, '@types'), 'junction');
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    const compiled = spawnSync(process.execPath, [tsc, '--pretty', 'false'], {
      cwd: project,
      encoding: 'utf8',
    });
    assert.equal(compiled.status, 0, compiled.stdout);
    const args = [join(project, 'dist', 'train.js'), '1', '64'];
    const printed = execFileSync(process.execPath, args, { cwd: project, encoding: 'utf8' });
    assert.match(printed, /Total params: 93,962[\s\S]*test accuracy [\d.]+ %/);
    const model = await loadModel(join(project, 'runs', 'mnist.keras'));
    assert.equal(model.optimizer.iterations.data[0], 2);
    assert.ok(existsSync(join(project, 'runs', 'curves.png')));
  });
});
