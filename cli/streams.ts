/** @file Where the command line prints, and what that place can show. */
import { visible } from './visible.ts';

/** A place for text. */
export interface Stream {
  write(text: string): void;
  /** Whether a line can be redrawn. */
  isTerminal: boolean;
  /** Whether to send colours. */
  colour: boolean;
  /** Characters a line. */
  columns: number;
}

export interface Streams {
  /** Results. */
  out: Stream;
  /** Progress, warnings and errors. */
  err: Stream;
}

/** Standard output and standard error; `NO_COLOR`, `FORCE_COLOR` and `COLUMNS` are obeyed. */
export function processStreams(): Streams {
  return { out: streamOf(process.stdout), err: streamOf(process.stderr) };
}

function streamOf(output: NodeJS.WriteStream): Stream {
  const { NO_COLOR = '', FORCE_COLOR = '', COLUMNS, TERM } = process.env;
  const isTerminal = output.isTTY === true && TERM !== 'dumb';
  const forced = !['', '0', 'false'].includes(FORCE_COLOR);
  const wanted = Number(COLUMNS);
  return {
    write: (text) => output.write(text),
    isTerminal,
    colour: (isTerminal || forced) && NO_COLOR === '',
    // A terminal that does not know its width says 0.
    columns: Number.isInteger(wanted) && wanted > 0 ? wanted : output.columns || 80,
  };
}

export type Style = 'bold' | 'dim' | 'green' | 'red';

const codes: Readonly<Record<Style, number>> = { bold: 1, dim: 2, green: 32, red: 31 };

/** `text` in a style, where the stream shows any; control characters in it are made visible. */
export function styled({ colour }: Pick<Stream, 'colour'>, style: Style, text: string): string {
  const plain = visible(text);
  return colour && plain !== '' ? `\x1b[${codes[style]}m${plain}\x1b[0m` : plain;
}
