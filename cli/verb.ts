/** @file What a verb of the command line is: words, options, and what it does with them. */
import { callbacks } from '../src/index.ts';
import { flag, type Operands, type Options, type ValuesOf, type WordsOf } from './options.ts';
import type { Streams } from './streams.ts';
import { visible } from './visible.ts';

/** Options that every verb has. */
export const commonOptions = {
  json: flag('print one JSON object and nothing else on standard output'),
  debug: flag('show where an error arose'),
  help: flag('print this text'),
} satisfies Options;

/** A command line that makes sense. */
export interface Call<P extends Operands, O extends Options> {
  words: WordsOf<P>;
  options: ValuesOf<O> & ValuesOf<typeof commonOptions>;
  streams: Streams;
}

/** What a verb has to say when it is done. */
export interface Outcome {
  /** For machines: what `--json` prints. */
  data: unknown;
  /** For people; may be empty. */
  text: string;
  /** Exit code, default 0. */
  code?: number;
}

/** What a verb is made of. */
export interface VerbParts<P extends Operands, O extends Options> {
  name: string;
  /** A clause, without its full stop. */
  summary: string;
  operands: P;
  options: O;
  /** Paragraphs below the options. */
  notes?: readonly string[];
  /** Command lines, without the `$`. */
  examples: readonly string[];
  run(call: Call<P, O>): Promise<Outcome>;
}

/** A verb as the table holds it. */
export interface Verb extends VerbParts<Operands, Options> {}

/** A verb out of its parts, whose `run` knows the types of its words and options. */
export function verb<P extends Operands, O extends Options>(parts: VerbParts<P, O>): Verb {
  return parts as unknown as Verb;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: it is what is looked for.
const colours = /\x1b\[[\d;]*m/g;

/**
 * Options for Keras's progress bar on standard error. Elsewhere than on a terminal it leaves one line an epoch.
 *
 * @param always whether there is one where standard error is no terminal, too.
 */
export function progress(
  { err }: Streams,
  always: boolean,
): { verbose: 0 | 1; callbacks: callbacks.Callback[] } {
  if (!always && !err.isTerminal) return { verbose: 0, callbacks: [] };
  const write = (text: string) => err.write(err.colour ? text : text.replace(colours, ''));
  return { verbose: 1, callbacks: [new VisibleBar(write, err)] };
}

/** A bar whose names are safe to print. */
class VisibleBar extends callbacks.ProgbarLogger {
  override onProgress(step: number, logs: callbacks.Logs): void {
    super.onProgress(step, visibleNames(logs));
  }

  override onEpochEnd(epoch: number, logs: callbacks.Logs): void {
    super.onEpochEnd(epoch, visibleNames(logs));
  }

  override onTestEnd(logs: callbacks.Logs): void {
    super.onTestEnd(visibleNames(logs));
  }
}

function visibleNames(logs: callbacks.Logs): callbacks.Logs {
  return Object.fromEntries(Object.entries(logs).map(([name, value]) => [visible(name), value]));
}
