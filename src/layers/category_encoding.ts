/** @file Class numbers as vectors. */
import type { PartialShape } from '../core/shape.ts';
import type { Value } from '../ir/graph.ts';
import { cast, intEqual, iota, reduceMax, reduceSum, reshape } from '../ops/index.ts';
import { absent, oneOf, positiveInteger } from './checks.ts';
import { Layer, type LayerOptions } from './layer.ts';
import type { Config } from './serialized.ts';

const modes = ['multi_hot', 'one_hot', 'count'] as const;

export interface CategoryEncodingOptions extends LayerOptions {
  /** `multi_hot` (default): 1 for each number present; `one_hot`: one vector a number; `count`: how often each. */
  outputMode?: (typeof modes)[number] | undefined;
  /** Only false: no sparse tensors. */
  sparse?: boolean | undefined;
}

export interface CategoryEncodingArguments extends CategoryEncodingOptions {
  numTokens: number;
}

export class CategoryEncoding extends Layer {
  static readonly className = 'CategoryEncoding';
  readonly numTokens: number;
  readonly outputMode: (typeof modes)[number];

  constructor(options: CategoryEncodingArguments) {
    super(options);
    absent(this.where, 'sparse', options.sparse);
    this.numTokens = positiveInteger(this.where, 'numTokens', options.numTokens);
    this.outputMode = oneOf(this.where, 'outputMode', options.outputMode ?? 'multi_hot', modes);
    this.autocast = false;
    this.inputSpec = { minRank: 1 };
  }

  override call(x: Value): Value {
    const numbers = cast(x, 'int32');
    const hot = cast(
      intEqual(reshape(numbers, [...numbers.shape, 1]), iota(x, this.numTokens)),
      'float32',
    ); // [..., k, tokens]
    if (this.outputMode === 'one_hot')
      return reshape(hot, this.outputShape(x.shape) as readonly number[]);
    const axis = x.shape.length - 1;
    return this.outputMode === 'count' ? reduceSum(hot, [axis]) : reduceMax(hot, [axis]);
  }

  override outputDtype(): 'float32' {
    return 'float32';
  }

  override outputShape(inputShape: PartialShape): PartialShape {
    const column = inputShape.at(-1) === 1 && inputShape.length > 1;
    const whole = this.outputMode === 'one_hot' && !column;
    return [...(whole ? inputShape : inputShape.slice(0, -1)), this.numTokens];
  }

  override config(): Config {
    return { ...super.config(), num_tokens: this.numTokens, output_mode: this.outputMode };
  }
}

/**
 * Turns class numbers from 0 to `numTokens` − 1 into vectors.
 *
 * @see https://keras.io/api/layers/preprocessing_layers/categorical/category_encoding/
 * @example
 * ```ts
 * const x = Input({ shape: [1], dtype: 'int32' });
 * categoryEncoding(10, { outputMode: 'one_hot' })(x).shape; // [null, 10]
 * ```
 */
export function categoryEncoding(
  numTokens: number,
  options: CategoryEncodingOptions = {},
): CategoryEncoding {
  return new CategoryEncoding({ ...options, numTokens });
}
