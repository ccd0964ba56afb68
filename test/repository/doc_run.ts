/**
 * @file Compiles documentation blocks with one call of tsc and runs them: each page in a process of its own, all
 * docstrings in another. In: blocks. Out: what is wrong with them.
 */
import { fork, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, posix, relative, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type Block, type Exports, exportedNames, moduleOf } from './doc_blocks.ts';
import type { Progress } from './doc_child.ts';
import { givenNames } from './doc_givens.ts';
import { read, root, typescriptBelow } from './sources.ts';

const here = dirname(fileURLToPath(import.meta.url));
const built = join(here, '..', '..');

/** Longest that the blocks of one page, or all docstrings, may take. */
const longest = 9 * 60_000; // ms

/** Checks the types of the blocks and runs those that want to be run. Returns what is wrong, by index of the block. */
export async function faults(blocks: readonly Block[]): Promise<Map<number, string>> {
  const parent = join(built, 'test', 'doc-blocks');
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(join(parent, 'run-'));
  try {
    const found = compile(folder, blocks);
    const groups = new Map<string, number[]>();
    for (const [i, { path, run }] of blocks.entries()) {
      const group = path.startsWith('src/') ? 'src/' : path;
      if (run && !found.has(i)) groups.set(group, [...(groups.get(group) ?? []), i]);
    }
    for (const [name, group] of groups) {
      // Pages run with the package as users have it; docstrings also use what is inside, so with its modules one by one.
      const tsuno = name === 'src/' ? 'src/index.ts' : 'bundle/tsuno.js';
      if (name === 'src/') for (const i of group) useModules(folder, i);
      for (const [i, error] of await runGroup(folder, group, tsuno)) found.set(i, error);
    }
    return found;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Makes the module of block `i` import the modules of src/ in place of the package, so that there is one of each. */
function useModules(folder: string, i: number): void {
  const file = join(folder, `block_${i}.js`);
  const code = readFileSync(file, 'utf8');
  const index = compiled(folder, 'src/index.ts');
  writeFileSync(file, code.replaceAll(/\bfrom ['"]tsuno['"]/g, `from '${index}'`));
}

/** Names that tsuno exports; `export * from` is followed. */
function publicNames(path: string): Set<string> {
  if (!existsSync(join(root, path))) return new Set();
  const text = read(path);
  const stars = [...text.matchAll(/^export \* from '(\..*)';$/gm)].map((star) => star[1]!);
  const below = stars.flatMap((to) => [...publicNames(posix.join(posix.dirname(path), to))]);
  return new Set([...exportedNames(text), ...below]);
}

/** The address, as seen from a block's folder, of what was compiled from `path`. */
function compiled(folder: string, path: string): string {
  const to = relative(folder, join(built, path)).split(sep).join('/');
  return to.replace(/\.ts$/, '.js');
}

/** What is given to a block is not what some other file calls so. */
function withoutGivens({ specifier, names }: Exports): Exports {
  return { specifier, names: new Set([...names].filter((name) => !givenNames.includes(name))) };
}

/** Writes the modules, calls tsc once, and sorts its messages to the blocks. */
function compile(folder: string, blocks: readonly Block[]): Map<number, string> {
  const tsuno: Exports = { specifier: 'tsuno', names: publicNames('src/index.ts') };
  const inside = typescriptBelow('src')
    .filter((path) => path !== 'src/index.ts')
    .map((path) => ({ path, specifier: compiled(folder, path), names: exportedNames(read(path)) }));
  for (const [i, block] of blocks.entries()) {
    const own = inside.filter(({ path }) => path === block.path);
    const exports = own.length > 0 ? [tsuno, ...own, ...inside.map(withoutGivens)] : [tsuno];
    writeFileSync(
      join(folder, `block_${i}.ts`),
      moduleOf(block, exports, (path) => compiled(folder, path)),
    );
  }
  const config = {
    extends: relative(folder, join(root, 'tsconfig.json')).split(sep).join('/'),
    compilerOptions: {
      rootDir: '.',
      outDir: '.',
      incremental: false,
      tsBuildInfoFile: null,
      declaration: false,
      sourceMap: false,
      noUnusedLocals: false,
      noUnusedParameters: false,
      verbatimModuleSyntax: false, // an import added for a name may turn out to be a type
      isolatedModules: false,
      typeRoots: [join(root, 'node_modules', '@types')],
    },
    include: ['*.ts'],
    exclude: [],
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const { stdout, status } = spawnSync(process.execPath, [tsc, '-p', folder, '--pretty', 'false'], {
    cwd: folder,
    encoding: 'utf8',
  });
  const found = new Map<number, string>();
  for (const [, file, line, message] of stdout.matchAll(
    /^block_(\d+)\.ts\((\d+),\d+\): error (.*(?:\n .*)*)/gm,
  )) {
    const i = Number(file);
    const { path, line: first } = blocks[i]!;
    const where = `${path}:${Math.max(first, first + Number(line) - 2)}: ${message}`;
    found.set(i, found.has(i) ? `${found.get(i)}\n${where}` : where);
  }
  if (status !== 0 && found.size === 0)
    throw new Error(`tsc did not compile the blocks:\n${stdout}`);
  return found;
}

/** Runs modules in one process, in an empty folder. A block at which the process ends early is at fault. */
async function runGroup(
  folder: string,
  group: readonly number[],
  tsuno: string,
): Promise<Map<number, string>> {
  const cwd = mkdtempSync(join(tmpdir(), 'tsuno-docs-'));
  const modules = group.map((i) => pathToFileURL(join(folder, `block_${i}.js`)).href);
  const door = pathToFileURL(join(folder, compiled(folder, tsuno))).href;
  const child = fork(join(here, 'doc_child.js'), [door, ...modules], {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    timeout: longest,
    execArgv: [],
  });
  const found = new Map<number, string>();
  const printed: Buffer[] = [];
  child.stdout?.on('data', (data: Buffer) => printed.push(data));
  child.stderr?.on('data', (data: Buffer) => printed.push(data));
  let at = -1;
  let ended = true;
  child.on('message', (message) => {
    const { index, state, error } = message as Progress;
    at = index;
    ended = state !== 'began';
    if (error !== undefined) found.set(group[index]!, error);
  });
  const status = await new Promise<string>((done) => {
    child.on('error', (error) => done(error.message));
    child.on('close', (code, signal) => done(`exit ${code ?? signal}`));
  });
  rmSync(cwd, { recursive: true, force: true });
  const from = ended ? at + 1 : at;
  const output = Buffer.concat(printed).toString().slice(-2000);
  for (const [n, i] of group.slice(from).entries()) {
    found.set(i, n === 0 ? `the process ended here (${status})\n${output}` : 'not reached');
  }
  return found;
}
