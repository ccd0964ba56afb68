/**
 * @file The diagram of a model: boxes and arrows as `keras.utils.plot_model` draws them, laid out by the same
 * Graphviz, compiled to WebAssembly. A description goes in, Graphviz's own language comes out (`modelToDot`), or SVG.
 */
import { internal, show, TsunoError } from '../core/errors.ts';
import { showShape } from '../core/shape.ts';
import {
  type Connection,
  isShapeList,
  type LayerDescription,
  type ModelDescription,
  type Shapes,
} from './description.ts';
import { fontFamily } from './svg_to_png.ts';
import { escapeXml } from './xml.ts';

export interface DiagramOptions {
  /** Whether boxes tell the shapes that go in and out, default false. */
  showShapes?: boolean;
  /** Whether boxes tell the element type of the output, default false. */
  showDtype?: boolean;
  /** Whether boxes tell names beside classes, default false. */
  showLayerNames?: boolean;
  /** `TB` (default) from top to bottom, `LR` from left to right. */
  rankdir?: 'TB' | 'LR';
  /** Whether nested models are drawn open, in a dashed frame, default false. */
  expandNested?: boolean;
  /** Dots per inch, default 200: a PNG has this resolution. */
  dpi?: number;
  /** Whether boxes tell activations, default false. */
  showLayerActivations?: boolean;
  /** Whether boxes with weights tell if they train, default false. */
  showTrainable?: boolean;
  /** How arrows run, default `ortho`: in right angles. */
  splines?: 'ortho' | 'polyline' | 'spline' | 'curved' | 'line';
}

/**
 * The diagram of a model as SVG, as wide and high in pixels as Keras's PNG at the same `dpi`.
 *
 * @param description the model, as its `describe()` gives it.
 * @throws TsunoError `STATE` where the model is not built; `ARGUMENT` for an option that cannot be.
 *
 * @example
 * ```ts
 * const svg = await modelDiagram(model.describe(), { showShapes: true });
 * ```
 *
 * @see https://keras.io/api/utils/model_plotting_utils/#plotmodel-function
 */
export async function modelDiagram(
  description: ModelDescription,
  options: DiagramOptions = {},
): Promise<string> {
  const dot = modelToDot(description, options);
  const svg = await layout(dot).catch((error) => {
    // Graphviz's search for right-angled paths runs out of its memory on large graphs (about 150 layers).
    if (!(error instanceof WebAssembly.RuntimeError)) throw error;
    return layout(modelToDot(description, { ...options, splines: 'polyline' }));
  });
  return resize(svg, (options.dpi ?? 200) / 72);
}

/** Graphviz's SVG; each time from a fresh instance, since a failed one is left in disorder. */
async function layout(dot: string): Promise<string> {
  const { instance } = await import('@viz-js/viz');
  const viz = await instance();
  const result = viz.renderFormats(dot, ['svg', 'json'], { engine: 'dot' });
  const errors = result.errors.filter(({ level }) => level === 'error');
  if (result.status === 'failure' || errors.length > 0)
    throw internal(`Graphviz refuses our DOT: ${errors.map(({ message }) => message).join('; ')}`);
  return fixTextWidths(result.output.svg!, JSON.parse(result.output.json!) as Drawing);
}

/** Graphviz's JSON, as far as it tells the texts of each box and the widths for which the box was made. */
interface Drawing {
  objects?: { name: string; _ldraw_?: ({ op: 'T'; width: number } | { op: 'S' })[] }[];
}

/** Tells each text its width, so that it stays in its box where another font must stand in. */
function fixTextWidths(svg: string, { objects = [] }: Drawing): string {
  const widths = new Map(
    objects.map(({ name, _ldraw_ = [] }) => [
      name,
      _ldraw_.flatMap((drawn) => (drawn.op === 'T' ? [drawn.width] : [])),
    ]),
  );
  // In the SVG the title of a group, the box's name, comes before its texts.
  let box: number[] = [];
  return svg.replaceAll(/<title>([^<]*)<\/title>|<text /g, (tag, name?: string) => {
    if (name !== undefined) {
      box = [...(widths.get(name) ?? [])];
      return tag;
    }
    const width = box.shift() ?? 0;
    return width > 0 ? `${tag}textLength="${width}" lengthAdjust="spacingAndGlyphs" ` : tag;
  });
}

