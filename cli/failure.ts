/** @file What can go wrong, what is said, and the exit code of each kind. */
import { TsunoError } from '../src/index.ts';
import { inFlags } from './repairs.ts';

/** Exit codes: 1 is for bugs of tsuno alone. */
export const exitCodes = {
  ok: 0,
  bug: 1,
  usage: 2,
  /** Data or a file that is not what it must be. */
  data: 3,
  /** The machine: disk, memory, threads. */
  machine: 4,
  interrupted: 130,
} as const;

/** A command line that says nothing sensible. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** What is said of an error. */
export interface Failure {
  code: number;
  message: string;
  /** For machines. */
  data: Readonly<Record<string, unknown>>;
}

/** Codes of errors that are neither about data nor about files. */
const others: Readonly<Record<string, number>> = {
  SAVE: exitCodes.machine,
  MEMORY: exitCodes.machine,
  WORKER: exitCodes.machine,
  COMPILE: exitCodes.machine,
  ARGUMENT: exitCodes.usage,
  INTERNAL: exitCodes.bug,
};

/** Codes of the operating system that say that the machine has no more to give. */
const exhausted = ['ENOSPC', 'EDQUOT', 'EFBIG', 'EIO', 'EROFS', 'EMFILE', 'ENFILE', 'ENOMEM'];

export function failureOf(error: unknown): Failure {
  if (error instanceof UsageError) return failure(exitCodes.usage, 'USAGE', error.message);
  if (error instanceof TsunoError) {
    const { code, where, what, expected, found, repair, message } = error;
    const next = repair === undefined ? {} : { repair: inFlags(repair) };
    const parts = { where, what, expected, found, ...next };
    return failure(others[code] ?? exitCodes.data, code, inFlags(message), parts);
  }
  const text = error instanceof Error ? error.message : String(error);
  const system =
    error instanceof Error && 'syscall' in error && 'code' in error ? error : undefined;
  if (system) {
    const isMachine = exhausted.includes(String(system.code));
    return failure(isMachine ? exitCodes.machine : exitCodes.data, String(system.code), text);
  }
  if (
    error instanceof RangeError &&
    /allocation failed|Invalid (typed )?array (buffer )?length/i.test(text)
  ) {
    return failure(exitCodes.machine, 'MEMORY', 'There is not enough memory for this.');
  }
  return failure(exitCodes.bug, 'INTERNAL', `${text} This is a bug of tsuno; --debug shows where.`);
}

function failure(
  code: number,
  name: string,
  message: string,
  parts: Readonly<Record<string, unknown>> = {},
): Failure {
  return { code, message, data: { error: { code: name, message, ...parts } } };
}
