/** @file The package that this command belongs to. */
import { readFile } from 'node:fs/promises';
import { dirname, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** As package.json has it; this file lies two folders below. */
export async function version(): Promise<string> {
  const manifest = await readFile(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}

/**
 * What the `package.json` of a project says of this package: its version where npm has installed it; where it is a clone
 * its folder, `file:FOLDER`.
 */
export async function dependency(): Promise<string> {
  const folder = resolve(dirname(fileURLToPath(import.meta.url)), '..', '..');
  const isInstalled = folder.split(sep).includes('node_modules');
  return isInstalled ? `^${await version()}` : `file:${folder.replaceAll(sep, '/')}`;
}
