/** @file The layer behind `Input`: it makes one symbolic tensor and computes nothing. */
import type { DType } from '../core/dtype.ts';
import { show, TsunoError } from '../core/errors.ts';
import type { PartialShape } from '../core/shape.ts';
import type { Value } from '../ir/graph.ts';
import { absent, positiveInteger, refuse } from './checks.ts';
import { Layer } from './layer.ts';
import type { Config } from './serialized.ts';
import { type InboundNode, SymbolicTensor } from './symbolic.ts';

export interface InputLayerOptions {
  /** Without the batch; `null` where an extent may differ from call to call. */
  shape?: PartialShape | undefined;
  /** Default: any. */
  batchSize?: number | null | undefined;
  /** Shape with the batch, in place of the two above. */
  batchShape?: PartialShape | undefined;
  /** Default: `input_layer`, with a number from the second on. */
  name?: string | undefined;
  /** Default `float32`. Images may stay `uint8`. */
  dtype?: DType | undefined;
  /** Only false: no sparse or ragged tensors, no inputs that may be left out. */
  sparse?: boolean | null | undefined;
  ragged?: boolean | null | undefined;
  optional?: boolean | null | undefined;
}

export class InputLayer extends Layer {
  static readonly className = 'InputLayer';
  readonly batchShape: PartialShape;
  readonly inputDtype: DType;
  readonly #node: InboundNode;

  constructor(options: InputLayerOptions) {
    super({ name: options.name });
    for (const what of ['sparse', 'ragged', 'optional'] as const)
      absent(this.where, what, options[what]);
    this.inputDtype = options.dtype ?? 'float32';
    if (!['float32', 'int32', 'uint8', 'bool'].includes(this.inputDtype)) {
      throw new TsunoError('UNSUPPORTED', {
        where: this.where,
        what: 'dtype',
        expected: 'float32, int32, uint8 or bool',
        found: show(this.inputDtype),
      });
    }
    const shape = options.batchShape ?? this.withBatch(options);
    const fits =
      Array.isArray(shape) &&
      shape.every((extent) => extent === null || (Number.isInteger(extent) && extent > 0));
    if (!fits || shape.length === 0)
      throw refuse(this.where, 'shape', 'positive integers, or null where unknown', shape);
    this.batchShape = [...shape];
    this.autocast = false;
    this.built = true;
    const output = new SymbolicTensor(shape, this.inputDtype, { layer: this, node: 0, tensor: 0 });
    this.#node = { layer: this, inputs: [], outputs: [output], many: false, options: {} };
  }

  override get inboundNodes(): readonly InboundNode[] {
    return [this.#node];
  }

  override get output(): SymbolicTensor {
    return this.#node.outputs[0]!;
  }

  override get input(): SymbolicTensor {
    return this.output;
  }

  override call(x: Value): Value {
    return x;
  }

  override outputShape(): PartialShape {
    return this.batchShape;
  }

  override config(): Config {
    return {
      batch_shape: [...this.batchShape],
      dtype: this.inputDtype,
      sparse: false,
      ragged: false,
      name: this.name,
      optional: false,
    };
  }

  private withBatch({ shape, batchSize }: InputLayerOptions): PartialShape {
    if (!Array.isArray(shape)) throw refuse(this.where, 'shape', 'a list of extents', shape);
    const batch =
      batchSize === undefined || batchSize === null
        ? null
        : positiveInteger(this.where, 'batchSize', batchSize);
    return [batch, ...shape];
  }
}

/**
 * The layer at the beginning of a list of layers. In functional models use `Input`.
 *
 * @see https://keras.io/api/layers/core_layers/input/
 * @example
 * ```ts
 * inputLayer({ shape: [28, 28, 1] }).batchShape; // [null, 28, 28, 1]
 * ```
 */
export function inputLayer(options: InputLayerOptions): InputLayer {
  return new InputLayer(options);
}
