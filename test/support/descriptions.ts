/** @file Descriptions of a few models, written by hand: what the summary and the diagram draw. */
import { sizeOf } from '../../src/core/shape.ts';
import type {
  Amount,
  Connection,
  LayerDescription,
  ModelDescription,
} from '../../src/plots/description.ts';

type LayerParts = Partial<LayerDescription> & Pick<LayerDescription, 'name' | 'className'>;

/** So many float32 parameters. */
export function floats(count: number): Amount {
  return { count, bytes: 4 * count };
}

/** A layer; what is not given is what a layer without weights has. */
export function layer({ parameters = floats(0), ...parts }: LayerParts): LayerDescription {
  return {
    inputShape: undefined,
    outputShape: undefined,
    parameters,
    trainableParameters: parts.trainable === false ? floats(0) : parameters,
    trainable: true,
    built: true,
    dtype: 'float32',
    connectedTo: [],
    ...parts,
  };
}

/** A model; totals are the sums over its layers unless given. */
export function model(
  parts: Partial<ModelDescription> & Pick<ModelDescription, 'name' | 'kind' | 'layers'>,
): ModelDescription {
  const total = (pick: (layer: LayerDescription) => Amount) => ({
    count: parts.layers.reduce((sum, layer) => sum + pick(layer).count, 0),
    bytes: parts.layers.reduce((sum, layer) => sum + pick(layer).bytes, 0),
  });
  const last = parts.layers.at(-1)!;
  return {
    className: { sequential: 'Sequential', functional: 'Functional', subclass: 'MyModel' }[
      parts.kind
    ],
    built: true,
    inputs: parts.layers
      .filter(({ className }) => className === 'InputLayer')
      .map(({ name }) => name),
    outputs: [from(last.name)],
    inputShape: parts.layers[0]!.inputShape ?? parts.layers[0]!.outputShape,
    outputShape: last.outputShape,
    dtype: 'float32',
    trainable: true,
    parameters: total((layer) => layer.parameters),
    trainableParameters: total((layer) => layer.trainableParameters),
    ...parts,
  };
}

export function from(name: string, node = 0, tensor = 0): Connection {
  return { layer: name, node, tensor };
}

/** Layers one after the other: each reads the one before. */
export function chain(...layers: LayerParts[]): LayerDescription[] {
  return layers.map((parts, i) => {
    const before = layers[i - 1];
    return layer({
      ...(before ? { inputShape: before.outputShape, connectedTo: [from(before.name)] } : {}),
      ...parts,
    });
  });
}

const conv = (name: string, shape: number[], count: number): LayerParts => ({
  name,
  className: 'Conv2D',
  outputShape: [null, ...shape],
  parameters: floats(count),
  activation: 'relu',
});

const pool = (name: string, shape: number[]): LayerParts => ({
  name,
  className: 'MaxPooling2D',
  outputShape: [null, ...shape],
});

/** The convolutional network of the examples: 93,962 parameters. */
export const mnistModel = model({
  name: 'functional',
  kind: 'functional',
  layers: chain(
    { name: 'input_layer', className: 'InputLayer', outputShape: [null, 28, 28, 1] },
    { name: 'rescaling', className: 'Rescaling', outputShape: [null, 28, 28, 1] },
    conv('conv2d', [26, 26, 32], 320),
    pool('max_pooling2d', [13, 13, 32]),
    conv('conv2d_1', [11, 11, 64], 18_496),
    pool('max_pooling2d_1', [5, 5, 64]),
    conv('conv2d_2', [3, 3, 128], 73_856),
    pool('max_pooling2d_2', [1, 1, 128]),
    { name: 'flatten', className: 'Flatten', outputShape: [null, 128] },
    { name: 'dropout', className: 'Dropout', outputShape: [null, 128] },
    {
      name: 'dense',
      className: 'Dense',
      outputShape: [null, 10],
      parameters: floats(sizeOf([128, 10]) + 10),
      activation: 'softmax',
    },
  ),
});

/** Batch normalization inside: 16 of its parameters do not train. */
export const sequentialModel = model({
  name: 'lenet_like',
  kind: 'sequential',
  layers: chain(
    conv('conv2d', [26, 26, 8], 80),
    {
      name: 'batch_normalization',
      className: 'BatchNormalization',
      outputShape: [null, 26, 26, 8],
      parameters: floats(32),
      trainableParameters: floats(16),
    },
    pool('max_pooling2d', [13, 13, 8]),
    { name: 'flatten', className: 'Flatten', outputShape: [null, 1352] },
    { name: 'dense', className: 'Dense', outputShape: [null, 10], parameters: floats(13_530) },
  ),
});

/** A sequential model as a layer of `branchyModel`. */
const head = model({
  name: 'head',
  kind: 'sequential',
  layers: [
    layer({
      name: 'conv2d_2',
      className: 'Conv2D',
      inputShape: [null, 8, 8, 8],
      outputShape: [null, 8, 8, 2],
      parameters: floats(18),
    }),
  ],
});

const map: LayerDescription['outputShape'] = [null, 8, 8, 4];

/** Branches that meet again, a frozen layer, and a model within the model. */
export const branchyModel = model({
  name: 'branchy',
  kind: 'functional',
  layers: [
    layer({ name: 'input_layer', className: 'InputLayer', outputShape: [null, 8, 8, 3] }),
    layer({
      name: 'conv2d',
      className: 'Conv2D',
      inputShape: [null, 8, 8, 3],
      outputShape: map,
      parameters: floats(112),
      trainable: false,
      connectedTo: [from('input_layer')],
    }),
    layer({
      name: 'conv2d_1',
      className: 'Conv2D',
      inputShape: [null, 8, 8, 3],
      outputShape: map,
      parameters: floats(16),
      connectedTo: [from('input_layer')],
    }),
    layer({
      name: 'add',
      className: 'Add',
      inputShape: [map, map],
      outputShape: map,
      connectedTo: [from('conv2d'), from('conv2d_1')],
    }),
    layer({
      name: 'concatenate',
      className: 'Concatenate',
      inputShape: [map, map],
      outputShape: [null, 8, 8, 8],
      connectedTo: [from('add'), from('conv2d')],
    }),
    layer({
      name: 'head',
      className: 'Sequential',
      inputShape: [null, 8, 8, 8],
      outputShape: [null, 8, 8, 2],
      parameters: floats(18),
      connectedTo: [from('concatenate')],
      nested: head,
    }),
    layer({
      name: 'global_average_pooling2d',
      className: 'GlobalAveragePooling2D',
      inputShape: [null, 8, 8, 2],
      outputShape: [null, 2],
      connectedTo: [from('head')],
    }),
  ],
});

export const subclassModel = model({
  name: 'm',
  kind: 'subclass',
  layers: [
    layer({
      name: 'conv2d',
      className: 'Conv2D',
      outputShape: [1, 6, 6, 4],
      parameters: floats(40),
    }),
    layer({ name: 'dense', className: 'Dense', outputShape: [1, 2], parameters: floats(290) }),
  ],
});

export const unbuiltModel = model({
  name: 'sequential',
  kind: 'sequential',
  built: false,
  layers: ['dense', 'dense_1'].map((name) => layer({ name, className: 'Dense', built: false })),
});
