/** @file A small table: a bold line of headings, and columns as wide as they need. */
import { type Stream, styled } from './streams.ts';
import { visible } from './visible.ts';

/** A heading, and to which side its column leans; default `left`. */
export type Column = readonly [heading: string, side?: 'left' | 'right'];

/** Widest cell; what is longer ends in `…`. */
const widest = 40;

/** A measure in few digits, as Keras's progress bar writes it: what lies halfway goes to the even digit. */
export function measure(value: number): string {
  if (Math.abs(value) <= 1e-3 && value !== 0)
    return value.toExponential(4).replace(/(?<=e[+-])(?=\d$)/, '0');
  const text = value.toFixed(4);
  // Halfway between two decimals of four digits lie only the odd multiples of 2⁻⁵.
  const isTie = Math.abs(value * 32) % 2 === 1;
  const isOdd = Number(text.at(-1)) % 2 === 1;
  return isTie && isOdd ? (value - Math.sign(value) * 5e-5).toFixed(4) : text;
}

/** The lines of a table, each with its line break. Cells are made safe to print. */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  stream: Pick<Stream, 'colour'>,
): string {
  const cells = rows.map((row) => row.map(cell));
  const widths = columns.map(([heading], i) =>
    Math.max(heading.length, ...cells.map((row) => row[i]!.length)),
  );
  const line = (row: readonly string[]) =>
    row
      .map((text, i) =>
        columns[i]![1] === 'right' ? text.padStart(widths[i]!) : text.padEnd(widths[i]!),
      )
      .join('  ')
      .trimEnd();
  const headings = styled(stream, 'bold', line(columns.map(([heading]) => heading)));
  return [headings, ...cells.map(line), ''].join('\n');
}

function cell(text: string): string {
  const safe = visible(text);
  return safe.length > widest ? `${safe.slice(0, widest - 1)}…` : safe;
}
