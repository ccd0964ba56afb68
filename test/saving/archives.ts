/** @file What tests look for inside `.keras` files. */
import { datasetNumbers, type H5Group } from '../../src/saving/hdf5.ts';
import { readHdf5 } from '../../src/saving/hdf5_read.ts';
import { parseJson } from '../../src/saving/strict_json.ts';
import { unzipMember, zipMembers } from '../../src/saving/zip.ts';

/** The bytes of a member. */
export async function memberOf(bytes: Uint8Array, name: string): Promise<Uint8Array> {
  return unzipMember(bytes, zipMembers(bytes, 'test').get(name)!, 'test');
}

/** The parsed `config.json`. */
export async function configOf(bytes: Uint8Array): Promise<unknown> {
  return parseJson(await memberOf(bytes, 'config.json'), 'test');
}

/** Every array of `model.weights.h5` by its path, with shape and numbers. */
export async function arraysOf(bytes: Uint8Array): Promise<Record<string, unknown>> {
  const arrays: Record<string, unknown> = {};
  const visit = (group: H5Group, path: string) => {
    for (const [name, child] of group.children) {
      if (child.kind === 'group') visit(child, `${path}/${name}`);
      else
        arrays[`${path}/${name}`] = {
          shape: [...child.shape],
          numbers: [...datasetNumbers(child)],
        };
    }
    arrays[path] = 'group';
  };
  visit(readHdf5(await memberOf(bytes, 'model.weights.h5'), 'test'), '');
  return arrays;
}
