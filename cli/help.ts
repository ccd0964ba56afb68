/** @file The help texts, made from the table of verbs. */
import type { Option } from './options.ts';
import { optionsOf } from './parse.ts';
import { type Stream, styled } from './streams.ts';
import type { Verb } from './verb.ts';

const width = 80;

/** `fit MODEL.keras --data DATA --out NEW.keras [options]`. */
export function synopsis(verb: Verb): string {
  const words = Object.values(verb.operands).map(({ value, many }) => (many ? `${value}…` : value));
  const required = [...optionsOf(verb)]
    .filter(([, { option }]) => option.required)
    .map(([name, { option }]) => `${name} ${option.value}`);
  return [verb.name, ...words, ...required, '[options]'].join(' ');
}

/** What `tsuno VERB --help` prints. */
export function verbHelp(verb: Verb, stream: Pick<Stream, 'colour'>): string {
  const heading = (text: string) => styled(stream, 'bold', text);
  const words = Object.values(verb.operands).map(({ value, help }) => row(value, help));
  const options = [...optionsOf(verb)].map(([name, { option }]) =>
    row(option.value === undefined ? name : `${name} ${option.value}`, describe(option)),
  );
  return [
    `${heading('tsuno')} ${synopsis(verb)}`,
    '',
    wrap(`${capital(verb.summary)}.`, 0),
    '',
    ...words,
    ...(words.length > 0 ? [''] : []),
    heading('Options'),
    ...options,
    ...(verb.notes ?? []).flatMap((note) => ['', wrap(note, 0)]),
    '',
    heading(verb.examples.length > 1 ? 'Examples' : 'Example'),
    ...verb.examples.map((example) => `  ${example}`),
    '',
  ].join('\n');
}

/** What `tsuno --help` prints. */
export function overview(verbs: readonly Verb[], stream: Pick<Stream, 'colour'>): string {
  const heading = (text: string) => styled(stream, 'bold', text);
  return [
    `${heading('tsuno')} VERB [words] [options]`,
    '',
    'Train, test, use, look at and convert models of .keras, .h5 and .onnx files.',
    '',
    heading('Verbs'),
    ...verbs.map(({ name, summary }) => row(name, summary, 12)),
    '',
    heading('Options'),
    row('--help', 'print this text; after a verb, what it takes', 12),
    row('--version', 'print the version', 12),
    '',
    heading('Exit codes'),
    row('0', 'done', 12),
    row('2', 'a command line that makes no sense', 12),
    row('3', 'data or a file that is not what it must be', 12),
    row('4', 'the disk or the memory is full, or the machine failed', 12),
    row('130', 'stopped by Ctrl-C, what was trained is saved', 12),
    row('1', 'a bug of tsuno', 12),
    '',
    heading('Example'),
    '  tsuno fit --help',
    '',
  ].join('\n');
}

function describe({ help, shown, required }: Option<unknown>): string {
  if (required) return `${help} (required)`;
  return shown === undefined ? help : `${help} (default: ${shown})`;
}

/** A name, and beside or below it what it means. */
function row(name: string, help: string, column = 24): string {
  const text = wrap(help, column);
  if (name.length > column - 3) return `  ${name}\n${text}`;
  return `  ${name.padEnd(column - 2)}${text.slice(column)}`;
}

/** Lines of at most 80 characters, `indent` of them spaces. */
function wrap(text: string, indent: number): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && indent + line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].map((one) => `${' '.repeat(indent)}${one}`).join('\n');
}

function capital(text: string): string {
  return `${text[0]!.toUpperCase()}${text.slice(1)}`;
}
