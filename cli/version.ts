/** @file The version of the package that this command belongs to. */
import { readFile } from 'node:fs/promises';

/** As package.json has it; this file lies two folders below. */
export async function version(): Promise<string> {
  const manifest = await readFile(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}
