/** @file The Node binaries to measure under: the one this runs on, and those of the private workspace tools/node. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '..', '..');

export interface NodeBinary {
  /** As asked for: `24`. */
  major: string;
  path: string;
}

const own = process.versions.node.split('.')[0]!;

/** The binaries of these versions; `missing` is told of those that are not installed. */
export function nodeBinaries(
  versions: readonly string[],
  missing: (note: string) => void,
): NodeBinary[] {
  return versions.flatMap((major) => {
    if (major === own) return [{ major, path: process.execPath }];
    const path = join(root, 'tools', 'node', 'node_modules', `node-${major}`, 'bin', 'node');
    if (existsSync(path)) return [{ major, path }];
    missing(`Node ${major} is left out: it is not installed in tools/node`);
    return [];
  });
}

export const ownNode: NodeBinary = { major: own, path: process.execPath };
