/**
 * @file The variables of a model as the groups of an HDF5 file, and back: checked as a whole before the first of them is
 * assigned, so that a file that does not fit changes nothing.
 */
import { show, TsunoError } from '../core/errors.ts';
import { sameShape } from '../core/shape.ts';
import type { Variable } from '../layers/variable.ts';
import type { Network } from '../topology/network.ts';
import type { Optimizer } from '../train/optimizers/optimizer.ts';
import { typeName } from './elements.ts';
import {
  datasetNumbers,
  type H5Dataset,
  type H5Group,
  type H5Node,
  h5Dataset,
  h5Group,
} from './hdf5.ts';
import { type WeightGroup, weightGroups } from './weight_groups.ts';

const optimizerPath = 'optimizer';

/** A value that waits to be assigned. */
export interface Assignment {
  readonly variable: Variable;
  readonly value: ArrayLike<number>;
}

function optimizerGroup(optimizer: Optimizer): WeightGroup {
  const { name, variables } = optimizer;
  return { path: optimizerPath, name, where: `optimizer "${name}"`, variables };
}

/**
 * All variables of a network, and of its optimizer, under Keras's names.
 *
 * @throws TsunoError `WEIGHTS_NONFINITE` where one is not finite: the file could not be loaded.
 */
export function weightsTree(network: Network, optimizer: Optimizer | undefined): H5Group {
  const root = h5Group();
  const groups = [...weightGroups(network), ...(optimizer ? [optimizerGroup(optimizer)] : [])];
  for (const { path, name, where, variables } of groups) {
    const vars = h5Group({ name });
    variables.forEach((variable, i) => {
      const value = variable.value();
      checkFinite(value.data, where, variable);
      vars.children.set(String(i), h5Dataset(value));
    });
    made(root, path).children.set('vars', vars);
  }
  return root;
}

/** The group at a path, made where there is none. */
function made(root: H5Group, path: string): H5Group {
  let group = root;
  for (const name of path === '' ? [] : path.split('/')) {
    const child = group.children.get(name) ?? h5Group();
    group.children.set(name, child);
    group = child as H5Group;
  }
  return group;
}

/** What of a file does not fit, and what is done about it. */
export interface LoadRules {
  /** Layers whose weights do not fit keep theirs; default false: nothing is loaded then. */
  skipMismatch?: boolean | undefined;
}

/**
 * The values that the tree of a file has for the variables of a network, checked.
 *
 * @returns the values, and the layers that were left out where the rules allow it.
 * @throws TsunoError `WEIGHTS_MISSING`, `WEIGHTS_EXTRA`, `WEIGHTS_SHAPE` or `WEIGHTS_NONFINITE` naming layer and
 * variable.
 */
export function networkAssignments(
  tree: H5Group,
  network: Network,
  file: string,
  rules: LoadRules = {},
): { assignments: Assignment[]; skipped: string[] } {
  const groups = weightGroups(network);
  const skipped: string[] = [];
  const assignments = groups.flatMap((group) => {
    try {
      return groupAssignments(tree, group, file);
    } catch (error) {
      if (!rules.skipMismatch || !(error instanceof TsunoError)) throw error;
      skipped.push(group.where);
      return [];
    }
  });
  if (!rules.skipMismatch) checkNothingElse(tree, groups, file);
  return { assignments, skipped };
}

/**
 * As {@link networkAssignments}, of an optimizer. One that has taken no step may be stored with iterations and rate
 * alone; then it stays unbuilt.
 */
export function optimizerAssignments(
  tree: H5Group,
  optimizer: Optimizer,
  network: Network,
  file: string,
): Assignment[] {
  const stored = varsAt(tree, optimizerPath)?.children.size ?? 0;
  if (stored === 0) return [];
  if (stored > optimizer.variables.length) optimizer.build(network.trainableWeights);
  return groupAssignments(tree, optimizerGroup(optimizer), file);
}

/** Assigns; nothing can fail any more. */
export function assignAll(assignments: readonly Assignment[]): void {
  for (const { variable, value } of assignments) variable.assign(value);
}

