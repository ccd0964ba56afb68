/**
 * @file Makes the next incremental `tsc` exact: removes from dist/ what was compiled from files that are gone, and
 * forgets tsc's state when something it believes to have written is missing. Runs before every build, in plain
 * JavaScript because nothing is compiled yet. `dist/test/doc-blocks` belongs to the documentation test.
 *
 * In: the root folder (default: this repository). Out: dist/ changed, nothing printed unless a file was removed.
 */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = process.argv[2] ?? fileURLToPath(new URL('..', import.meta.url));
const folders = ['src', 'test', 'examples', 'bench', 'demo', 'tools', 'cli'];
const generated = join('test', 'doc-blocks');

/** Paths of all files below `folder`, relative to `base`. */
function* filesBelow(base, folder) {
  if (!existsSync(join(base, folder))) return;
  for (const entry of readdirSync(join(base, folder), { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.name === 'node_modules' || path === generated) continue;
    if (entry.isDirectory()) yield* filesBelow(base, path);
    else yield path;
  }
}

let removed = 0;
for (const path of folders.flatMap((folder) => [...filesBelow(join(root, 'dist'), folder)])) {
  const source = path.replace(/(\.d\.ts|\.js)(\.map)?$/, '.ts');
  if (existsSync(join(root, source))) continue;
  rmSync(join(root, 'dist', path));
  removed += 1;
}
if (removed > 0) console.log(`Removed ${removed} compiled files whose sources are gone.`);

const missing = folders
  .flatMap((folder) => [...filesBelow(root, folder)])
  .filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts'))
  .some((path) => !existsSync(join(root, 'dist', path.replace(/\.ts$/, '.js'))));
if (missing) rmSync(join(root, 'dist', '.tsbuildinfo'), { force: true });