/**
 * The diagram in Graphviz's language DOT, with the boxes of `keras.utils.model_to_dot`.
 *
 * @throws as {@link modelDiagram}.
 *
 * @see https://keras.io/api/utils/model_plotting_utils/#modeltodot-function
 */
export function modelToDot(description: ModelDescription, options: DiagramOptions = {}): string {
  const { rankdir = 'TB', splines = 'ortho', expandNested = false } = options;
  check(description, options);
  const root: Box = { layer: asLayer(description), id: 'n' };
  // Nobody can say how a subclass joins its layers unless it was traced: Keras draws one box.
  const isOneBox =
    description.kind === 'subclass' &&
    !(expandNested && description.layers.some(({ connectedTo }) => connectedTo.length > 0));
  const boxes = isOneBox ? [root] : boxesIn(root);
  const edges = isOneBox ? [] : edgesIn(root, expandNested);
  return [
    'digraph {',
    `  graph [rankdir=${rankdir}, concentrate=true, splines=${splines}, fontname=Helvetica]`,
    '  node [shape=plain, fontname=Helvetica]',
    '  edge [penwidth=2]',
    ...boxes.flatMap((box) => boxStatements(box, options, '  ')),
    ...new Set(edges.map(([source, target]) => `  ${source} -> ${target}`)),
    '}',
    '',
  ].join('\n');
}

/** A layer at its place: boxes inside box `n_3` are `n_3_0`, `n_3_1` …, whatever their names. */
interface Box {
  layer: LayerDescription;
  id: string;
}

const choices = {
  rankdir: ['TB', 'LR'],
  splines: ['ortho', 'polyline', 'spline', 'curved', 'line'],
} as const;

function check(description: ModelDescription, options: DiagramOptions): void {
  if (!description.built) {
    throw new TsunoError('STATE', {
      where: `${description.className} "${description.name}"`,
      what: 'a model to draw',
      expected: 'built',
      found: 'one without weights',
      repair: 'Call build() with an input shape, or the model on data.',
    });
  }
  for (const name of ['rankdir', 'splines'] as const) {
    const value = options[name];
    if (value === undefined || choices[name].some((choice) => choice === value)) continue;
    throw new TsunoError('ARGUMENT', {
      where: 'diagram',
      what: name,
      expected: `one of ${choices[name].join(', ')}`,
      found: show(value),
    });
  }
  const { dpi = 200 } = options;
  if (!(dpi > 0 && Number.isFinite(dpi))) {
    throw new TsunoError('ARGUMENT', {
      where: 'diagram',
      what: 'dpi',
      expected: 'a positive number',
      found: show(dpi),
    });
  }
}

function asLayer(model: ModelDescription): LayerDescription {
  return { ...model, connectedTo: [], nested: model };
}

function boxesIn({ layer, id }: Box): Box[] {
  return layer.nested!.layers.map((inner, i) => ({ layer: inner, id: `${id}_${i}` }));
}

/** Whether a nested model is drawn open. */
function isOpen({ layer }: Box): boolean {
  return layer.nested !== undefined && layer.nested.kind !== 'subclass';
}

function boxStatements(box: Box, options: DiagramOptions, indent: string): string[] {
  if (!options.expandNested || !isOpen(box))
    return [`${indent}${box.id} [label=<${table(box.layer, options)}>]`];
  return [
    `${indent}subgraph cluster_${box.id} {`,
    `${indent}  graph [style=dashed, labeljust=l, label=<${htmlText(box.layer.name)}>]`,
    ...boxesIn(box).flatMap((inner) => boxStatements(inner, options, `${indent}  `)),
    `${indent}}`,
  ];
}

/** Arrows between the boxes of a model, and inside its open ones. */
function edgesIn(model: Box, expandNested: boolean): [source: string, target: string][] {
  const boxes = boxesIn(model);
  const opens = (box: Box) => expandNested && isOpen(box);
  const source = (box: Box, tensor: number): string =>
    opens(box) ? leaving(box, tensor, source) : box.id;
  const target = (box: Box, input: number): string =>
    opens(box) ? entering(box, input, target) : box.id;

  const own = boxes.flatMap((box, i): [string, string][] => {
    if (model.layer.nested!.kind === 'sequential')
      return i === 0 ? [] : [[source(boxes[i - 1]!, 0), target(box, 0)]];
    return box.layer.connectedTo.flatMap((connection, input): [string, string][] => {
      const from = boxOf(boxes, connection);
      return from ? [[source(from, connection.tensor), target(box, input)]] : [];
    });
  });
  const inside = boxes.filter(opens).flatMap((box) => edgesIn(box, expandNested));
  return [...own, ...inside];
}

