/**
 * @file Images with what a model says about them: a grid in which wrong answers are red. Tensors go in, SVG comes
 * out, the images inside as PNG.
 */
import { fixed } from '../callbacks/number_format.ts';
import { type ErrorCode, show, TsunoError } from '../core/errors.ts';
import { sizeOf } from '../core/shape.ts';
import type { Tensor } from '../core/tensor.ts';
import { classesOf, guessesOf } from './classes.ts';
import { fontFamily } from './svg_to_png.ts';
import { embedded } from './tiles.ts';
import { escapeXml } from './xml.ts';

export interface PredictionOptions {
  /** What `predict` returned: `[n, classes]`, or `[n, 1]` from one sigmoid. */
  probabilities?: Tensor;
  /** Predicted classes, where there are no probabilities. */
  predicted?: readonly number[];
  /** True classes: numbers, or a tensor `[n]`, `[n, 1]` or one-hot `[n, classes]`. */
  labels?: readonly number[] | Tensor;
  /** What the classes are called, by default their numbers. */
  classNames?: readonly string[];
  /** Images a row, default as wide as high, at most 10. */
  columns?: number;
  /** Width of an image on the page in pixels, by default its own width enlarged to about 112. */
  size?: number;
}

/** What is written under an image. */
interface Verdict {
  predicted: number;
  probability: number | undefined;
  label: number | undefined;
}

const ink = '#1f2933';
const faint = '#52606d';
const red = '#dc2626';
const padding = 12;
const captionHeight = 46;

/**
 * A grid of images, each with the predicted class, its probability and the true class, as SVG.
 *
 * @param images `[n, h, w]`, `[n, h, w, 1]` or `[n, h, w, 3]`: bytes, or floats from 0 to 1 or to 255. Floats below 0
 *   are spread over the range from black to white.
 * @throws TsunoError `SHAPE` for tensors of other shapes; `DATA_MISMATCH` where counts differ; `DATA_EMPTY` without
 *   images; `LABEL_RANGE` for a class without a name; `ARGUMENT` for an option that cannot be.
 *
 * @example
 * ```ts
 * const svg = await predictionGrid(images, { probabilities: await model.predict(images), labels });
 * ```
 */
export async function predictionGrid(
  images: Tensor,
  options: PredictionOptions = {},
): Promise<string> {
  const [count, height, width, channels] = imageSizes(images);
  const verdicts = judge(count, options);
  const nameOf = namer(options.classNames);
  const { columns = Math.min(10, Math.ceil(Math.sqrt(count))), size = pageWidth(width) } = options;
  for (const [what, value] of Object.entries({ columns, size })) {
    if (Number.isInteger(value) && value >= 1) continue;
    throw refusal('ARGUMENT', what, 'a positive whole number', show(value));
  }
  const imageHeight = Math.max(1, Math.round((size * height) / width));
  const cell = { width: size + padding, height: imageHeight + captionHeight };
  const captions = verdicts.map((verdict) => caption(verdict, nameOf, size, imageHeight));
  const pixels = bytesOfImages(images);
  const place = async (text: string, i: number) => {
    const all = sizeOf([height, width, channels]);
    const image = { width, height, channels, data: pixels.subarray(i * all, (i + 1) * all) };
    const x = padding + (i % columns) * cell.width;
    const y = padding + Math.floor(i / columns) * cell.height;
    return [
      `<g transform="translate(${x} ${y})">`,
      await embedded(image, 0, 0, size, imageHeight),
      text,
      '</g>',
    ].join('\n');
  };
  const cells = await Promise.all(captions.map(place));
  const total = {
    width: padding + Math.min(columns, count) * cell.width,
    height: padding + Math.ceil(count / columns) * cell.height,
  };
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${total.width}" height="${total.height}" viewBox="0 0 ${total.width} ${total.height}" class="pixels" role="img" aria-label="Predictions" font-family="${fontFamily}" font-size="12" text-anchor="middle">`,
    '<style>@supports (image-rendering: pixelated) { .pixels image { image-rendering: pixelated } }</style>',
    '<rect width="100%" height="100%" fill="white"/>',
    ...cells,
    '</svg>',
    '',
  ].join('\n');
}

