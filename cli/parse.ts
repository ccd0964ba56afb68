/** @file The words of a command line sorted into operands and options, as a verb declares them. */
import { parseArgs } from 'node:util';
import { UsageError } from './failure.ts';
import { nearest } from './nearest.ts';
import type { Option } from './options.ts';
import { commonOptions, type Verb } from './verb.ts';
import { visible } from './visible.ts';

/** Words and options by the names under which the verb declares them. */
export interface Parsed {
  words: Record<string, string | readonly string[]>;
  options: Record<string, unknown>;
}

/** `batchSize` → `--batch-size`. */
export function optionName(key: string): string {
  return `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** Everything that may follow a verb, by its name with the dashes. */
export function optionsOf({
  options,
}: Verb): Map<string, { key: string; option: Option<unknown> }> {
  return new Map(
    Object.entries({ ...options, ...commonOptions }).map(([key, option]) => [
      optionName(key),
      { key, option },
    ]),
  );
}

/** Whether the switch `name` is among the arguments, whatever else is wrong with them. */
export function has(args: readonly string[], ...names: string[]): boolean {
  const end = args.indexOf('--');
  return (end < 0 ? args : args.slice(0, end)).some((arg) => names.includes(arg));
}

/** @throws UsageError for what the verb does not know, and for what it misses. */
export function parse(verb: Verb, args: readonly string[]): Parsed {
  const known = optionsOf(verb);
  const { tokens } = parseArgs({
    args: [...args],
    options: Object.fromEntries(
      [...known].map(([name, { option }]) => [
        name.slice(2),
        { type: option.value === undefined ? 'boolean' : 'string' } as const,
      ]),
    ),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const options: Record<string, unknown> = {};
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    const found = known.get(token.rawName);
    if (!found) throw unknownOption(verb, token.rawName, [...known.keys()]);
    options[found.key] = read(token.rawName, found.option, token.value, token.inlineValue);
  }
  for (const [name, { key, option }] of known) {
    if (key in options) continue;
    if (option.required) throw new UsageError(`${name} ${option.value ?? ''} is missing`);
    options[key] = option.initial;
  }
  return { words: place(verb, positionals), options };
}

function read(
  name: string,
  option: Option<unknown>,
  value: string | undefined,
  inline: boolean | undefined,
): unknown {
  if (option.value === undefined) {
    if (inline) throw new UsageError(`${name} takes no value`);
    return true;
  }
  const isOption = inline !== true && value !== undefined && /^-./.test(value);
  if (value === undefined || isOption) {
    throw new UsageError(`${name} wants a value: ${name} ${option.value}`);
  }
  return option.read(value, name);
}

function unknownOption(verb: Verb, name: string, names: readonly string[]): UsageError {
  const near = nearest(name, names);
  const hint = near === undefined ? '' : `; did you mean ${near}?`;
  return new UsageError(`${verb.name} has no option ${visible(name)}${hint}`);
}

/** Gives each operand its word, the last all that are left where it stands for several. */
function place(verb: Verb, positionals: readonly string[]): Parsed['words'] {
  const words: Parsed['words'] = {};
  let at = 0;
  for (const [key, { value, many }] of Object.entries(verb.operands)) {
    const rest = positionals.slice(at);
    if (rest.length === 0) throw new UsageError(`${value} is missing`);
    if (rest.includes('')) throw new UsageError(`${value} must not be empty`);
    words[key] = many ? rest : rest[0]!;
    at += many ? rest.length : 1;
  }
  if (at === positionals.length) return words;
  throw new UsageError(`one word too many: "${visible(positionals[at]!)}"`);
}
