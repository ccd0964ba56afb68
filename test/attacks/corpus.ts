/** @file Hostile files of every kind that lead elsewhere, to a path of the caller's: what readers must not follow. */
import { readFileSync } from 'node:fs';
import { File, FS, ready } from 'h5wasm';
import { Input, layers, Sequential, serializeModel, toOnnx } from '../../src/index.ts';
import { message, nodeProto, valueProto } from '../../src/saving/onnx_encode.ts';
import { writeZip } from '../../src/saving/zip.ts';
import { memberOf } from '../saving/archives.ts';
import { archive } from './archive_builder.ts';

const encode = (text: string) => new TextEncoder().encode(text);

/** Links that lie beside the files and lead outside. */
export const linkNames = { symbolic: 'symbolic.bin', hard: 'hard.bin' } as const;

/** What h5py makes of data in another file: an array in pieces of others, and one whose bytes lie elsewhere. */
const seeds = new URL('../../../test/attacks/seeds/', import.meta.url);
const elsewhere = ['hdf5__external_storage', 'hdf5__virtual_array'];

/** An HDF5 file with an array and what `make` adds. */
async function hdf5(
  libver: 'earliest' | 'latest',
  make: (file: File) => void,
): Promise<Uint8Array> {
  await ready;
  const file = new File('corpus.h5', 'w', { libver: [libver, 'latest'] });
  file.create_dataset({ name: 'a', data: new Float32Array(3) });
  make(file);
  file.close();
  return Uint8Array.from(FS!.readFile('corpus.h5') as Uint8Array);
}

function onnxElsewhere(path: string): Uint8Array {
  const entry = (key: string, value: string) => message([1, key], [2, value]);
  const weights = message(
    [1, [4, 2]],
    [2, 1],
    [8, 'w'],
    [13, [entry('location', path), entry('offset', '0')]],
    [14, 1],
  );
  const graph = message(
    [1, nodeProto({ op: 'MatMul', inputs: ['x', 'w'], outputs: ['y'], name: 'last' })],
    [5, weights],
    [11, valueProto('x', 'float32', [null, 4])],
    [12, valueProto('y', 'float32', [null, 2])],
  );
  return message([1, 8], [7, graph], [8, message([2, 17])]);
}

/** An honest model as `.keras` and `.onnx`. */
export async function honestFiles(): Promise<Map<string, Uint8Array>> {
  const model = new Sequential([Input({ shape: [4] }), layers.dense(2, { name: 'first' })]);
  return new Map([
    ['honest.keras', await serializeModel(model)],
    ['honest.onnx', toOnnx(model)],
  ]);
}

/** Files by name, each of which names `outside` or would lead there. */
export async function hostileFiles(outside: string): Promise<Map<string, Uint8Array>> {
  const honest = (await honestFiles()).get('honest.keras')!;
  const [metadata, config, weights] = await Promise.all(
    ['metadata.json', 'config.json', 'model.weights.h5'].map((name) => memberOf(honest, name)),
  );
  const files = new Map<string, Uint8Array>();
  const keras = (name: string, parts: { config?: string; weights?: Uint8Array }) =>
    files.set(
      `${name}.keras`,
      writeZip([
        ['metadata.json', metadata!],
        ['config.json', parts.config === undefined ? config! : encode(parts.config)],
        ['model.weights.h5', parts.weights ?? weights!],
      ]),
    );
  for (const libver of ['earliest', 'latest'] as const) {
    const links: Record<string, (file: File) => void> = {
      external_link: (file) => file.create_external_link(outside, '/', 'layers'),
      soft_link: (file) => file.create_soft_link(outside, 'layers'),
      cyclic_link: (file) => file.create_hard_link('/', 'layers'),
    };
    for (const [name, make] of Object.entries(links)) {
      const bytes = await hdf5(libver, make);
      keras(`${name}_${libver}`, { weights: bytes });
      files.set(`${name}_${libver}.h5`, bytes);
      files.set(`${name}_${libver}.weights.h5`, bytes);
    }
  }
  for (const name of elsewhere) {
    const bytes = new Uint8Array(readFileSync(new URL(name, seeds)));
    keras(name, { weights: bytes });
    files.set(`${name}.weights.h5`, bytes);
  }
  for (const member of [
    outside,
    `..${outside}`,
    '../../etc/passwd',
    'C:\\x',
    'a\\..\\x',
    '__proto__',
  ]) {
    const data = encode(outside);
    const others = { 'config.json': config!, 'model.weights.h5': weights! };
    const list = Object.entries(others).map(([name, own]) => ({ name, data: own }));
    files.set(`member_${files.size}.keras`, archive([...list, { name: member, data }]));
  }
  const link = { name: 'config.json', data: encode(outside), attributes: 0o120777 * 65536 };
  files.set('member_link.keras', archive([link, { name: 'model.weights.h5', data: weights! }]));
  const text = new TextDecoder().decode(config);
  const swapped: Record<string, string> = {
    lambda: '"class_name": "Lambda"',
    tfsm: '"class_name": "TFSMLayer"',
    torch: '"class_name": "TorchModuleWrapper"',
  };
  for (const [name, entry] of Object.entries(swapped))
    keras(name, {
      config: text.replace('"class_name": "Dense"', `${entry}, "filepath": "${outside}"`),
    });
  keras('module_os', {
    config: text.replace(/"module": "keras.layers", ("class_name": "Dense")/, '"module": "os", $1'),
  });
  for (const path of [
    outside,
    `file://${outside}`,
    '../../../../etc/passwd',
    'junk/../..',
    'honest.keras',
    ...Object.values(linkNames),
  ])
    files.set(`elsewhere_${files.size}.onnx`, onnxElsewhere(path));
  files.set(
    'pickle.keras',
    Uint8Array.from([0x80, 4, ...encode(`cbuiltins\nopen\n(S'${outside}'\ntR.`)]),
  );
  return files;
}
