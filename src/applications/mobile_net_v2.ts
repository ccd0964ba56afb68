/**
 * @file MobileNetV2 (Sandler et al. 2018), as Keras has it, to the names of layers.
 *
 * @see https://keras.io/api/applications/mobilenet/#mobilenetv2-function
 */
import {
  add,
  batchNormalization,
  conv2d,
  depthwiseConv2d,
  relu,
  zeroPadding2d,
} from '../layers/index.ts';
import type { SymbolicTensor } from '../layers/symbolic.ts';
import type { Model } from '../model/model.ts';
import {
  filterFactor,
  type ImageNetOptions,
  imageNetHead,
  imageNetInput,
  imageNetModel,
  marginsFor,
  roundFilters,
} from './image_net.ts';

export interface MobileNetV2Options extends ImageNetOptions {
  /** Factor of the number of filters, default 1. */
  alpha?: number | undefined;
}

/** Filters, the first stride and the number of the blocks of each stage; all but the first widen six times. */
const stages = [
  { filters: 16, stride: 1, blocks: 1 },
  { filters: 24, stride: 2, blocks: 2 },
  { filters: 32, stride: 2, blocks: 3 },
  { filters: 64, stride: 2, blocks: 4 },
  { filters: 96, stride: 1, blocks: 3 },
  { filters: 160, stride: 2, blocks: 3 },
  { filters: 320, stride: 1, blocks: 1 },
] as const;
const expansion = 6;

const norm = (x: SymbolicTensor, name: string) => batchNormalization({ momentum: 0.999, name })(x);
const relu6 = (x: SymbolicTensor, name: string) => relu({ maxValue: 6, name })(x);
const pointwise = (x: SymbolicTensor, filters: number, name: string) =>
  conv2d(filters, 1, { padding: 'same', useBias: false, name })(x);

/** 1×1 up, 3×3 on each channel, 1×1 down; the input is added where it has the same shape. */
function invertedResidual(
  input: SymbolicTensor,
  filters: number,
  stride: number,
  block: number,
): SymbolicTensor {
  const name = block === 0 ? 'expanded_conv' : `block_${block}`;
  const channels = input.shape.at(-1)!;
  let x = input;
  if (block > 0) {
    x = pointwise(x, expansion * channels, `${name}_expand`);
    x = relu6(norm(x, `${name}_expand_BN`), `${name}_expand_relu`);
  }
  if (stride === 2) {
    x = zeroPadding2d(marginsFor(x, 3), { name: `${name}_pad` })(x);
  }
  x = depthwiseConv2d(3, {
    strides: stride,
    padding: stride === 1 ? 'same' : 'valid',
    useBias: false,
    name: `${name}_depthwise`,
  })(x);
  x = relu6(norm(x, `${name}_depthwise_BN`), `${name}_depthwise_relu`);
  x = norm(pointwise(x, filters, `${name}_project`), `${name}_project_BN`);
  return channels === filters && stride === 1 ? add({ name: `${name}_add` })([input, x]) : x;
}

/**
 * Keras's `MobileNetV2`: 3,538,984 parameters. Weights are random.
 *
 * @throws TsunoError `UNSUPPORTED` for `weights` other than `null`, `SHAPE` for impossible images, `ARGUMENT` for an
 * impossible `alpha`.
 * @see https://keras.io/api/applications/mobilenet/#mobilenetv2-function
 * @example
 * ```ts
 * const model = applications.MobileNetV2({ inputShape: [96, 96, 3], alpha: 0.35, classes: 10 });
 * model.countParams(); // 423018
 * ```
 */
export function MobileNetV2(options: MobileNetV2Options = {}): Model {
  const alpha = filterFactor('MobileNetV2', options.alpha ?? 1);
  const inputs = imageNetInput('MobileNetV2', options);
  const first = { strides: 2, padding: 'same', useBias: false, name: 'Conv1' } as const;
  let x = conv2d(roundFilters(32 * alpha), 3, first)(inputs);
  x = relu6(norm(x, 'bn_Conv1'), 'Conv1_relu');
  let block = 0;
  for (const { filters, stride, blocks } of stages) {
    for (let i = 0; i < blocks; i++) {
      const wide = roundFilters(Math.floor(filters * alpha));
      x = invertedResidual(x, wide, i === 0 ? stride : 1, block++);
    }
  }
  x = conv2d(alpha > 1 ? roundFilters(1280 * alpha) : 1280, 1, { useBias: false, name: 'Conv_1' })(
    x,
  );
  x = relu6(norm(x, 'Conv_1_bn'), 'out_relu');
  const rows = options.inputShape === undefined ? 224 : (options.inputShape[0] ?? 'None');
  const name = `mobilenetv2_${alpha.toFixed(2)}_${rows}`;
  return imageNetModel(inputs, imageNetHead(x, options), options, name);
}
