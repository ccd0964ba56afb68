/** @file What a network says about itself, as the plain data that the summary table and the diagram draw. */
import { bytesOf } from '../core/dtype.ts';
import type { PartialShape } from '../core/shape.ts';
import type { Layer } from '../layers/layer.ts';
import type { SymbolicTensor } from '../layers/symbolic.ts';
import type { Variable } from '../layers/variable.ts';
import type {
  Amount,
  Connection,
  LayerDescription,
  ModelDescription,
  Shapes,
} from '../plots/description.ts';
import { Network } from '../topology/network.ts';
import { placeOf } from '../topology/network_config.ts';

function amount(variables: readonly Variable[]): Amount {
  return {
    count: variables.reduce((sum, variable) => sum + variable.size, 0),
    bytes: variables.reduce((sum, { size, dtype }) => sum + size * bytesOf(dtype), 0),
  };
}

/** One shape, a list where there are several, `undefined` for none. */
function shapesOf(tensors: readonly { shape: PartialShape }[]): Shapes | undefined {
  const shapes = tensors.map(({ shape }) => shape);
  return shapes.length <= 1 ? shapes[0] : shapes;
}

/** The name of the activation of layers that have one. */
function activationOf(layer: Layer): string | undefined {
  const { activation } = layer as { activation?: { name?: unknown } };
  return typeof activation?.name === 'string' ? activation.name : undefined;
}

function connection(tensor: SymbolicTensor): Connection {
  return placeOf(tensor);
}

function describeLayer(layer: Layer, network: Network): LayerDescription {
  const { functional } = network;
  const nodes = functional ? layer.inboundNodes.filter((node) => functional.has(node)) : [];
  const inputs = nodes.flatMap((node) => node.inputs);
  const known = nodes.length > 0;
  const shape = layer.callShape ?? layer.buildShape;
  const activation = activationOf(layer);
  return {
    name: layer.name,
    className: layer.className,
    inputShape: known ? shapesOf(nodes[0]!.inputs) : shape,
    outputShape: known
      ? shapesOf(nodes[0]!.outputs)
      : shape && (layer.outputShape(shape) as Shapes),
    parameters: amount(layer.weights),
    trainableParameters: amount(layer.trainableWeights),
    trainable: layer.trainable,
    built: layer.built,
    dtype: nodes[0]?.outputs[0]?.dtype ?? layer.dtype,
    ...(activation === undefined ? {} : { activation }),
    connectedTo: inputs.map(connection),
    ...(layer instanceof Network ? { nested: describeNetwork(layer) } : {}),
  };
}

/**
 * Describes a network, built or not.
 *
 * @param optimizer the variables of its optimizer, once there are some.
 *
 * @example
 * ```ts
 * const x = Input({ shape: [8] });
 * const network = new Network({ inputs: x, outputs: dense(3)(x) });
 * describeNetwork(network).parameters.count; // 27
 * ```
 */
export function describeNetwork(
  network: Network,
  optimizer?: readonly Variable[],
): ModelDescription {
  const { functional } = network;
  const specs = network.inputSpecs;
  const inputShape = specs && shapesOf(specs);
  return {
    name: network.name,
    className: network.className,
    kind: network.kind,
    built: network.built,
    layers: network.layers.map((layer) => describeLayer(layer, network)),
    inputs: network.kind === 'functional' ? (specs ?? []).map(({ name }) => name) : [],
    outputs: network.kind === 'functional' ? network.outputs.map(connection) : [],
    inputShape,
    outputShape: functional
      ? shapesOf(functional.outputs)
      : inputShape && (network.outputShape(inputShape) as Shapes),
    dtype: network.dtype,
    trainable: network.trainable,
    parameters: amount(network.weights),
    trainableParameters: amount(network.trainableWeights),
    ...(optimizer ? { optimizerParameters: amount(optimizer) } : {}),
  };
}
