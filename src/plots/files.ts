/**
 * @file The doors of this folder: each draws one kind of picture, gives it back as SVG and, where a path is given,
 * writes it there, as `.svg` or `.png`.
 */
import { show, TsunoError } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import type { Network } from '../topology/network.ts';
import { type ComparedRuns, type ComparisonChartOptions, comparisonChart } from './comparison.ts';
import { type ConfusionOptions, confusionChart } from './confusion_matrix.ts';
import { type CurveOptions, type HistoryData, historyChart } from './curves.ts';
import type { ModelDescription } from './description.ts';
import { type DiagramOptions, modelDiagram } from './diagram.ts';
import {
  type FeatureMapOptions,
  type FilterOptions,
  featureMapGrid,
  filterGrid,
  type WhichLayer,
} from './layer_images.ts';
import { type PredictionOptions, predictionGrid } from './predictions.ts';
import { svgToPng } from './svg_to_png.ts';

/** A model, or whatever else can describe itself as one. */
export interface Describable {
  describe(): ModelDescription;
}

/**
 * Writes a picture to a file, in the format that the path's ending names.
 *
 * @param svg the picture.
 * @param path ends in `.svg` or `.png`; a file that is there is replaced.
 * @param scale pixels of a PNG for each unit of the SVG, default 1.
 * @throws TsunoError `ARGUMENT` for another ending; `FILE` where the folder is missing or the path is a folder.
 *
 * @example
 * ```ts
 * const svg = await plots.history({ epoch: [0, 1], history: { loss: [0.9, 0.4] } });
 * await savePlot(svg, 'curves.png', 2);
 * ```
 */
