/**
 * @file The summary table of a model, to the character as `keras.Model.summary()` prints it: widths, breaks, colours,
 * connections, nested models and the lines of totals.
 */
import { memorySize, thousands } from '../callbacks/number_format.ts';
import { show, TsunoError } from '../core/errors.ts';
import type { PartialShape } from '../core/shape.ts';
import {
  type Amount,
  isChain,
  isShapeList,
  type LayerDescription,
  type ModelDescription,
} from './description.ts';
import { bold, colour, glyphsOf, paint, type Run, wrap } from './styled_text.ts';
import { type TableCell, type TableColumn, textTable } from './text_table.ts';

export interface SummaryOptions {
  /** Width of the table; by default 88 (108 with `Connected to`, 12 more with `showTrainable`), if it fits `columns`. */
  lineLength?: number;
  /** Columns of the terminal, default 80: lines are cut there. */
  columns?: number;
  /** Right edge of each column as a part of the width, the last 1; Keras's own by default. */
  positions?: readonly number[];
  /** Whether the layers of nested models are listed under them, default false. */
  expandNested?: boolean;
  /** Whether a column tells trainable layers, default false. */
  showTrainable?: boolean;
  /** First and last layer to list, by name or by a regular expression that matches the name's beginning. */
  layerRange?: readonly [string, string];
  /** Whether the text has the colours of a terminal, default false. */
  colour?: boolean;
}

/**
 * The summary of a model as Keras prints it, each line with its line break.
 *
 * @param description the model, as its `describe()` gives it.
 * @throws TsunoError `ARGUMENT` where the columns would be too narrow, or `layerRange` names no layer.
 *
 * @example
 * ```ts
 * console.log(summaryText(model.describe(), { columns: 100, showTrainable: true }));
 * ```
 *
 * @see https://keras.io/api/models/model/#summary-method
 */
export function summaryText(description: ModelDescription, options: SummaryOptions = {}): string {
  const { columns = 80, expandNested = false, showTrainable = false } = options;
  const colours = options.colour ?? false;
  const chain = isChain(description);
  const defaultLength = (chain ? 88 : 108) + (showTrainable ? 12 : 0);
  // Narrower columns hold nothing: where the terminal has no room for these, they are cut at its edge.
  const narrowest = showTrainable ? 40 : 24;
  const lineLength =
    options.lineLength ?? Math.max(narrowest, Math.min(defaultLength, columns - 4));
  const header = tableColumns(lineLength, chain, showTrainable, options.positions);
  const format: RowFormat = { connections: !chain, showTrainable, expandNested };
  const rows = selectLayers(description.layers, options.layerRange).flatMap((layer) =>
    layerRows(layer, format, 0),
  );

  const lines: Run[][] = [[{ text: `Model: "${description.name}"`, style: bold }]];
  return [
    ...wrapLines(lines, columns, colours),
    textTable(header, rows, { width: lineLength, crop: columns, colours }),
    ...wrapLines(totals(description), columns, colours),
  ].join('');
}

const classColour = colour(33);
const numberColour = colour(34);
const noneColour = colour(45);
const frozenColour = '91'; // bright red, of the first 16 colours

function tableColumns(
  lineLength: number,
  chain: boolean,
  showTrainable: boolean,
  positions: readonly number[] | undefined,
): TableColumn[] {
  const header: Omit<TableColumn, 'width'>[] = [
    { header: 'Layer (type)', align: 'left' },
    { header: 'Output Shape', align: 'left' },
    { header: 'Param #', align: 'right' },
  ];
  if (!chain) header.push({ header: 'Connected to', align: 'left' });
  const given = positions ?? (chain ? [0.45, 0.8, 1] : [0.3, 0.56, 0.74, 1]);
  if (given.length !== header.length) {
    throw new TsunoError('ARGUMENT', {
      where: 'summary',
      what: 'positions',
      expected: `must have ${header.length} items, one a column`,
      found: show(given),
    });
  }
  const edges = showTrainable ? [...given.map((position) => position * 0.9), 1] : given;
  if (showTrainable) header.push({ header: 'Trainable', align: 'center' });
  let left = 0;
  return header.map((column, i) => {
    const width = Math.trunc(edges[i]! * lineLength) - left;
    if (!(width >= 4)) {
      throw new TsunoError('ARGUMENT', {
        where: 'summary',
        what: `width of column "${column.header}"`,
        expected: 'at least 4',
        found: String(width),
        repair: 'Give a larger lineLength or other positions.',
      });
    }
    left += width;
    return { ...column, width };
  });
}

