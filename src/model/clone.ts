/** @file A model like another, with weights of its own. */
import { internal, show, TsunoError } from '../core/errors.ts';
import { refuse } from '../layers/checks.ts';
import { InputLayer } from '../layers/input_layer.ts';
import { classNameOf, Layer, type LayerClass, type OneOrMany } from '../layers/layer.ts';
import { layerFromConfig, withLayers } from '../layers/registry.ts';
import type { Config } from '../layers/serialized.ts';
import { SymbolicTensor } from '../layers/symbolic.ts';
import { Network } from '../topology/network.ts';
import { serializeLayer } from '../topology/network_config.ts';
import { Model } from './model.ts';

export interface CloneOptions {
  /** Makes the new layer for each one that is neither an input nor a network; default: one of the same config. */
  cloneFunction?: ((layer: Layer) => Layer) | undefined;
  /** What `Input` gave, in place of the model's own inputs, of the same shapes. */
  inputTensors?: OneOrMany<SymbolicTensor> | undefined;
}

/**
 * A model of the same layers, connected in the same way, under the same names; its weights are new, and it is not compiled.
 * Classes of yours need not be registered.
 *
 * @throws TsunoError `UNSUPPORTED` for a class whose config does not make another, and for options with a class of models
 * of yours; `ARGUMENT` where `cloneFunction` gives no layer or one that is in use, or `inputTensors` do not fit.
 * @example
 * ```ts
 * const model = new Sequential([Input({ shape: [4] }), layers.dense(3)]);
 * const twin = cloneModel(model);
 * twin.setWeights(model.getWeights());
 * twin.countParams(); // 15
 * const wide = cloneModel(model, { cloneFunction: (layer) => layers.dense(6, { name: layer.name }) });
 * wide.countParams(); // 30
 * ```
 * @see https://keras.io/api/models/model_saving_apis/model_config_serialization/#clonemodel-function
 */
export function cloneModel(model: Model, options: CloneOptions = {}): Model {
  const { cloneFunction, inputTensors } = options;
  if ((cloneFunction || inputTensors) && model.kind === 'subclass') {
    throw new TsunoError('UNSUPPORTED', {
      where: 'cloneModel',
      what: 'cloneFunction and inputTensors',
      expected: 'given for models that are made of layers alone',
      found: model.where,
    });
  }
  const within = [...layersWithin(model)];
  const makers = new Map<Layer, () => Layer>();
  if (cloneFunction) {
    for (const layer of within)
      if (!(layer instanceof Network || layer instanceof InputLayer))
        makers.set(layer, () => checkedClone(layer, cloneFunction(layer)));
  }
  if (inputTensors) {
    const given = inputsFor(model, [inputTensors].flat() as readonly unknown[]);
    model.inputs.forEach(({ history }, i) => {
      makers.set(history.layer as Layer, () => given[i]!);
    });
  }
  const clone = withLayers(classesOf(within, makers), () => layerFromConfig(serializeLayer(model)));
  if (clone instanceof Model) return clone;
  throw internal(`${clone.where} is no Model`);
}

/** The classes of the layers, as they are made again: those with a maker by it, in the order in which they are met. */
function classesOf(
  within: readonly Layer[],
  makers: ReadonlyMap<Layer, () => Layer>,
): Record<string, LayerClass> {
  const types: Record<string, LayerClass> = {};
  for (const layer of within) {
    const type = layer.constructor as unknown as LayerClass;
    const name = classNameOf(type);
    if (types[name]) continue;
    const waiting = within.filter((one) => one.className === name && makers.has(one));
    const fromConfig = (config: Config): Layer => {
      const at = waiting.findIndex((one) => one.name === config.name);
      if (at < 0) return type.fromConfig(config);
      return makers.get(waiting.splice(at, 1)[0]!)!();
    };
    types[name] = waiting.length > 0 ? { name, fromConfig } : type;
  }
  return types;
}

function checkedClone(layer: Layer, made: unknown): Layer {
  if (!(made instanceof Layer))
    throw refuse('cloneModel', `clone of ${layer.where}`, 'a layer', made);
  if (made.inboundNodes.length === 0) return made;
  throw refuse('cloneModel', `clone of ${layer.where}`, 'a layer that is not in use', made.where);
}

/** The input layers behind `tensors`. */
function inputsFor(model: Model, tensors: readonly unknown[]): Layer[] {
  const shapeOf = ({ shape }: SymbolicTensor) => show([...shape]);
  if (tensors.length !== model.inputs.length) {
    const expected = `as many as ${model.where} has inputs, ${model.inputs.length}`;
    throw refuse('cloneModel', 'inputTensors', expected, tensors.length);
  }
  return tensors.map((tensor, i) => {
    if (!(tensor instanceof SymbolicTensor && tensor.history.layer instanceof InputLayer))
      throw refuse('cloneModel', `inputTensors[${i}]`, 'what Input gives', tensor);
    const wanted = shapeOf(model.inputs[i]!);
    if (shapeOf(tensor) !== wanted)
      throw refuse('cloneModel', `inputTensors[${i}]`, `of shape ${wanted}`, [...tensor.shape]);
    return tensor.history.layer;
  });
}

/** The layer and all inside it. */
function layersWithin(layer: Layer, found = new Set<Layer>()): ReadonlySet<Layer> {
  const parts = 'layers' in layer ? (layer.layers as readonly Layer[]) : layer.sublayers;
  found.add(layer);
  for (const part of parts) if (!found.has(part)) layersWithin(part, found);
  return found;
}
