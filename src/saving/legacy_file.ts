/**
 * @file Models in the HDF5 files that Keras wrote before `.keras`, and still writes where a path ends in `.h5`: the
 * description as text in an attribute, weights in groups by the names of layers. They are read, not written.
 *
 * @see https://keras.io/guides/serialization_and_saving/
 */
import { show, TsunoError } from '../core/errors.ts';
import { sameShape } from '../core/shape.ts';
import type { Layer } from '../layers/layer.ts';
import type { Variable } from '../layers/variable.ts';
import { datasetNumbers, type H5Group, type H5Node } from './hdf5.ts';
import { readHdf5 } from './hdf5_read.ts';
import { modernConfig, modernTraining } from './legacy_config.ts';
import {
  type ConfigOptions,
  configLimits,
  modelFromConfig,
  type SavableModel,
} from './model_config.ts';
import { parseJson } from './strict_json.ts';
import { type Assignment, assignAll, checkFinite } from './weights.ts';

/**
 * The model in the bytes of a legacy file, with its weights and, unless `compile` is false, what it was compiled with. The
 * optimizer's state is taken from files of Keras 3; that of Keras 2 begins anew.
 *
 * @param where the file's name, for messages.
 * @throws TsunoError `HDF5` and its kin, `JSON`, `CONFIG`, `UNSUPPORTED_LAYER`, `WEIGHTS_MISSING`, … as for `.keras`.
 */
export function deserializeLegacy(
  bytes: Uint8Array,
  where: string,
  options: Omit<ConfigOptions, 'allowance'> = {},
): SavableModel {
  const root = readHdf5(bytes, where, true);
  const description = root.texts?.get('model_config')?.[0];
  if (description === undefined) {
    throw new TsunoError('CONFIG', {
      where,
      what: 'file',
      expected: 'with a description of a model',
      found: 'weights alone',
      repair: 'Build the model and call loadWeights, or save it whole from Keras.',
    });
  }
  const training = root.texts?.get('training_config')?.[0];
  const json = (text: string, name: string) =>
    parseJson(new TextEncoder().encode(text), `${where}, ${name}`, configLimits);
  const model = modelFromConfig(
    {
      ...modernConfig(json(description, 'model_config'), where),
      ...(training === undefined
        ? {}
        : { compile_config: modernTraining(json(training, 'training_config'), where) }),
    },
    where,
    { ...options, allowance: { bytes: bytes.length, reason: 'the file' } },
  );
  const weights = root.children.get('model_weights');
  if (weights?.kind !== 'group') throw missing(where, 'model_weights', 'a group of weights');
  const isNew = (root.texts?.get('keras_version')?.[0] ?? '').startsWith('3.');
  const assignments = layerAssignments(weights, model, where);
  const ofOptimizer = isNew ? optimizerAssignments(root, model, where) : [];
  assignAll([...assignments, ...ofOptimizer]);
  return model;
}

/**
 * Values for all weights of a network out of a group of layers: those that have weights, in the order of the file and of
 * the network, as Keras matches them.
 */
export function layerAssignments(
  group: H5Group,
  network: SavableModel,
  where: string,
): Assignment[] {
  const stored = listOf(group, 'layer_names').map((name) => {
    const layer = group.children.get(name);
    if (layer?.kind === 'group') return { name, layer, names: listOf(layer, 'weight_names') };
    throw missing(where, name, 'a group of weights');
  });
  const wanted = network.layers.filter(({ weights }) => weights.length > 0);
  const given = stored.filter(({ names }) => names.length > 0);
  if (given.length !== wanted.length) {
    throw new TsunoError(given.length < wanted.length ? 'WEIGHTS_MISSING' : 'WEIGHTS_EXTRA', {
      where,
      what: 'layers with weights',
      expected: `the ${wanted.length} of the model`,
      found: String(given.length),
    });
  }
  const ofLayers = given.flatMap(({ name, layer, names }, i) =>
    groupAssignments(layer, names, ordered(wanted[i]!), wanted[i]!.where, `${where}, ${name}`),
  );
  const top = group.children.get('top_level_model_weights');
  const extra = top?.kind === 'group' ? listOf(top, 'weight_names') : [];
  if (extra.length > 0)
    throw new TsunoError('UNSUPPORTED', {
      where,
      what: 'weights of the model itself',
      expected: 'none',
      found: String(extra.length),
    });
  return ofLayers;
}

/** Keras's order: what trains first. */
function ordered(layer: Layer): readonly Variable[] {
  return [...layer.trainableWeights, ...layer.nonTrainableWeights];
}

function optimizerAssignments(root: H5Group, model: SavableModel, where: string): Assignment[] {
  const optimizer = model.compiled?.optimizer;
  const group = root.children.get('optimizer_weights');
  if (!optimizer || group?.kind !== 'group') return [];
  const names = listOf(group, 'weight_names');
  if (names.length > optimizer.variables.length) optimizer.build(model.trainableWeights);
  const place = `${where}, optimizer_weights`;
  return groupAssignments(
    group,
    names,
    optimizer.variables,
    `optimizer "${optimizer.name}"`,
    place,
  );
}

function groupAssignments(
  group: H5Group,
  names: readonly string[],
  variables: readonly Variable[],
  where: string,
  place: string,
): Assignment[] {
  if (names.length !== variables.length) {
    throw new TsunoError(names.length < variables.length ? 'WEIGHTS_MISSING' : 'WEIGHTS_EXTRA', {
      where,
      what: `weights in ${place}`,
      expected: `must be ${variables.length}`,
      found: String(names.length),
    });
  }
  return names.map((name, i) => {
    const variable = variables[i]!;
    const node = name
      .split('/')
      .reduce<H5Node | undefined>(
        (at, part) => (at?.kind === 'group' ? at.children.get(part) : undefined),
        group,
      );
    if (node?.kind !== 'dataset') throw missing(place, name, 'an array');
    if (!sameShape(node.shape, variable.shape)) {
      throw new TsunoError('WEIGHTS_SHAPE', {
        where,
        what: `"${variable.path}" in ${place}, ${name}`,
        expected: `of shape ${show([...variable.shape])}`,
        found: show([...node.shape]),
      });
    }
    const value = datasetNumbers(node);
    checkFinite(value, where, variable);
    return { variable, value };
  });
}

function missing(where: string, what: string, expected: string): TsunoError {
  return new TsunoError('WEIGHTS_MISSING', { where, what, expected, found: 'none' });
}

/** A list of names; long ones are cut into `NAME0`, `NAME1`, …. */
function listOf(group: H5Group, name: string): readonly string[] {
  const whole = group.texts?.get(name);
  if (whole) return whole;
  const parts: string[] = [];
  for (let i = 0; group.texts?.has(`${name}${i}`); i++)
    for (const part of group.texts.get(`${name}${i}`)!) parts.push(part);
  return parts;
}