function groupAssignments(tree: H5Group, group: WeightGroup, file: string): Assignment[] {
  const vars = varsAt(tree, group.path);
  const { variables, where } = group;
  const place = `${group.path === '' ? '' : `${group.path}/`}vars`;
  const stored = [...(vars?.children.keys() ?? [])];
  variables.forEach((variable, i) => {
    if (vars?.children.has(String(i))) return;
    throw new TsunoError('WEIGHTS_MISSING', {
      where,
      what: `"${variable.path}"`,
      expected: `in ${file} as ${place}/${i}`,
      found: stored.length === 0 ? 'no weights of this layer' : `${stored.length} others`,
    });
  });
  const extra = stored.find((name) => !/^(0|[1-9]\d*)$/.test(name) || +name >= variables.length);
  if (extra !== undefined) {
    throw new TsunoError('WEIGHTS_EXTRA', {
      where,
      what: `weights in ${file}`,
      expected: `must be the ${variables.length} of the layer`,
      found: `${place}/${extra} as well`,
    });
  }
  return variables.map((variable, i) => {
    const node = vars!.children.get(String(i))!;
    return { variable, value: storedValue(node, variable, where, `${file}, ${place}/${i}`) };
  });
}

/** The group of an object's variables. */
function varsAt(tree: H5Group, path: string): H5Group | undefined {
  let node: H5Node | undefined = tree;
  for (const name of path === '' ? ['vars'] : [...path.split('/'), 'vars'])
    node = node?.kind === 'group' ? node.children.get(name) : undefined;
  return node?.kind === 'group' ? node : undefined;
}

function storedValue(
  node: H5Node,
  variable: Variable,
  where: string,
  place: string,
): Float32Array | Float64Array {
  if (node.kind === 'group' || !sameShape(node.shape, variable.shape)) {
    throw new TsunoError('WEIGHTS_SHAPE', {
      where,
      what: `"${variable.path}" in ${place}`,
      expected: `of shape ${show([...variable.shape])}`,
      found: node.kind === 'group' ? 'a group' : show([...node.shape]),
    });
  }
  const value = datasetNumbers(node);
  checkFinite(value, where, variable);
  // Whole numbers fit floats that hold them exactly: Keras has such placeholders in the state of Adafactor.
  const isFloat = variable.dtype === 'float32';
  const fits = isFloat
    ? node.type.kind === 'float' || value.every((x) => Math.fround(x) === x)
    : node.type.kind === 'integer' && value.every((x) => x === (x | 0));
  if (!fits) throw wrongType(node, variable, where, place);
  return value;
}

function wrongType(
  { type }: H5Dataset,
  variable: Variable,
  where: string,
  place: string,
): TsunoError {
  return new TsunoError('WEIGHTS_SHAPE', {
    where,
    what: `"${variable.path}" in ${place}`,
    expected: variable.dtype === 'float32' ? 'floats' : 'whole numbers below 2^31',
    found: typeName(type),
  });
}

/** @throws TsunoError `WEIGHTS_NONFINITE` naming the element. */
export function checkFinite(value: ArrayLike<number>, where: string, variable: Variable): void {
  for (let i = 0; i < value.length; i++) {
    if (Number.isFinite(value[i])) continue;
    throw new TsunoError('WEIGHTS_NONFINITE', {
      where,
      what: `element ${i} of "${variable.path}"`,
      expected: 'finite',
      found: String(value[i]),
    });
  }
}

/** Every array under the layers must belong to one. */
function checkNothingElse(tree: H5Group, groups: readonly WeightGroup[], file: string): void {
  const known = new Set(groups.map(({ path }) => `${path === '' ? '' : `${path}/`}vars`));
  const visit = (group: H5Group, path: string) => {
    for (const [name, child] of group.children) {
      const full = path === '' ? name : `${path}/${name}`;
      if (full === optimizerPath || known.has(full)) continue;
      if (child.kind === 'group') visit(child, full);
      else {
        throw new TsunoError('WEIGHTS_EXTRA', {
          where: file,
          what: 'weights',
          expected: 'must belong to layers of the model',
          found: `${full}, which belongs to none`,
        });
      }
    }
  };
  visit(tree, '');
}
