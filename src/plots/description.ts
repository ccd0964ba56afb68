/**
 * @file What a model says about itself, as plain data: all that the summary table and the diagram need. A model
 * makes one with its `describe()`; nothing here knows the engine, so a description can also be written by hand,
 * stored as JSON or sent to a page.
 */
import type { PartialShape } from '../core/shape.ts';

/** How a model was put together: Keras draws and lists the three differently. */
export type ModelKind = 'sequential' | 'functional' | 'subclass';

/** A number of parameters and the memory they take. */
export interface Amount {
  count: number;
  bytes: number;
}

/** One tensor a layer reads: output `tensor` of call number `node` of the layer named `layer`. */
export interface Connection {
  layer: string;
  node: number;
  tensor: number;
}

/** One shape, or a list of them where a layer has several inputs or outputs. */
export type Shapes = PartialShape | readonly PartialShape[];

/** One row of the summary, one box of the diagram. */
export interface LayerDescription {
  name: string;
  /** `Conv2D`, `Functional`, or the name of the user's class. */
  className: string;
  /** `undefined` where no input was seen yet. */
  inputShape: Shapes | undefined;
  /** `undefined` where not known: an unbuilt layer, or one that cannot tell. */
  outputShape: Shapes | undefined;
  /** Every weight, trainable or not. */
  parameters: Amount;
  /** The part of `parameters` that training changes. */
  trainableParameters: Amount;
  /** The layer's own switch, whether or not it has weights. */
  trainable: boolean;
  /** Whether the weights exist. */
  built: boolean;
  /** Element type of the output, `float32`. */
  dtype: string;
  /** Name of the activation, where the layer has one: `relu`. */
  activation?: string;
  /** The tensors read, in order, over all calls within this model; empty for inputs and where not known. */
  connectedTo: readonly Connection[];
  /** The inside, where the layer is itself a model. */
  nested?: ModelDescription;
}

/** A whole model. */
export interface ModelDescription {
  name: string;
  /** `Functional`, `Sequential`, or the name of the user's class. */
  className: string;
  kind: ModelKind;
  built: boolean;
  /** In Keras's order; of a functional model with its `InputLayer`s, of a sequential one without. */
  layers: readonly LayerDescription[];
  /** Names of the input layers, in the order in which the model takes its inputs (functional models). */
  inputs: readonly string[];
  /** The tensors that are the model's outputs, in order (functional models). */
  outputs: readonly Connection[];
  inputShape: Shapes | undefined;
  outputShape: Shapes | undefined;
  dtype: string;
  trainable: boolean;
  /** Each weight counted once, also where layers share it; without the optimizer's. */
  parameters: Amount;
  trainableParameters: Amount;
  /** What the optimizer keeps (moments, step count, learning rate); absent until it has been built. */
  optimizerParameters?: Amount;
}

/** Whether `shapes` is a list of shapes rather than one. */
export function isShapeList(shapes: Shapes): shapes is readonly PartialShape[] {
  return Array.isArray(shapes[0]);
}

/**
 * Whether a model is one chain: one input layer, and every layer read once by one other. Sequential and subclass
 * models count as chains, as in Keras.
 */
export function isChain(model: ModelDescription): boolean {
  if (model.kind !== 'functional') return true;
  const sources = model.layers.flatMap((layer) => layer.connectedTo.map((source) => source.layer));
  const roots = model.layers.filter((layer) => layer.connectedTo.length === 0);
  return (
    roots.length <= 1 &&
    model.layers.every((layer) => layer.connectedTo.length <= 1) &&
    new Set(sources).size === sources.length
  );
}
