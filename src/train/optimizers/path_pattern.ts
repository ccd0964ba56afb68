/**
 * @file Patterns for the paths of weights, `dense/kernel`: text, in which `.*` stands for anything. No other regular
 * expression is understood, since patterns come from files too, and some of those take for ever.
 */
import { refuse } from '../../layers/checks.ts';

/** @throws TsunoError `ARGUMENT` for a pattern that holds more than text and `.*`. */
export function checkPattern(where: string, what: string, pattern: unknown): string {
  const plain = typeof pattern === 'string' ? pattern.replaceAll('.*', '') : '*';
  if (!/[\\^$*+?()[\]{}|]/.test(plain)) return pattern as string;
  throw refuse(where, what, 'text in which ".*" stands for anything', pattern);
}

/** Whether the pattern is in the path, or is all of it. */
export function matches(path: string, pattern: string, all: boolean): boolean {
  const parts = pattern.split('.*');
  const last = parts.at(-1)!;
  if (all && parts.length === 1) return path === pattern;
  if (all && !(path.startsWith(parts[0]!) && path.endsWith(last))) return false;
  const end = all ? path.length - last.length : path.length;
  let from = 0;
  for (const part of all ? parts.slice(0, -1) : parts) {
    const found = path.indexOf(part, from);
    if (found < 0) return false;
    from = found + part.length;
  }
  return from <= end;
}