/** The box inside an open model from which its output `tensor` comes. */
function leaving(box: Box, tensor: number, source: (box: Box, tensor: number) => string): string {
  const { kind, outputs } = box.layer.nested!;
  const inner = boxesIn(box);
  const output = outputs[tensor];
  const from = kind === 'functional' && output ? boxOf(inner, output) : undefined;
  const last = from ?? inner.at(-1);
  return last ? source(last, from ? output!.tensor : tensor) : box.id;
}

/** The box inside an open model that takes its input number `input`; calls repeat the inputs. */
function entering(box: Box, input: number, target: (box: Box, input: number) => string): string {
  const { kind, inputs } = box.layer.nested!;
  const inner = boxesIn(box);
  const name = kind === 'functional' ? inputs[input % inputs.length] : undefined;
  const first = inner.find(({ layer }) => layer.name === name) ?? inner[0];
  return first ? target(first, input) : box.id;
}

function boxOf(boxes: readonly Box[], { layer }: Connection): Box | undefined {
  return boxes.find((box) => box.layer.name === layer);
}

/** The box of a layer, a table in the HTML that Graphviz understands. */
function table(layer: LayerDescription, options: DiagramOptions): string {
  const columns: string[] = [];
  if (options.showShapes) {
    if (layer.className !== 'InputLayer')
      columns.push(fact('Input shape', shapesText(layer.inputShape)));
    columns.push(fact('Output shape', shapesText(layer.outputShape)));
  }
  if (options.showDtype) columns.push(fact('Output dtype', layer.dtype));
  if (options.showTrainable && layer.parameters.count > 0)
    columns.push(
      layer.trainable ? badge('Trainable', 'forestgreen') : badge('Non-trainable', 'firebrick'),
    );
  const span = `colspan="${Math.max(1, columns.length)}"`;
  const title = options.showLayerNames
    ? `<b>${htmlText(layer.name)}</b> (${htmlText(layer.className)})`
    : `<b>${htmlText(layer.className)}</b>`;
  const rows = [
    `<td ${span} bgcolor="black"><font point-size="16" color="white">${title}</font></td>`,
  ];
  if (options.showLayerActivations && layer.activation !== undefined)
    rows.push(fact('Activation', layer.activation, span));
  if (columns.length > 0) rows.push(columns.join(''));
  const body = rows.map((row) => `<tr>${row}</tr>`).join('');
  return `<table border="0" cellborder="1" bgcolor="black" cellpadding="10">${body}</table>`;
}

function fact(what: string, value: string, span = ''): string {
  return `<td bgcolor="white" ${span}><font point-size="14">${what}: <b>${htmlText(value)}</b></font></td>`;
}

function badge(text: string, colour: string): string {
  return `<td bgcolor="${colour}"><font point-size="14" color="white"><b>${text}</b></font></td>`;
}

function shapesText(shapes: Shapes | undefined): string {
  if (shapes === undefined) return '?';
  if (!isShapeList(shapes)) return showShape(shapes);
  return shapes.length === 1 ? showShape(shapes[0]!) : `[${shapes.map(showShape).join(', ')}]`;
}

/** Text inside Graphviz's HTML, where a backslash would begin a placeholder and nothing may be empty. */
function htmlText(text: string): string {
  return escapeXml(text.replaceAll(/\s+/g, ' ') || ' ').replaceAll('\\', '\\\\');
}

/** Gives Graphviz's SVG its size in pixels and the font that the PNG will have. */
function resize(svg: string, scale: number): string {
  return svg
    .slice(svg.indexOf('<svg'))
    .replace(
      /<svg width="([\d.]+)pt" height="([\d.]+)pt"/,
      (_, width, height) =>
        `<svg width="${Math.round(width * scale)}" height="${Math.round(height * scale)}"`,
    )
    .replaceAll(/font-family="[^"]*"/g, `font-family="${fontFamily}"`);
}
