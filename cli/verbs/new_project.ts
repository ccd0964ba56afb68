/** @file `tsuno new`: a small project that trains a network. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { TsunoError } from '../../src/index.ts';
import { UsageError } from '../failure.ts';
import { operand } from '../options.ts';
import { projectFiles } from '../project.ts';
import { verb } from '../verb.ts';
import { dependency } from '../version.ts';
import { visible } from '../visible.ts';

export const newProject = verb({
  name: 'new',
  summary: 'make a small project that trains a network on handwritten digits',
  operands: { name: operand('NAME', 'the folder to make; its last part is the project’s name') },
  options: {},
  notes: ['The folder must not be there yet.'],
  examples: ['tsuno new digits'],
  async run({ words }) {
    const folder = resolve(words.name);
    const files = projectFiles(packageName(basename(folder)), await dependency());
    await makeFolder(folder, words.name);
    try {
      for (const [path, content] of files) {
        await mkdir(dirname(join(folder, path)), { recursive: true });
        await writeFile(join(folder, path), content, { flag: 'wx' });
      }
    } catch (error) {
      // It was not there before, so nobody else's file is in it.
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
    const place = visible(words.name);
    return {
      data: { path: folder, files: [...files.keys()] },
      text: [`${place} is ready:`, '', `  cd ${place}`, '  npm install', '  npm run train'].join(
        '\n',
      ),
    };
  },
});

/** @throws UsageError for what npm does not take as a name. */
function packageName(name: string): string {
  if (/^[a-z0-9][a-z0-9._-]{0,213}$/.test(name) && name !== 'node_modules' && name !== 'tsuno') {
    return name;
  }
  throw new UsageError(
    `"${name}" cannot be the name of a project: lower-case letters, digits, ".", "-" and "_", the first a letter or digit, and not tsuno`,
  );
}

/** Makes a folder that is not there yet. */
async function makeFolder(folder: string, shown: string): Promise<void> {
  try {
    await mkdir(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EEXIST' && code !== 'ENOENT' && code !== 'ENOTDIR') throw error;
    throw new TsunoError('FILE', {
      where: shown,
      what: 'the folder',
      expected: code === 'EEXIST' ? 'a new one' : 'in a folder that is there',
      found: code === 'EEXIST' ? 'one that is there' : 'none',
      repair: code === 'EEXIST' ? 'Choose another name.' : 'Make that folder first.',
    });
  }
}
