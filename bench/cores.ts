/** @file Processes held to some of the processors, as `measure.py` holds the peers. */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** `0-1,4` → 0, 1, 4. */
export function coresOf(list: string): number[] {
  return list.split(',').flatMap((part) => {
    const [first, last = first] = part.split('-').map(Number) as [number, number?];
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}

/**
 * A command line that runs on the first `cores` of the processors this process may use; the same one where that is all.
 *
 * @throws Error where the system has no `/proc`: it is Linux's `taskset` that holds a process.
 */
export function heldTo(
  cores: number | undefined,
  command: string,
  args: readonly string[],
): [command: string, args: readonly string[]] {
  if (cores === undefined || cores >= availableParallelism()) return [command, args];
  const status = readFileSync('/proc/self/status', 'utf8');
  const allowed = coresOf(/^Cpus_allowed_list:\s*(\S+)$/m.exec(status)![1]!);
  return ['taskset', ['-c', allowed.slice(0, cores).join(','), command, ...args]];
}
