/**
 * @file Which classes are taken for which: a square a pair, with its count and shaded by its part of the true class.
 * Labels and answers go in, SVG comes out.
 */
import { fixed } from '../callbacks/number_format.ts';
import { type ErrorCode, show, TsunoError } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import { faint, ink } from './chart_axes.ts';
import { classesOf, guessesOf } from './classes.ts';
import { fontFamily } from './svg_to_png.ts';
import { escapeXml } from './xml.ts';

export interface ConfusionOptions {
  /** What `predict` returned: `[n, classes]`, or `[n, 1]` from one sigmoid. */
  probabilities?: Tensor;
  /** Predicted classes, where there are no probabilities. */
  predicted?: readonly number[];
  /** True classes: numbers, or a tensor `[n]`, `[n, 1]` or one-hot `[n, classes]`. */
  labels: readonly number[] | Tensor;
  /** What the classes are called, by default their numbers. */
  classNames?: readonly string[];
  /** What stands in the squares: counts (default), or parts of the true class in percent. */
  show?: 'counts' | 'percent';
  /** Width of a square in pixels, default 46, less where there are many classes. */
  size?: number;
}

const blue = [37, 99, 235] as const;
const red = [220, 38, 38] as const;

/**
 * Rows are true classes, columns predicted ones. The diagonal, what is right, is blue, the rest red; behind each row is
 * how much of the class was found (recall), below each column how much of what was said is true (precision).
 *
 * @throws TsunoError `DATA_MISMATCH` where counts differ, `DATA_EMPTY` without any, `LABEL_RANGE` for a class that is no
 *   whole number or has no name, `ARGUMENT` for an option that cannot be.
 *
 * @example
 * ```ts
 * const svg = confusionChart({ labels: [0, 1, 1], predicted: [0, 1, 0], classNames: ['cat', 'dog'] });
 * ```
 */
export function confusionChart(options: ConfusionOptions): string {
  const counts = countsOf(options);
  const { show: shown = 'counts' } = options;
  if (shown !== 'counts' && shown !== 'percent')
    throw refusal('ARGUMENT', 'show', "'counts' or 'percent'", show(shown));
  const classes = counts.length;
  const size = options.size ?? Math.max(14, Math.min(46, Math.floor(900 / classes)));
  if (!Number.isInteger(size) || size < 4)
    throw refusal('ARGUMENT', 'size', 'a whole number, at least 4', show(size));
  const names = counts.map((_, i) => options.classNames?.[i] ?? String(i));
  const longest = Math.max(...names.map((name) => name.length));
  const rowSums = counts.map((row) => sum(row));
  const columnSums = counts.map((_, column) => sum(counts.map((row) => row[column]!)));
  const right = sum(counts.map((row, i) => row[i]!));
  const all = sum(rowSums);

  // Names of columns are turned where they do not fit.
  const turned = longest * 6.8 > size - 4;
  const left = 34 + Math.min(160, Math.max(40, longest * 6.8)) + 8;
  const top = 56 + (turned ? Math.min(160, longest * 6.8) + 6 : 20);
  const width = Math.max(left + classes * size + 66, 300);
  const height = top + classes * size + 34;
  const font = Math.max(6, Math.min(13, size / 3.4));
  const cells = counts.flatMap((row, i) =>
    row.map((count, j) => {
      const part = rowSums[i] ? count / rowSums[i] : 0;
      const [x, y] = [left + j * size, top + i * size];
      const text = shown === 'counts' ? String(count) : fixed(100 * part, part < 0.0995 ? 1 : 0);
      const number =
        count === 0 || size < 14
          ? ''
          : `<text x="${x + size / 2}" y="${round(y + size / 2 + font * 0.36)}" font-size="${round(font)}" fill="${part > 0.55 ? 'white' : ink}">${text}</text>`;
      return `<rect x="${x}" y="${y}" width="${size}" height="${size}" fill="${shade(part, i === j)}" stroke="#e4e7eb"><title>${escapeXml(`true ${names[i]}, predicted ${names[j]}: ${count}`)}</title></rect>${number}`;
    }),
  );
  const percent = (part: number, whole: number) =>
    whole > 0 ? fixed((100 * part) / whole, 1) : '–';
  const edges = names.flatMap((name, i) => {
    const middle = round(left + (i + 0.5) * size);
    const row = round(top + (i + 0.5) * size + 4);
    const label = escapeXml(shortened(name));
    return [
      `<text x="${left - 8}" y="${row}" text-anchor="end">${label}</text>`,
      turned
        ? `<text transform="translate(${middle + 4} ${top - 8}) rotate(-90)" text-anchor="start">${label}</text>`
        : `<text x="${middle}" y="${top - 8}">${label}</text>`,
      `<text x="${left + classes * size + 8}" y="${row}" text-anchor="start" fill="${faint}">${percent(counts[i]![i]!, rowSums[i]!)}</text>`,
      size < 30
        ? ''
        : `<text x="${middle}" y="${top + classes * size + 18}" fill="${faint}">${percent(counts[i]![i]!, columnSums[i]!)}</text>`,
    ];
  });
  const title = `Confusion matrix: ${right} of ${all} right, ${percent(right, all)} %`;
  const middleRow = round(top + (classes * size) / 2);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${round(width)}" height="${height}" viewBox="0 0 ${round(width)} ${height}" role="img" aria-label="${title}" font-family="${fontFamily}" font-size="12" text-anchor="middle" fill="${ink}">`,
    '<rect width="100%" height="100%" fill="white"/>',
    `<text x="20" y="26" font-size="16" font-weight="700" text-anchor="start">${title}</text>`,
    `<text x="${left}" y="46" text-anchor="start" fill="${faint}">predicted</text>`,
    `<text transform="translate(22 ${middleRow}) rotate(-90)" fill="${faint}">true</text>`,
    `<text x="${left + classes * size + 8}" y="${top - 8}" text-anchor="start" fill="${faint}">recall %</text>`,
    size < 30
      ? ''
      : `<text x="${left - 8}" y="${top + classes * size + 18}" text-anchor="end" fill="${faint}">prec. %</text>`,
    ...cells,
    ...edges.filter((edge) => edge !== ''),
    '</svg>',
    '',
  ].join('\n');
}