function imageSizes({
  shape,
}: Tensor): [count: number, height: number, width: number, channels: number] {
  const [count = 0, height = 0, width = 0, channels = 1] = shape;
  const fits = (shape.length === 3 || shape.length === 4) && (channels === 1 || channels === 3);
  if (!fits || height === 0 || width === 0)
    throw refusal(
      'SHAPE',
      'images',
      'of shape [n, h, w], [n, h, w, 1] or [n, h, w, 3]',
      show(shape),
    );
  if (count === 0) throw refusal('DATA_EMPTY', 'images', 'at least one', 'none');
  return [count, height, width, channels];
}

/** Small images are enlarged by a whole factor, so that all their pixels look alike. */
function pageWidth(width: number): number {
  const ideal = 112;
  return width < ideal ? width * Math.round(ideal / width) : ideal;
}

function judge(count: number, options: PredictionOptions): Verdict[] {
  const { probabilities, predicted } = options;
  const labels = options.labels && classesOf(options.labels, 'predictionGrid');
  const given = probabilities ? guessesOf(probabilities, 'predictionGrid') : predicted;
  if (given === undefined)
    throw refusal('ARGUMENT', 'probabilities or predicted', 'given', 'neither');
  for (const [what, list] of Object.entries({ predictions: given, labels })) {
    if (list === undefined || list.length === count) continue;
    throw refusal('DATA_MISMATCH', what, `as many as the images, ${count}`, String(list.length));
  }
  return given.map((guess, i) => {
    const [predicted, probability] = typeof guess === 'number' ? [guess, undefined] : guess;
    return { predicted, probability, label: labels?.[i] };
  });
}

/** A class in words; checks all before anything is drawn. */
function namer(names: readonly string[] | undefined): (index: number) => string {
  return (index) => {
    const name = names ? names[index] : String(index);
    if (name === undefined)
      throw refusal('LABEL_RANGE', 'class', `less than ${names!.length}, the names`, String(index));
    return name;
  };
}

/** Frame and two lines under the image: `7 99.8%`, `true 7`. */
function caption(
  { predicted, probability, label }: Verdict,
  nameOf: (index: number) => string,
  width: number,
  height: number,
): string {
  const wrong = label !== undefined && label !== predicted;
  const percent = probability === undefined ? '' : `${fixed(probability * 100, 1)}%`;
  const said = fit(nameOf(predicted), (width + 8) / 6.3 - percent.length);
  const truth = label === undefined ? '' : fit(nameOf(label), (width + 8) / 5.8 - 'true '.length);
  const middle = width / 2;
  const line = (offset: number, colour: string, content: string) =>
    `<text x="${middle}" y="${height + offset}" fill="${colour}" xml:space="preserve">${content}</text>`;
  const inset = wrong ? -1.5 : -0.5;
  return [
    `<rect x="${inset}" y="${inset}" width="${width - 2 * inset}" height="${height - 2 * inset}" fill="none" stroke="${wrong ? red : '#cbd2d9'}" stroke-width="${wrong ? 3 : 1}"/>`,
    line(16, wrong ? red : ink, `<tspan font-weight="700">${escapeXml(said)}</tspan> ${percent}`),
    label === undefined ? '' : line(31, wrong ? red : faint, `true ${escapeXml(truth)}`),
  ].join('\n');
}

/** The name, shortened to `room` characters. */
function fit(name: string, room: number): string {
  const chars = Array.from(name);
  if (chars.length <= room) return name;
  return `${chars.slice(0, Math.max(1, Math.floor(room) - 1)).join('')}…`;
}

function bytesOfImages({ dtype, data }: Tensor): Uint8Array {
  if (dtype === 'uint8' && data instanceof Uint8Array) return data;
  let [least, greatest] = [0, 0];
  for (const value of data) {
    if (value < least) least = value;
    if (value > greatest) greatest = value;
  }
  if (least === 0) greatest = greatest <= 1 ? 1 : Math.max(255, greatest);
  const scale = 255 / (greatest - least);
  return Uint8Array.from(Uint8ClampedArray.from(data, (value) => (value - least) * scale));
}

function refusal(code: ErrorCode, what: string, expected: string, found: string): TsunoError {
  return new TsunoError(code, { where: 'predictionGrid', what, expected, found });
}