export async function savePlot(svg: string, path: string, scale = 1): Promise<void> {
  const kind = checkEnding(path);
  const { writeFile } = await openFolder(path);
  const content = kind === 'svg' ? svg : await svgToPng(svg, { scale });
  try {
    await writeFile(path, content);
  } catch (cause) {
    throw unwritable(path, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

/**
 * Draws a model as boxes and arrows, as `keras.utils.plot_model` does.
 *
 * @param model the model, or its description.
 * @param path where to write it, as `.png` or `.svg`; without it nothing is written.
 * @returns the SVG.
 * @throws TsunoError as {@link modelDiagram} and {@link savePlot}.
 *
 * @example
 * ```ts
 * await plots.model(model, 'model.png', { showShapes: true });
 * ```
 *
 * @see https://keras.io/api/utils/model_plotting_utils/#plotmodel-function
 */
export async function diagram(
  model: Describable | ModelDescription,
  path?: string,
  options: DiagramOptions = {},
): Promise<string> {
  return draw(path, 1, () => modelDiagram('describe' in model ? model.describe() : model, options));
}

/**
 * Draws loss and metrics over the epochs, training and validation together.
 *
 * @param run what `fit` returned.
 * @param path where to write it, as `.png` or `.svg`; without it nothing is written.
 * @returns the SVG.
 * @throws TsunoError as {@link historyChart} and {@link savePlot}.
 *
 * @example
 * ```ts
 * await plots.history(await model.fit(training, { epochs: 5 }), 'curves.png');
 * ```
 */
export async function history(
  run: HistoryData,
  path?: string,
  options: CurveOptions = {},
): Promise<string> {
  return draw(path, 2, () => historyChart(run, options));
}

/**
 * Draws what variants of a network reach over the epochs: a line for the mean of each, a band over its seeds.
 *
 * @param variants each a name and its runs, as `compare` gives them in `variants`.
 * @param path where to write it, as `.png` or `.svg`; without it nothing is written.
 * @returns the SVG.
 * @throws TsunoError as {@link comparisonChart} and {@link savePlot}.
 *
 * @example
 * ```ts
 * const first = await model.fit(training, { seed: 1, verbose: 0 });
 * await plots.comparison([{ name: 'as it is', runs: [first] }], 'comparison.png');
 * ```
 */
export async function comparison(
  variants: readonly ComparedRuns[],
  path?: string,
  options: ComparisonChartOptions = {},
): Promise<string> {
  return draw(path, 2, () => comparisonChart(variants, options));
}

/**
 * Draws images with what a model says about them; wrong answers are red.
 *
 * @param images `[n, h, w]`, `[n, h, w, 1]` or `[n, h, w, 3]`.
 * @param options probabilities or predicted classes, and the labels.
 * @param path where to write it, as `.png` or `.svg`; without it nothing is written.
 * @returns the SVG.
 * @throws TsunoError as {@link predictionGrid} and {@link savePlot}.
 *
 * @example
 * ```ts
 * await plots.predictions(images, { probabilities: await model.predict(images), labels }, 'digits.png');
 * ```
 */
export async function predictions(
  images: Tensor,
  options: PredictionOptions,
  path?: string,
): Promise<string> {
  return draw(path, 2, () => predictionGrid(images, options));
}

/**
 * Draws which classes are taken for which: rows are true classes, columns what was said.
 *
 * @param options the labels, and probabilities or predicted classes.
 * @param path where to write it, as `.png` or `.svg`; without it nothing is written.
 * @returns the SVG.
 * @throws TsunoError as {@link confusionChart} and {@link savePlot}.
 *
 * @example
 * ```ts
 * await plots.confusionMatrix({ labels, probabilities: await model.predict(images) }, 'confusion.png');
 * ```
 */
export async function confusionMatrix(options: ConfusionOptions, path?: string): Promise<string> {
  return draw(path, 2, async () => confusionChart(options));
}

/**
 * Draws the filters of a convolution.
 *
 * @param which the layer, its name, or its place in `model.layers`.
 * @param path where to write it, as `.png` or `.svg`; without it nothing is written.
 * @returns the SVG.
 * @throws TsunoError as {@link filterGrid} and {@link savePlot}.
 *
 * @example
 * ```ts
 * await plots.filters(model, model.layers[1]!, 'filters.png');
 * ```
 */
export async function filters(
  model: Network,
  which: WhichLayer,
  path?: string,
  options: FilterOptions = {},
): Promise<string> {
  return draw(path, 2, () => filterGrid(model, which, options));
}

/**
 * Draws what layers make of an image, a map for each channel.
 *
 * @param which a layer, its name, or its place in `model.layers`; or several in a list.
 * @param image `[height, width, channels]`, or one with an axis of samples, of which the first is taken.
 * @param path where to write it, as `.png` or `.svg`; without it nothing is written.
 * @returns the SVG.
 * @throws TsunoError as {@link featureMapGrid} and {@link savePlot}.
 *
 * @example
 * ```ts
 * await plots.featureMaps(model, [1, 2], images.slice(0, 1), 'maps.png');
 * ```
 */
export async function featureMaps(
  model: Network,
  which: WhichLayer | readonly WhichLayer[],
  image: Tensor,
  path?: string,
  options: FeatureMapOptions = {},
): Promise<string> {
  return draw(path, 2, () => featureMapGrid(model, which, image, options));
}

/** Refuses a path that cannot be written before the work begins. */
async function draw(
  path: string | undefined,
  scale: number,
  picture: () => Promise<string>,
): Promise<string> {
  if (path !== undefined) {
    checkEnding(path);
    await openFolder(path);
  }
  const svg = await picture();
  if (path !== undefined) await savePlot(svg, path, scale);
  return svg;
}

function checkEnding(path: string): 'svg' | 'png' {
  const kind = /\.(svg|png)$/i.exec(path)?.[1]?.toLowerCase();
  if (kind === 'svg' || kind === 'png') return kind;
  throw new TsunoError('ARGUMENT', {
    where: 'savePlot',
    what: 'path',
    expected: 'must end in .svg or .png',
    found: show(path),
  });
}

/** The file system, if a file can be made at `path`. */
async function openFolder(path: string): Promise<typeof import('node:fs/promises')> {
  if (globalThis.process?.versions?.node === undefined) {
    throw new TsunoError('UNSUPPORTED', {
      where: 'savePlot',
      what: 'path',
      expected: 'left out in a browser, which has no files',
      found: show(path),
      repair: 'Use the SVG that is returned.',
    });
  }
  const files = await import('node:fs/promises');
  const { dirname } = await import('node:path');
  const folder = await files.stat(dirname(path)).catch(() => undefined);
  if (!folder?.isDirectory()) throw unwritable(path, `no folder ${show(dirname(path))}`);
  const there = await files.stat(path).catch(() => undefined);
  if (there?.isDirectory()) throw unwritable(path, 'a folder of that name');
  return files;
}

function unwritable(path: string, found: string, cause?: unknown): TsunoError {
  return new TsunoError('FILE', {
    where: path,
    what: 'the picture',
    expected: 'a file that can be written, in a folder that exists',
    found,
    cause,
  });
}
