/**
 * @file Inception V3 (Szegedy et al. 2015), as Keras has it, to the names of layers.
 *
 * @see https://keras.io/api/applications/inceptionv3/
 */
import {
  activation,
  averagePooling2d,
  batchNormalization,
  concatenate,
  conv2d,
  maxPooling2d,
} from '../layers/index.ts';
import type { SymbolicTensor } from '../layers/symbolic.ts';
import type { Model } from '../model/model.ts';
import { type ImageNetOptions, imageNetHead, imageNetInput, imageNetModel } from './image_net.ts';

/** Filters, rows and columns of a convolution; `/2`: stride 2 without padding, `v`: without padding. */
type Convolution = readonly [filters: number, rows: number, columns: number, kind?: '/2' | 'v'];

function convolved(x: SymbolicTensor, ...chain: readonly Convolution[]): SymbolicTensor {
  return chain.reduce((y, [filters, rows, columns, kind]) => {
    const convolution = conv2d(filters, [rows, columns], {
      strides: kind === '/2' ? 2 : 1,
      padding: kind ? 'valid' : 'same',
      useBias: false,
    });
    return activation('relu')(batchNormalization({ scale: false })(convolution(y)));
  }, x);
}

const smooth = (x: SymbolicTensor) => averagePooling2d(3, { strides: 1, padding: 'same' })(x);
const halved = (x: SymbolicTensor) => maxPooling2d(3, { strides: 2 })(x);
const joined = (parts: readonly SymbolicTensor[], name?: string) => concatenate({ name })(parts);

/** 35×35: windows of 1, 5 and twice 3. */
const square = (x: SymbolicTensor, pooled: number, name: string) =>
  joined(
    [
      convolved(x, [64, 1, 1]),
      convolved(x, [48, 1, 1], [64, 5, 5]),
      convolved(x, [64, 1, 1], [96, 3, 3], [96, 3, 3]),
      convolved(smooth(x), [pooled, 1, 1]),
    ],
    name,
  );

/** 17×17: windows of 1 and, row by row and column by column, of 7. */
const crossed = (x: SymbolicTensor, c: number, name: string) =>
  joined(
    [
      convolved(x, [192, 1, 1]),
      convolved(x, [c, 1, 1], [c, 1, 7], [192, 7, 1]),
      convolved(x, [c, 1, 1], [c, 7, 1], [c, 1, 7], [c, 7, 1], [192, 1, 7]),
      convolved(smooth(x), [192, 1, 1]),
    ],
    name,
  );

/** 8×8: windows of 1 and of 3, row beside column. */
function spread(x: SymbolicTensor, number: number): SymbolicTensor {
  const both = (y: SymbolicTensor, name?: string) =>
    joined([convolved(y, [384, 1, 3]), convolved(y, [384, 3, 1])], name);
  const parts = [
    convolved(x, [320, 1, 1]),
    both(convolved(x, [384, 1, 1]), `mixed9_${number}`),
    both(convolved(x, [448, 1, 1], [384, 3, 3])),
    convolved(smooth(x), [192, 1, 1]),
  ];
  return joined(parts, `mixed${9 + number}`);
}

/**
 * Keras's `InceptionV3`: 23,851,784 parameters; images of 299×299 by default, of 75 pixels or more a side. Weights are
 * random.
 *
 * @throws TsunoError `UNSUPPORTED` for `weights` other than `null`, `SHAPE` for impossible images.
 * @see https://keras.io/api/applications/inceptionv3/
 * @example
 * ```ts
 * const model = applications.InceptionV3({ includeTop: false, inputShape: [75, 75, 3], pooling: 'avg' });
 * model.outputs[0].shape; // [null, 2048]
 * ```
 */
export function InceptionV3(options: ImageNetOptions = {}): Model {
  const inputs = imageNetInput('InceptionV3', options, 299, 75);
  let x = halved(convolved(inputs, [32, 3, 3, '/2'], [32, 3, 3, 'v'], [64, 3, 3]));
  x = halved(convolved(x, [80, 1, 1, 'v'], [192, 3, 3, 'v']));
  for (const [i, pooled] of [32, 64, 64].entries()) x = square(x, pooled, `mixed${i}`);
  x = joined(
    [
      convolved(x, [384, 3, 3, '/2']),
      convolved(x, [64, 1, 1], [96, 3, 3], [96, 3, 3, '/2']),
      halved(x),
    ],
    'mixed3',
  );
  for (const [i, c] of [128, 160, 160, 192].entries()) x = crossed(x, c, `mixed${i + 4}`);
  x = joined(
    [
      convolved(x, [192, 1, 1], [320, 3, 3, '/2']),
      convolved(x, [192, 1, 1], [192, 1, 7], [192, 7, 1], [192, 3, 3, '/2']),
      halved(x),
    ],
    'mixed8',
  );
  for (const number of [0, 1]) x = spread(x, number);
  const names = options.includeTop === false ? {} : { average: 'avg_pool' };
  return imageNetModel(inputs, imageNetHead(x, options, names), options, 'inception_v3');
}
