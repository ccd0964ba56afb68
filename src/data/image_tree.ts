/**
 * @file What lies in a folder of images, in Node or in a list of `File`s of a page: class folders, and the files named as
 * images with where their bytes are. Nothing is opened. Hidden files and folders (`.DS_Store`, `.ipynb_checkpoints`) and
 * files with other endings (`Thumbs.db`) are passed over.
 */
import type { Dirent } from 'node:fs';
import { show, TsunoError } from '../core/errors.ts';
import { checkFolder, osCode, unreadable } from './files.ts';
import { byCodePoints, showName } from './image_names.ts';
import type { Fault, ImageFile } from './image_tasks.ts';

/** A file named as an image. */
export interface FoundFile extends ImageFile {
  /** From the folder on, with `/` between: `cats/a.png`. */
  readonly path: string;
  /** Why it cannot be read, where that is known from its place. */
  readonly fault?: Fault;
}

export interface ImageTree {
  /** The folder, for messages. */
  readonly place: string;
  /** Names of the folders in it, sorted. */
  readonly folders: readonly string[];
  /** In the order in which Keras lists them: by folder, then by name, both by code points. */
  readonly files: readonly FoundFile[];
}

/** Named as Keras's formats are, and WebP. */
const imageName = /\.(bmp|gif|jpeg|jpg|png|webp)$/i;

/** Folders that are links, followed: beyond that, links surely lead in circles. */
const mostLinks = 10_000;

/**
 * Lists a folder of this machine.
 *
 * @param followLinks whether folders that are links are gone into, and files that are links read, wherever they lead;
 * otherwise only those that stay in the folder are.
 * @throws TsunoError `FILE` with the system's code where a folder cannot be read.
 */
export async function localTree(
  directory: string | URL,
  followLinks: boolean,
  where: string,
): Promise<ImageTree> {
  const { readdir, realpath, stat } = await import('node:fs/promises');
  const { isAbsolute, join, relative, sep } = await import('node:path');
  const { fileURLToPath } = await import('node:url');
  const place =
    directory instanceof URL || directory.startsWith('file:')
      ? fileURLToPath(directory)
      : directory;
  await checkFolder(place, where);
  const root = await realpath(place);
  const isInside = (path: string) => {
    const way = relative(root, path);
    return way.split(sep)[0] !== '..' && !isAbsolute(way);
  };
  const folders: string[] = [];
  const files: FoundFile[] = [];
  let links = 0;

  /** `above`: the real places of the folders on the way, in which a circle would end. */
  const walk = async (folder: string, above: readonly string[]): Promise<void> => {
    const entries = await readdir(join(place, folder), { withFileTypes: true }).catch(
      (error: unknown) => {
        throw unreadable(where, `folder ${showName(join(place, folder))}`, osCode(error), error);
      },
    );
    for (const entry of entries) {
      if (entry.name.startsWith('.')) continue;
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      const here = join(place, path);
      if (entry.isSymbolicLink()) await follow(entry, path, here, above);
      else if (entry.isDirectory()) await enter(path, [...above, await realpath(here)]);
      else if (imageName.test(entry.name)) files.push({ path, name: here, source: here });
    }
  };

  const enter = (path: string, above: readonly string[]): Promise<void> => {
    if (!path.includes('/')) folders.push(path);
    return walk(path, above);
  };

  const follow = async (
    entry: Dirent,
    path: string,
    here: string,
    above: readonly string[],
  ): Promise<void> => {
    const target = await realpath(here).catch(() => undefined);
    if (target === undefined) {
      // Leads nowhere: whoever reads it is told.
      if (imageName.test(entry.name)) files.push({ path, name: here, source: here });
      return;
    }
    const isFolder = (await stat(here).catch(() => undefined))?.isDirectory() ?? false;
    const mayFollow = followLinks || isInside(target);
    if (!isFolder) {
      if (!imageName.test(entry.name)) return;
      const fault = mayFollow ? undefined : outside('image', here, target);
      files.push({ path, name: here, source: here, ...(fault && { fault }) });
      return;
    }
    const isClass = !path.includes('/');
    if (isClass && !mayFollow) {
      const { code, details } = outside('folder', here, target);
      throw new TsunoError(code, details);
    }
    if (!(followLinks || isClass) || above.includes(target)) return;
    if (++links > mostLinks) {
      throw new TsunoError('FILE', {
        where,
        what: `folder ${showName(place)}`,
        expected: `must lead through at most ${mostLinks} links`,
        found: 'more',
      });
    }
    await enter(path, [...above, target]);
  };

  await walk('', [root]);
  return sorted(place, folders, files);
}

function outside(what: string, here: string, target: string): Fault {
  return {
    code: 'FILE',
    details: {
      where: showName(here),
      what,
      expected: 'in the folder it is read from',
      found: `a link to ${showName(target)}`,
      repair: 'Pass followLinks: true to read it nevertheless.',
    },
  };
}

/**
 * Lists the files that a page was given by `<input type="file" webkitdirectory>`: the folder that was picked is the
 * folder. Files without such a path are taken by their names, in which `/` may separate folders.
 *
 * @throws TsunoError `ARGUMENT` where something else is in the list.
 */
export function listTree(list: Iterable<File>, where: string): ImageTree {
  const all = [...list].map((file: unknown) => {
    if (file instanceof File) return file;
    throw new TsunoError('ARGUMENT', {
      where,
      what: 'directory',
      expected: 'a path or a list of files',
      found: `a list with ${show(file)}`,
    });
  });
  const picked = all.map((file) => file.webkitRelativePath).find((path) => path);
  const place = picked?.split('/')[0] ?? 'the list of files';
  const folders = new Set<string>();
  const files: FoundFile[] = [];
  for (const file of all) {
    const path = file.webkitRelativePath
      ? file.webkitRelativePath.split('/').slice(1).join('/')
      : file.name;
    if (path.split('/').some((part) => part.startsWith('.'))) continue;
    if (path.includes('/')) folders.add(path.split('/')[0]!);
    if (imageName.test(path)) files.push({ path, name: path, source: file });
  }
  return sorted(place, [...folders], files);
}

function sorted(place: string, folders: string[], files: FoundFile[]): ImageTree {
  const parts = (path: string): [folder: string, name: string] => {
    const cut = path.lastIndexOf('/');
    return [path.slice(0, Math.max(0, cut)), path.slice(cut + 1)];
  };
  const keyed = files.map((file) => ({ file, key: parts(file.path) }));
  keyed.sort(({ key: a }, { key: b }) => byCodePoints(a[0], b[0]) || byCodePoints(a[1], b[1]));
  return {
    place,
    folders: folders.sort(byCodePoints),
    files: keyed.map(({ file }) => file),
  };
}
