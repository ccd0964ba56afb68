/**
 * @file Text with terminal styles, wrapped to a width as the Python library rich wraps it: Keras prints its summary
 * with rich, and the same breaks at the same places make the same table.
 */

/** Parameters of the terminal's `ESC [ … m` sequence: `1` is bold, `38;5;34` colour 34; empty is plain. */
export type Style = string;

/** A stretch of text in one style. */
export interface Run {
  text: string;
  style: Style;
}

/** One character, with its style and the columns it takes. */
export interface Glyph {
  char: string;
  style: Style;
  width: number;
}

/** What happens to a word too long for its line: cut with `…`, or continued on the next line. */
export type Overflow = 'ellipsis' | 'fold';

export const bold: Style = '1';

/** The style of colour `index` of the 256. */
export function colour(index: number): Style {
  return `38;5;${index}`;
}

/** Names come from users and files: control characters, which could steer a terminal, are shown as `�`. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, '\ufffd');
}

export function glyphsOf(runs: readonly Run[]): Glyph[] {
  return runs.flatMap(({ text, style }) =>
    Array.from(printable(text), (char) => ({ char, style, width: columnsOf(char) })),
  );
}

/** Columns that a line takes. */
export function widthOf(line: readonly Glyph[]): number {
  return line.reduce((sum, glyph) => sum + glyph.width, 0);
}

/** The line as text; with `colours`, each stretch of a style between its escape sequences. */
export function paint(line: readonly Glyph[], colours: boolean): string {
  let out = '';
  for (let start = 0, end = 0; start < line.length; start = end) {
    const { style } = line[start]!;
    while (end < line.length && line[end]!.style === style) end++;
    const text = line
      .slice(start, end)
      .map((glyph) => glyph.char)
      .join('');
    out += colours && style ? `\x1b[${style}m${text}\x1b[0m` : text;
  }
  return out;
}

export function blanks(count: number, style: Style = ''): Glyph[] {
  return Array.from({ length: Math.max(0, count) }, () => ({ char: ' ', style, width: 1 }));
}

/** The leading glyphs that fit `width` columns. */
export function crop(line: readonly Glyph[], width: number): Glyph[] {
  let used = 0;
  const end = line.findIndex((glyph) => {
    used += glyph.width;
    return used > width;
  });
  return end < 0 ? [...line] : line.slice(0, end);
}

/** Breaks a text into lines of at most `width` columns, after spaces where it can. */
export function wrap(text: readonly Glyph[], width: number, overflow: Overflow): Glyph[][] {
  const breaks = breakPositions(text, width, overflow);
  return [0, ...breaks].map((start, i) => {
    const line = text.slice(start, breaks[i] ?? text.length);
    while (widthOf(line) > width && line.at(-1)!.char === ' ') line.pop();
    if (overflow === 'fold' || widthOf(line) <= width) return line;
    const kept = crop(line, width - 1);
    // A wide character that the cut would split leaves a blank.
    const gap = blanks(width - 1 - widthOf(kept));
    return [...kept, ...gap, { char: '…', style: line[kept.length]!.style, width: 1 }];
  });
}

export function trimEnd(line: readonly Glyph[]): Glyph[] {
  const end = line.findLastIndex((glyph) => glyph.char !== ' ');
  return line.slice(0, end + 1);
}

/** Indices at which new lines begin. A word carries the spaces around it; only spaces after it may overhang. */
function breakPositions(text: readonly Glyph[], width: number, overflow: Overflow): number[] {
  const breaks: number[] = [];
  let column = 0;
  for (const [start, end] of wordsOf(text)) {
    const word = text.slice(start, end);
    const length = widthOf(trimEnd(word));
    if (length <= width - column) {
      column += widthOf(word);
    } else if (length <= width) {
      if (column > 0 && start > 0) breaks.push(start);
      column = widthOf(word);
    } else if (overflow === 'ellipsis') {
      if (start > 0) breaks.push(start);
      column = widthOf(word);
    } else {
      if (start > 0) breaks.push(start);
      column = 0;
      for (let i = start; i < end; i++) {
        if (column + text[i]!.width > width) {
          breaks.push(i);
          column = 0;
        }
        column += text[i]!.width;
      }
    }
  }
  return breaks;
}

/** `[start, end)` of each word with the spaces around it, the leading ones with the first word. */
function wordsOf(text: readonly Glyph[]): [number, number][] {
  const isSpace = (i: number) => text[i]!.char === ' ';
  const words: [number, number][] = [];
  let end = 0;
  while (end < text.length) {
    const start = end;
    while (end < text.length && isSpace(end)) end++;
    if (end === text.length) break;
    while (end < text.length && !isSpace(end)) end++;
    while (end < text.length && isSpace(end)) end++;
    words.push([start, end]);
  }
  return words;
}

const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;

/** Terminal columns of a character: 2 for East Asian wide ones and emoji, 0 for combining marks. */
function columnsOf(char: string): number {
  if (/\p{M}|\u200b|\u200d/u.test(char)) return 0;
  return wide.test(char) ? 2 : 1;
}
