/** @file The kinds of options and operands a verb may have; each knows how it is read and how the help shows it. */
import { UsageError } from './failure.ts';
import { nearest } from './nearest.ts';

/** An option, `--name` or `--name VALUE`. */
export interface Option<T> {
  /** What stands for the value in the help, as `N`; a switch has none. */
  readonly value?: string;
  readonly help: string;
  /** The default as the help shows it. */
  readonly shown?: string;
  /** The default; `required` options have none. */
  readonly initial?: T;
  readonly required?: boolean;
  /** The value that was typed. @throws UsageError for one that cannot be. */
  read(text: string, name: string): T;
}

export type Options = Readonly<Record<string, Option<unknown>>>;

/** What options are once they are read. */
export type ValuesOf<O extends Options> = {
  readonly [K in keyof O]: O[K] extends Option<infer T> ? T : never;
};

/** A switch. */
export function flag(help: string): Option<boolean> {
  return { help, initial: false, read: () => true };
}

/** Any text, as a path. */
export function text(value: string, help: string, shown?: string): Option<string | undefined> {
  return { value, help, ...(shown === undefined ? {} : { shown }), read: notEmpty };
}

/** Any text, which must be given. */
export function requiredText(value: string, help: string): Option<string> {
  return { value, help, required: true, read: notEmpty };
}

function notEmpty(typed: string, name: string): string {
  if (typed !== '') return typed;
  throw new UsageError(`${name} must not be empty`);
}

/** Bounds of a whole number; default from 1 to 2³¹ − 1. */
export interface Bounds {
  least?: number;
  most?: number;
}

/** A whole number with a default. */
export function whole(help: string, initial: number, bounds: Bounds = {}): Option<number> {
  return { ...maybeWhole(help, String(initial), bounds), initial } as Option<number>;
}

/** A whole number. @param shown what holds where it is not given. */
export function maybeWhole(
  help: string,
  shown: string,
  { least = 1, most = 2 ** 31 - 1 }: Bounds = {},
): Option<number | undefined> {
  return {
    value: 'N',
    help,
    shown,
    read(typed, name) {
      const number = /^\d+$/.test(typed) ? Number(typed) : Number.NaN;
      if (number >= least && number <= most) return number;
      throw new UsageError(
        `${name} must be a whole number from ${least} to ${most}, received "${typed}"`,
      );
    },
  };
}

/** A positive number. */
export function positive(help: string, shown: string): Option<number | undefined> {
  return {
    value: 'X',
    help,
    shown,
    read(typed, name) {
      const number = Number(typed);
      if (number > 0 && Number.isFinite(number)) return number;
      throw new UsageError(`${name} must be a positive number, received "${typed}"`);
    },
  };
}

/** Names with commas between them. */
export function list(value: string, help: string, shown?: string): Option<string[] | undefined> {
  return {
    value,
    help,
    ...(shown === undefined ? {} : { shown }),
    read(typed, name) {
      const items = typed.split(',').map((item) => item.trim());
      if (items.every((item) => item !== '')) return items;
      throw new UsageError(`${name} must be names with commas between them, received "${typed}"`);
    },
  };
}

/** One of some words. @param initial without it the option must be given. */
export function choice<const T extends string>(
  words: readonly T[],
  help: string,
  initial?: NoInfer<T>,
): Option<T> {
  return {
    value: words.join('|'),
    help,
    ...(initial === undefined ? { required: true } : { initial, shown: initial }),
    read(typed, name) {
      const found = words.find((word) => word === typed);
      if (found !== undefined) return found;
      const near = nearest(typed, words);
      const hint = near === undefined ? '' : `; did you mean "${near}"?`;
      throw new UsageError(
        `${name} must be one of ${words.join(', ')}, received "${typed}"${hint}`,
      );
    },
  };
}

/** A word that stands without a name; the last one may stand for several. */
export interface Operand<T extends string | readonly string[]> {
  /** As the help shows it: `MODEL.keras`. */
  readonly value: string;
  readonly help: string;
  readonly many: T extends string ? false : true;
}

export type Operands = Readonly<Record<string, Operand<string> | Operand<readonly string[]>>>;

export type WordsOf<P extends Operands> = {
  readonly [K in keyof P]: P[K] extends Operand<string> ? string : readonly string[];
};

export function operand(value: string, help: string): Operand<string> {
  return { value, help, many: false };
}

/** One or more words. */
export function operands(value: string, help: string): Operand<readonly string[]> {
  return { value, help, many: true };
}
