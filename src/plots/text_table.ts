/**
 * @file A table in box-drawing characters with columns of given widths, as the Python library rich draws it in its
 * `HEAVY_HEAD` box with a rule between all rows.
 */
import {
  blanks,
  bold,
  crop,
  type Glyph,
  glyphsOf,
  paint,
  type Run,
  type Style,
  trimEnd,
  widthOf,
  wrap,
} from './styled_text.ts';

export interface TableColumn {
  header: string;
  /** Columns for the text, without the space on either side. */
  width: number;
  align: 'left' | 'right' | 'center';
}

export interface TableOptions {
  /** Columns of the whole table with its borders: wider tables are narrowed, all their columns alike. */
  width: number;
  /** Columns of the terminal: what lies beyond is cut off. */
  crop: number;
  colours: boolean;
}

/** A cell in several styles. */
export type TableCell = readonly Run[];

/** The table, each line with its line break. */
export function textTable(
  columns: readonly TableColumn[],
  rows: readonly (readonly TableCell[])[],
  options: TableOptions,
): string {
  const widths = fitWidths(
    columns.map((column) => column.width + 2),
    options.width - columns.length - 1,
  );
  const header = columns.map((column): TableCell => [{ text: column.header, style: bold }]);
  const lines = [
    rule('┏━┳┓', widths),
    ...rowLines(header, columns, widths, { border: '┃', vertical: 'bottom', padding: bold }),
    rule('┡━╇┩', widths),
    ...rows.flatMap((row, i) => [
      ...(i > 0 ? [rule('├─┼┤', widths)] : []),
      ...rowLines(row, columns, widths, { border: '│', vertical: 'top', padding: '' }),
    ]),
    rule('└─┴┘', widths),
  ];
  return lines
    .map(
      (line) =>
        `${cropSegments(line, options.crop)
          .map((segment) => paint(segment, options.colours))
          .join('')}\n`,
    )
    .join('');
}

/** A line of the table in pieces that are painted one by one, so that escape sequences fall where rich puts them. */
type Segments = Glyph[][];

/** Takes the excess from all columns alike, half columns to the even number. */
function fitWidths(wanted: readonly number[], available: number): number[] {
  let excess = wanted.reduce((sum, width) => sum + width, 0) - available;
  if (excess <= 0) return [...wanted];
  return wanted.map((width, i) => {
    const share = Math.min(width, roundHalfEven(excess / (wanted.length - i)));
    excess -= share;
    return width - share;
  });
}

function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  return value - floor === 0.5 ? floor + (floor % 2) : Math.round(value);
}

function rule(glyphs: string, widths: readonly number[]): Segments {
  const [left, line, cross, right] = Array.from(glyphs);
  const text = `${left}${widths.map((width) => line!.repeat(width)).join(cross)}${right}`;
  return [plain(text)];
}

interface RowStyle {
  border: string;
  /** Where the shorter cells of the row stand. */
  vertical: 'top' | 'bottom';
  /** Style of the spaces around the text: the header is bold to its edges. */
  padding: Style;
}

function rowLines(
  cells: readonly TableCell[],
  columns: readonly TableColumn[],
  widths: readonly number[],
  { border, vertical, padding }: RowStyle,
): Segments[] {
  const wrapped = cells.map((cell, i) =>
    cellLines(cell, columns[i]!.align, widths[i]! - 2, padding),
  );
  const height = Math.max(...wrapped.map((lines) => lines.length));
  return Array.from({ length: height }, (_, row) => {
    const segments: Segments = [plain(border)];
    wrapped.forEach((lines, i) => {
      const line = lines[vertical === 'top' ? row : row - (height - lines.length)];
      if (line) segments.push(blanks(1, padding), line, blanks(1, padding));
      else segments.push(blanks(widths[i]!, padding));
      segments.push(plain(border));
    });
    return segments;
  });
}

function cellLines(
  cell: TableCell,
  align: TableColumn['align'],
  width: number,
  padding: Style,
): Glyph[][] {
  return wrap(glyphsOf(cell), width, 'ellipsis').map((line) => {
    const text = align === 'left' ? line : trimEnd(line);
    const space = width - widthOf(text);
    const left = align === 'left' ? 0 : align === 'right' ? space : Math.floor(space / 2);
    return [...blanks(left, padding), ...text, ...blanks(space - left, padding)];
  });
}

function plain(text: string): Glyph[] {
  return glyphsOf([{ text, style: '' }]);
}

function cropSegments(line: Segments, width: number): Segments {
  let left = width;
  return line.map((segment) => {
    const kept = crop(segment, left);
    left -= widthOf(segment);
    return kept;
  });
}