/** `counts[i][j]`: how often class i was taken for class j. */
function countsOf(options: ConfusionOptions): number[][] {
  const labels = classesOf(options.labels, 'confusionChart');
  const { probabilities, classNames } = options;
  const given = probabilities
    ? guessesOf(probabilities, 'confusionChart').map(([guess]) => guess)
    : options.predicted;
  if (!given) throw refusal('ARGUMENT', 'probabilities or predicted', 'given', 'neither');
  if (given.length !== labels.length) {
    const found = `${given.length} and ${labels.length}`;
    throw refusal('DATA_MISMATCH', 'predictions and labels', 'as many', found);
  }
  if (labels.length === 0) throw refusal('DATA_EMPTY', 'labels', 'at least one', 'none');
  const width = probabilities && (probabilities.shape[1] ?? 1) > 1 ? probabilities.shape[1]! : 0;
  let classes = Math.max(2, width, classNames?.length ?? 0);
  for (const [what, list] of Object.entries({ label: labels, 'predicted class': given })) {
    for (const one of list) {
      const isNamed = classNames === undefined || one < classNames.length;
      if (!Number.isInteger(one) || one < 0 || !isNamed || one >= 1000) {
        const limit = classNames ? classNames.length : 1000;
        throw refusal('LABEL_RANGE', what, `a whole number below ${limit}`, show(one));
      }
      classes = Math.max(classes, one + 1);
    }
  }
  const counts = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  labels.forEach((label, i) => {
    counts[label]![given[i]!]!++;
  });
  return counts;
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
const round = (value: number) => Math.round(value * 10) / 10;
const shortened = (name: string) => (name.length > 23 ? `${name.slice(0, 22)}…` : name);

/** From white to blue or red; small parts are seen too. */
function shade(part: number, isRight: boolean): string {
  const strength = part === 0 ? 0 : 0.08 + 0.82 * part ** (isRight ? 1 : 0.5);
  const channels = (isRight ? blue : red).map((full) => Math.round(255 + (full - 255) * strength));
  return `rgb(${channels.join(',')})`;
}

function refusal(code: ErrorCode, what: string, expected: string, found: string): TsunoError {
  return new TsunoError(code, { where: 'confusionChart', what, expected, found });
}
