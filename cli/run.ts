/** @file From arguments to an exit code: finds the verb, parses, runs, prints what it has to say or what went wrong. */
import { TsunoError } from '../src/index.ts';
import { exitCodes, failureOf, UsageError } from './failure.ts';
import { overview, verbHelp } from './help.ts';
import { nearest } from './nearest.ts';
import { has, parse } from './parse.ts';
import { type Streams, styled } from './streams.ts';
import type { Call, Verb } from './verb.ts';
import { verbs } from './verbs/index.ts';
import { version } from './version.ts';
import { visible } from './visible.ts';

/**
 * Runs one command line.
 *
 * @param args what follows `tsuno`.
 * @returns the exit code; nothing is thrown.
 */
export async function run(args: readonly string[], streams: Streams): Promise<number> {
  const [first = ''] = args;
  try {
    if (first === '--version') {
      streams.out.write(`${await version()}\n`);
      return exitCodes.ok;
    }
    if (['--help', '-h', 'help'].includes(first)) {
      const asked = args[1];
      const about = asked === undefined ? undefined : find(asked);
      streams.out.write(about ? verbHelp(about, streams.out) : overview(verbs, streams.out));
      return exitCodes.ok;
    }
    if (args.length === 0) {
      streams.err.write(overview(verbs, streams.err));
      return exitCodes.usage;
    }
    return await runVerb(find(first), args.slice(1), streams);
  } catch (error) {
    return report(error, args, streams);
  }
}

async function runVerb(verb: Verb, args: readonly string[], streams: Streams): Promise<number> {
  if (has(args, '--help', '-h')) {
    streams.out.write(verbHelp(verb, streams.out));
    return exitCodes.ok;
  }
  const call = { ...parse(verb, args), streams } as Call<Verb['operands'], Verb['options']>;
  const { data, text, code = exitCodes.ok } = await verb.run(call);
  if (call.options.json) streams.out.write(`${JSON.stringify(data)}\n`);
  else if (text !== '') streams.out.write(text.endsWith('\n') ? text : `${text}\n`);
  return code;
}

function find(name: string): Verb {
  const found = verbs.find((verb) => verb.name === name);
  if (found) return found;
  const near = nearest(
    name,
    verbs.map((verb) => verb.name),
  );
  const what = name.startsWith('-') ? 'option' : 'verb';
  const hint = near === undefined ? '' : `; did you mean ${near}?`;
  throw new UsageError(`tsuno has no ${what} ${visible(name)}${hint}`);
}

function report(error: unknown, args: readonly string[], { out, err }: Streams): number {
  const { code, message, data } = failureOf(error);
  if (has(args, '--json')) out.write(`${JSON.stringify(data)}\n`);
  // A list of files has a line for each; other messages are one line.
  const lines =
    error instanceof TsunoError && error.found.startsWith('\n') ? message.split('\n') : [message];
  err.write(`${styled(err, 'red', 'error:')} ${lines.map(visible).join('\n')}\n`);
  if (error instanceof UsageError) {
    const known = verbs.some(({ name }) => name === args[0]);
    err.write(`See tsuno ${known ? `${args[0]} ` : ''}--help.\n`);
  }
  if (has(args, '--debug')) err.write(`${stackOf(error)}\n`);
  return code;
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? '' : `\ncaused by ${stackOf(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}