/** The layers from the first that matches `range[0]` to the last that matches `range[1]`, in either order. */
function selectLayers(
  layers: readonly LayerDescription[],
  range: readonly [string, string] | undefined,
): readonly LayerDescription[] {
  if (range === undefined) return layers;
  const refuse = (expected: string, cause?: unknown) =>
    new TsunoError('ARGUMENT', {
      where: 'summary',
      what: 'layerRange',
      expected,
      found: show(range),
      cause,
    });
  const matches = range.map((pattern) => {
    let expression: RegExp;
    try {
      expression = new RegExp(`^(?:${pattern})`);
    } catch (cause) {
      throw refuse('two layer names or regular expressions', cause);
    }
    return layers.flatMap((layer, i) => (expression.test(layer.name) ? [i] : []));
  });
  const [first, last] = matches;
  if (range.length !== 2 || !first?.length || !last?.length)
    throw refuse('two names of layers of the model');
  return first[0]! > last.at(-1)!
    ? layers.slice(last[0], first.at(-1)! + 1)
    : layers.slice(first[0], last.at(-1)! + 1);
}

interface RowFormat {
  connections: boolean;
  showTrainable: boolean;
  expandNested: boolean;
}

function layerRows(layer: LayerDescription, format: RowFormat, level: number): TableCell[][] {
  const prefix = level > 0 ? `${'   '.repeat(level)}└ ` : '';
  const row: TableCell[] = [
    [plain(`${prefix}${layer.name} (`), { text: layer.className, style: classColour }, plain(')')],
    shapeCell(layer),
    parameterCell(layer),
  ];
  // The layers inside a nested model read tensors of that model, which are no rows of this one.
  if (format.connections) row.push(level > 0 ? [plain('-')] : connectionCell(layer));
  if (format.showTrainable) row.push([trainableMark(layer)]);
  const inside = format.expandNested ? (layer.nested?.layers ?? []) : [];
  return [row, ...inside.flatMap((nested) => layerRows(nested, format, level + 1))];
}

function shapeCell({ outputShape }: LayerDescription): TableCell {
  if (outputShape === undefined) return [plain('?')];
  if (!isShapeList(outputShape)) return shapeRuns(outputShape);
  if (outputShape.length === 1) return shapeRuns(outputShape[0]!);
  return [plain('['), ...join(outputShape.map(shapeRuns)), plain(']')];
}

function shapeRuns(shape: PartialShape): Run[] {
  const extents = shape.map((extent) => [
    extent === null
      ? { text: 'None', style: noneColour }
      : { text: String(extent), style: numberColour },
  ]);
  return [plain('('), ...join(extents), plain(')')];
}

function parameterCell({ built, parameters }: LayerDescription): TableCell {
  if (!built) return [{ text: '0', style: numberColour }, plain(' (unbuilt)')];
  return [{ text: thousands(parameters.count), style: numberColour }];
}

function connectionCell({ connectedTo }: LayerDescription): TableCell {
  if (connectedTo.length === 0) return [plain('-')];
  const number = (value: number): Run => ({ text: String(value), style: numberColour });
  return join(
    connectedTo.map(({ layer, node, tensor }) => [
      plain(`${layer}[`),
      number(node),
      plain(']['),
      number(tensor),
      plain(']'),
    ]),
  );
}

function trainableMark({ parameters, trainable }: LayerDescription): Run {
  if (parameters.count === 0) return { text: '-', style: bold };
  return trainable
    ? { text: 'Y', style: `${bold};${numberColour}` }
    : { text: 'N', style: `${bold};${frozenColour}` };
}

function totals(model: ModelDescription): Run[][] {
  const { parameters, trainableParameters, optimizerParameters } = model;
  const none: Amount = { count: 0, bytes: 0 };
  const line = (title: string, { count, bytes }: Amount): Run[] => [
    { text: ` ${title}: `, style: bold },
    { text: thousands(count), style: numberColour },
    plain(` (${memorySize(bytes)})`),
  ];
  return [
    line('Total params', sum(parameters, optimizerParameters ?? none, 1)),
    line('Trainable params', trainableParameters),
    line('Non-trainable params', sum(parameters, trainableParameters, -1)),
    ...(optimizerParameters ? [line('Optimizer params', optimizerParameters)] : []),
  ];
}

function sum(a: Amount, b: Amount, sign: 1 | -1): Amount {
  return { count: a.count + sign * b.count, bytes: a.bytes + sign * b.bytes };
}

function wrapLines(lines: readonly Run[][], width: number, colours: boolean): string[] {
  return lines.flatMap((line) =>
    wrap(glyphsOf(line), width, 'fold').map((part) => `${paint(part, colours)}\n`),
  );
}

function join(parts: readonly (readonly Run[])[]): Run[] {
  return parts.flatMap((part, i) => (i > 0 ? [plain(', '), ...part] : part));
}

function plain(text: string): Run {
  return { text, style: '' };
}
