/** @file A model like another, with weights of its own. */
import { internal } from '../core/errors.ts';
import { classNameOf, type Layer, type LayerClass } from '../layers/layer.ts';
import { layerFromConfig, withLayers } from '../layers/registry.ts';
import { serializeLayer } from '../topology/network_config.ts';
import { Model } from './model.ts';

/**
 * A model of the same layers, connected in the same way, under the same names; its weights are new, and it is not compiled.
 * Classes of yours need not be registered.
 *
 * @throws TsunoError `UNSUPPORTED` for a class whose config does not make another.
 * @example
 * ```ts
 * const model = new Sequential([Input({ shape: [4] }), layers.dense(3)]);
 * const twin = cloneModel(model);
 * twin.setWeights(model.getWeights());
 * twin.countParams(); // 15
 * ```
 * @see https://keras.io/api/models/model_saving_apis/model_config_serialization/#clonemodel-function
 */
export function cloneModel(model: Model): Model {
  const types = Object.fromEntries(
    [...layersWithin(model)].map((layer) => {
      const type = layer.constructor as unknown as LayerClass;
      return [classNameOf(type), type];
    }),
  );
  const clone = withLayers(types, () => layerFromConfig(serializeLayer(model)));
  if (clone instanceof Model) return clone;
  throw internal(`${clone.where} is no Model`);
}

/** The layer and all inside it. */
function layersWithin(layer: Layer, found = new Set<Layer>()): ReadonlySet<Layer> {
  const parts = 'layers' in layer ? (layer.layers as readonly Layer[]) : layer.sublayers;
  found.add(layer);
  for (const part of parts) if (!found.has(part)) layersWithin(part, found);
  return found;
}
