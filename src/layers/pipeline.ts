/** @file Layers one after another, as one layer: what prepares and augments images, kept in one place. */
import { show, TsunoError } from '../core/errors.ts';
import type { PartialShape } from '../core/shape.ts';
import type { Value } from '../ir/graph.ts';
import { refuse } from './checks.ts';
import { layerFromConfig, serializePlainLayer } from './known_classes.ts';
import { type InputShape, Layer, type LayerOptions } from './layer.ts';
import { type Config, isSerialized, optionsOf } from './serialized.ts';

export interface PipelineArguments extends LayerOptions {
  layers: readonly Layer[];
}

export class Pipeline extends Layer {
  static readonly className = 'Pipeline';
  readonly layers: readonly Layer[];

  constructor(options: PipelineArguments) {
    super(options);
    const { layers } = options;
    if (!Array.isArray(layers) || layers.length === 0 || !layers.every((x) => x instanceof Layer))
      throw refuse(this.where, 'layers', 'a list of layers, at least one', layers);
    const network = layers.find((layer) => 'kind' in layer && 'layers' in layer);
    if (network) {
      throw new TsunoError('UNSUPPORTED', {
        where: this.where,
        what: 'layers',
        expected: 'layers that are no networks',
        found: network.where,
        repair: 'Put the layers of the network into the list, or use a Sequential.',
      });
    }
    this.layers = [...layers];
  }

  override build(inputShape: InputShape): void {
    this.#shapes(inputShape as PartialShape, (layer, shape) => layer.build(shape));
  }

  override call(x: Value): Value {
    return this.layers.reduce((y, layer) => layer(y), x);
  }

  override outputShape(inputShape: InputShape): PartialShape {
    return this.#shapes(inputShape as PartialShape);
  }

  /** The shape after the last layer; `visit` is told what each is given. */
  #shapes(
    inputShape: PartialShape,
    visit?: (layer: Layer, shape: PartialShape) => void,
  ): PartialShape {
    return this.layers.reduce((shape, layer) => {
      visit?.(layer, shape);
      return layer.outputShape(shape) as PartialShape;
    }, inputShape);
  }

  override config(): Config {
    return { layers: this.layers.map(serializePlainLayer), name: this.name };
  }

  static override fromConfig(config: Config): Pipeline {
    const { layers } = config;
    if (!Array.isArray(layers) || !layers.every(isSerialized)) {
      throw new TsunoError('ARGUMENT', {
        where: `config of ${show(config.name)}`,
        what: 'layers',
        expected: 'a list of {class_name, config}',
        found: show(layers),
      });
    }
    const made = layers.map((entry) => layerFromConfig(entry));
    return new Pipeline({ ...optionsOf(config), layers: made });
  }
}

/**
 * Layers applied one after another, as one layer.
 *
 * @param layers no networks among them; those that act in training alone still do.
 * @see https://keras.io/api/layers/preprocessing_layers/image_augmentation/pipeline/
 * @example
 * ```ts
 * const augment = pipeline([randomFlip('horizontal'), randomRotation(0.1)]);
 * augment(Input({ shape: [32, 32, 3] })).shape; // [null, 32, 32, 3]
 * ```
 */
export function pipeline(layers: readonly Layer[], options: LayerOptions = {}): Pipeline {
  return new Pipeline({ ...options, layers });
}
