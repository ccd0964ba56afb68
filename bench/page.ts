/** @file The tables of docs/benchmarks.md: each stands between two comments that name it. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { root } from './paths.ts';

/** What is on the page. */
export type PageTable =
  | 'peers'
  | 'peers, one thread'
  | 'networks'
  | 'versions of Node'
  | 'profile'
  | 'scaling'
  | 'streaming'
  | 'zeros';

/**
 * The page with another text for a table.
 *
 * @throws Error where the page has no place for it.
 */
export function withTable(page: string, name: PageTable, text: string): string {
  const [begin, end] = [`<!-- ${name}: begin -->`, `<!-- ${name}: end -->`];
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`the page has no place for the table "${name}"`);
  return `${page.slice(0, from + begin.length)}\n\n${text}\n\n${page.slice(to)}`;
}

/** Writes a table onto the page. */
export async function writePage(name: PageTable, text: string): Promise<void> {
  const file = join(root, 'docs', 'benchmarks.md');
  await writeFile(file, withTable(await readFile(file, 'utf8'), name, text));
}
