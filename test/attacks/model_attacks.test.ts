/** @file Whole `.keras` files that attack: descriptions that name code, JSON that misleads, weights that do not fit. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import {
  deserializeModel,
  Input,
  layers,
  type Model,
  Sequential,
  serializeModel,
  tensor,
} from '../../src/index.ts';
import { type H5Group, h5Dataset, h5Group } from '../../src/saving/hdf5.ts';
import { readHdf5 } from '../../src/saving/hdf5_read.ts';
import { writeHdf5 } from '../../src/saving/hdf5_write.ts';
import { pythonJson } from '../../src/saving/strict_json.ts';
import { writeZip } from '../../src/saving/zip.ts';
import { read, typescriptBelow } from '../repository/sources.ts';
import { memberOf } from '../saving/archives.ts';
import { assertCheap } from '../support/cost.ts';

const folder = mkdtempSync(join(tmpdir(), 'tsuno-models-'));
after(() => rmSync(folder, { recursive: true }));

function honestModel(): Model {
  const model = new Sequential([
    Input({ shape: [4] }),
    layers.dense(3, { name: 'first' }),
    layers.dense(2, { name: 'second' }),
  ]);
  model.compile({ optimizer: 'adam', loss: 'mse', metrics: ['mae'] });
  return model;
}

const honest = await serializeModel(honestModel());
const parts = {
  metadata: await memberOf(honest, 'metadata.json'),
  config: await memberOf(honest, 'config.json'),
  weights: await memberOf(honest, 'model.weights.h5'),
};
const encode = (text: string) => new TextEncoder().encode(text);
const configText = new TextDecoder().decode(parts.config);

function file({
  metadata,
  config,
  weights,
}: Partial<Record<keyof typeof parts, Uint8Array | string>> = {}): Uint8Array {
  const bytes = (given: Uint8Array | string | undefined, own: Uint8Array) =>
    typeof given === 'string' ? encode(given) : (given ?? own);
  return writeZip([
    ['metadata.json', bytes(metadata, parts.metadata)],
    ['config.json', bytes(config, parts.config)],
    ['model.weights.h5', bytes(weights, parts.weights)],
  ]);
}

type Entry = {
  module?: unknown;
  class_name?: unknown;
  config: Record<string, unknown>;
  registered_name?: unknown;
};
type Described = Entry & { config: { layers: Entry[] }; compile_config: Record<string, unknown> };

/** The honest description, changed. */
function changed(change: (config: Described) => void): Uint8Array {
  const config = JSON.parse(configText) as Described;
  change(config);
  return file({ config: pythonJson(config) });
}

const layer = (fields: Partial<Entry>) =>
  changed((config) => Object.assign(config.config.layers[1]!, fields));

async function refused(bytes: Uint8Array, code: string, message: RegExp = /./): Promise<void> {
  await assert.rejects(deserializeModel(bytes), { name: 'TsunoError', code, message });
  assert.equal(Object.keys(Object.prototype).length, 0);
  assert.equal(({} as { polluted?: unknown }).polluted, undefined);
}

test('the honest file is loaded', async () => {
  const model = await deserializeModel(file());
  assert.equal(model.layers.length, 2);
});

describe('classes that are not layers of tsuno', () => {
  const cases: [what: string, fields: Partial<Entry>, message: RegExp][] = [
    ['Lambda', { class_name: 'Lambda' }, /class of layer 1 "first".*"Lambda".*code/],
    ['TFSMLayer', { class_name: 'TFSMLayer' }, /layer 1 "first".*code/],
    ['TorchModuleWrapper', { class_name: 'TorchModuleWrapper' }, /layer 1 "first".*code/],
    ['an unknown class', { class_name: 'Mystery' }, /layer 1 "first".*"Mystery"/],
    ['a name of objects', { class_name: 'constructor' }, /layer 1/],
    ['another', { class_name: '__proto__' }, /layer 1/],
    ['system of module os', { module: 'os', class_name: 'system' }, /layer 1 "first".*"os"/],
    ['Dense of module os', { module: 'os' }, /layer 1 "first".*"os"/],
    ['Dense of a module that looks like Keras', { module: 'keras_evil.layers' }, /layer 1/],
    [
      'Dense of a module below Keras that is code',
      { module: 'keras.src.utils; import os' },
      /layer 1/,
    ],
    [
      'a registered name that is not known',
      { module: 'mine', class_name: 'Mine', registered_name: 'mine>Mine' },
      /"Mine"/,
    ],
  ];
  for (const [what, fields, message] of cases)
    test(what, () => refused(layer(fields), 'UNSUPPORTED_LAYER', message));

  test('as the model itself', async () => {
    await refused(
      changed((config) => Object.assign(config, { class_name: 'Lambda' })),
      'UNSUPPORTED_LAYER',
    );
    await refused(
      changed((config) => Object.assign(config, { class_name: 'Dense', config: { units: 2 } })),
      'CONFIG',
    );
  });

  test('Lambda as an activation', async () => {
    const activation = { module: 'keras.layers', class_name: 'Lambda', config: { name: 'code' } };
    const bytes = changed(({ config }) => Object.assign(config.layers[1]!.config, { activation }));
    await refused(bytes, 'UNSUPPORTED_LAYER', /Dense "first".*"Lambda".*code/);
  });

  const inside: [what: string, value: unknown][] = [
    ['a lambda', { class_name: '__lambda__', config: { value: ['gASV'] } }],
    [
      'a function of builtins',
      { module: 'builtins', class_name: 'function', config: 'eval', registered_name: 'function' },
    ],
    ['an object of module os', { module: 'os', class_name: 'system', config: {} }],
    [
      'a function of module subprocess',
      { module: 'subprocess', class_name: 'function', config: 'run' },
    ],
  ];
  for (const [what, value] of inside) {
    test(`${what} as an activation`, () =>
      refused(
        changed(({ config }) => Object.assign(config.layers[1]!.config, { activation: value })),
        'UNSUPPORTED',
        /Dense "first"/,
      ));
    test(`${what} as a loss`, () =>
      refused(
        changed(({ compile_config: compile }) => Object.assign(compile, { loss: value })),
        'UNSUPPORTED',
      ));
    test(`${what} as an optimizer`, () =>
      refused(
        changed(({ compile_config: compile }) => Object.assign(compile, { optimizer: value })),
        'UNSUPPORTED',
      ));
  }
});

describe('descriptions of the wrong form', () => {
  const cases: [what: string, config: string, code: string, message?: RegExp][] = [
    ['nothing', '', 'JSON'],
    ['a number', '7', 'CONFIG'],
    ['a list', '[]', 'CONFIG'],
    ['null', 'null', 'CONFIG'],
    ['an object without a class', '{}', 'CONFIG'],
    [
      'a key twice',
      configText.replace('"units": 3', '"units": 3, "units": 4'),
      'JSON',
      /"units" twice/,
    ],
    [
      '__proto__',
      configText.replace('"units": 3', '"__proto__": {"polluted": true}, "units": 3'),
      'JSON',
      /__proto__/,
    ],
    [
      '__proto__, written with escapes',
      configText.replace('"units": 3', '"\\u005f_proto__": {"polluted": true}'),
      'JSON',
    ],
    ['a lone surrogate', configText.replace('"first"', '"\\ud800"'), 'JSON', /lone surrogate/],
    ['100,000 lists', `${'['.repeat(100_000)}${']'.repeat(100_000)}`, 'JSON', /at most 200 levels/],
    [
      '100,000 objects',
      `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`,
      'JSON',
      /at most 200 levels/,
    ],
    ['text after the end', `${configText} 1`, 'JSON'],
    ['a comment', `/* */ ${configText}`, 'JSON'],
    ['a control character', configText.replace('first', 'fi\nrst'), 'JSON'],
    ['a byte order mark', `\ufeff${configText}`, 'JSON'],
    [
      'layers that are no list',
      configText.replace(/"layers": \[.*\], "build_input/, '"layers": 7, "build_input'),
      'CONFIG',
    ],
  ];
  for (const [what, config, code, message] of cases)
    test(what, () => refused(file({ config }), code, message));

  test('bytes that are not UTF-8', () =>
    refused(file({ config: Uint8Array.of(0x22, 0xff, 0x22) }), 'JSON', /UTF-8/));
  test('one of 65 MiB', () =>
    refused(file({ config: new Uint8Array(65 * 2 ** 20).fill(0x20) }), 'JSON', /at most 67108864/));

  const heaps: [what: string, part: string, around: [string, string], RegExp][] = [
    [
      '1,000,000 layers',
      '{"class_name":"Dense","config":{"name":"a","units":1}}',
      ['{"class_name":"Sequential","config":{"name":"s","layers":[', ']}}'],
      /character \d+\] layers must be at most 10000, received more/,
    ],
    ['1,000,000 lists', '[]', ['[', ']'], /character \d+\] .* at most 500000 lists and objects/],
    ['1,000,000 objects', '{"a":{}}', ['[', ']'], /at most 500000 lists and objects/],
  ];
  for (const [what, part, [begin, end], message] of heaps) {
    test(`${what}, in a second a MB, and 64 MiB and four times the file`, async () => {
      const config = `${begin}${new Array<string>(1e6).fill(part).join(',')}${end}`;
      const bytes = file({ config });
      const code = what.includes('layers') ? 'CONFIG' : 'JSON';
      const limits = {
        cpu: 1000 * (bytes.length / 1e6),
        memory: 64 * 2 ** 20 + 4 * bytes.length,
      };
      await assertCheap(() => refused(bytes, code, message), limits);
    });
  }

  test('10,001 layers in models inside each other', async () => {
    const layer = '{"class_name":"Dense","config":{"name":"a","units":1}}';
    const stack = (count: number, more = '') =>
      `{"class_name":"Sequential","config":{"name":"s","layers":[${new Array<string>(count).fill(layer).join(',')}${more}]}}`;
    const config = stack(5000, `,${stack(5000)}`);
    await refused(file({ config }), 'CONFIG', /layers must be at most 10000, received 10001/);
  });

  const wrong: [what: string, change: (config: Described) => void, code: RegExp][] = [
    [
      'units of -1',
      ({ config }) => Object.assign(config.layers[1]!.config, { units: -1 }),
      /CONFIG/,
    ],
    [
      'units of 2^40',
      ({ config }) => Object.assign(config.layers[1]!.config, { units: 2 ** 40 }),
      /MEMORY/,
    ],
    [
      'units beyond the file',
      ({ config }) => Object.assign(config.layers[1]!.config, { units: 10_000 }),
      /MEMORY/,
    ],
    [
      'a name that is a number',
      ({ config }) => Object.assign(config.layers[1]!.config, { name: 5 }),
      /CONFIG/,
    ],
    [
      'a config that is a text',
      ({ config }) => Object.assign(config.layers[1]!, { config: 'x' }),
      /CONFIG/,
    ],
    [
      'an initializer that is a number',
      ({ config }) => Object.assign(config.layers[1]!.config, { kernel_initializer: 7 }),
      /CONFIG/,
    ],
    [
      'two layers of one name',
      ({ config }) => Object.assign(config.layers[2]!.config, { name: 'first' }),
      /CONFIG/,
    ],
    [
      'an optimizer that is a number',
      (config) => Object.assign(config.compile_config, { optimizer: 7 }),
      /CONFIG/,
    ],
    [
      'a metric that is unknown',
      (config) => Object.assign(config.compile_config, { metrics: ['mystery'] }),
      /CONFIG/,
    ],
  ];
  for (const [what, change, code] of wrong) {
    test(what, async () => {
      await assert.rejects(
        deserializeModel(changed(change)),
        (error: { name: string; code: string }) => {
          assert.equal(error.name, 'TsunoError');
          assert.match(error.code, code);
          return true;
        },
      );
    });
  }
});

describe('graphs of layers that cannot be', () => {
  const keras = (name: string, reads: string | undefined) => ({
    module: 'keras.layers',
    class_name: reads === undefined ? 'InputLayer' : 'Dense',
    config: reads === undefined ? { batch_shape: [null, 4], name } : { units: 4, name },
    registered_name: null,
    name,
    inbound_nodes:
      reads === undefined
        ? []
        : [
            {
              args: [
                {
                  class_name: '__keras_tensor__',
                  config: { shape: [null, 4], dtype: 'float32', keras_history: [reads, 0, 0] },
                },
              ],
              kwargs: {},
            },
          ],
  });
  const functional = (list: unknown[], output: string) =>
    file({
      config: pythonJson({
        module: 'keras.src.models.functional',
        class_name: 'Functional',
        registered_name: 'Functional',
        config: {
          name: 'f',
          trainable: true,
          layers: list,
          input_layers: ['in', 0, 0],
          output_layers: [output, 0, 0],
        },
      }),
    });
  const input = keras('in', undefined);

  test('a loop', () =>
    refused(functional([input, keras('a', 'b'), keras('b', 'a')], 'b'), 'CONFIG', /a, b/));
  test('a layer that reads itself', () =>
    refused(functional([input, keras('a', 'a')], 'a'), 'CONFIG', /loops/));
  test('a layer that is missing', () =>
    refused(functional([input, keras('a', 'ghost')], 'a'), 'CONFIG', /ghost/));
  test('an output that is missing', () =>
    refused(functional([input, keras('a', 'in')], 'ghost'), 'CONFIG', /ghost/));
  test('a name twice', () =>
    refused(functional([input, keras('a', 'in'), keras('a', 'in')], 'a'), 'CONFIG', /"a"/));
  test('a call of a format before Keras 3', () =>
    refused(
      functional([input, { ...keras('a', 'in'), inbound_nodes: [[['in', 0, 0, {}]]] }], 'a'),
      'UNSUPPORTED',
    ));
});

describe('weights that do not fit are named, and nothing is loaded', () => {
  const change = (body: (tree: H5Group) => void): Uint8Array => {
    const tree = readHdf5(parts.weights, 'test');
    body(tree);
    return writeHdf5(tree);
  };
  const vars = (tree: H5Group, name: string) => {
    const path = name === 'optimizer' ? ['optimizer', 'vars'] : ['layers', name, 'vars'];
    return path.reduce((group, part) => group.children.get(part) as H5Group, tree).children;
  };
  const cases: [what: string, weights: Uint8Array, code: string, message: RegExp][] = [
    [
      'a bias missing',
      change((tree) => vars(tree, 'dense_1').delete('1')),
      'WEIGHTS_MISSING',
      /Dense "second".*second\/bias.*layers\/dense_1\/vars\/1/,
    ],
    [
      'a layer missing',
      change((tree) => (tree.children.get('layers') as H5Group).children.delete('dense')),
      'WEIGHTS_MISSING',
      /Dense "first".*first\/kernel/,
    ],
    ['all missing', writeHdf5(h5Group()), 'WEIGHTS_MISSING', /Dense "first"/],
    [
      'one too many',
      change((tree) => vars(tree, 'dense').set('2', h5Dataset(tensor([1])))),
      'WEIGHTS_EXTRA',
      /Dense "first".*vars\/2/,
    ],
    [
      'one under a name',
      change((tree) => vars(tree, 'dense').set('kernel', h5Dataset(tensor([1])))),
      'WEIGHTS_EXTRA',
      /vars\/kernel/,
    ],
    [
      'a layer too many',
      change((tree) => {
        const group = h5Group();
        group.children.set('0', h5Dataset(tensor([1])));
        (tree.children.get('layers') as H5Group).children.set('conv2d', group);
      }),
      'WEIGHTS_EXTRA',
      /layers\/conv2d\/0/,
    ],
    [
      'another shape',
      change((tree) => vars(tree, 'dense').set('1', h5Dataset(tensor([1, 2])))),
      'WEIGHTS_SHAPE',
      /first\/bias.*\[3\], received \[2\]/,
    ],
    [
      'the transposed kernel',
      change((tree) =>
        vars(tree, 'dense').set('0', h5Dataset(tensor(new Float32Array(12), [3, 4]))),
      ),
      'WEIGHTS_SHAPE',
      /first\/kernel/,
    ],
    [
      'a group for an array',
      change((tree) => vars(tree, 'dense').set('0', h5Group())),
      'WEIGHTS_SHAPE',
      /a group/,
    ],
    [
      'NaN',
      change((tree) => vars(tree, 'dense').set('1', h5Dataset(tensor([1, Number.NaN, 2])))),
      'WEIGHTS_NONFINITE',
      /element 1 of "[a-z_0-9]*\/?first\/bias"/,
    ],
    [
      'infinity',
      change((tree) =>
        vars(tree, 'dense').set('1', h5Dataset(tensor([1, 2, Number.POSITIVE_INFINITY]))),
      ),
      'WEIGHTS_NONFINITE',
      /element 2/,
    ],
    [
      'a rate that is NaN',
      change((tree) => vars(tree, 'optimizer').set('1', h5Dataset(tensor(Number.NaN)))),
      'WEIGHTS_NONFINITE',
      /learning_rate/,
    ],
    [
      'iterations that are half',
      change((tree) => vars(tree, 'optimizer').set('0', h5Dataset(tensor(0.5)))),
      'WEIGHTS_SHAPE',
      /iteration/,
    ],
    [
      'more state than the optimizer has',
      change((tree) => vars(tree, 'optimizer').set('99', h5Dataset(tensor(1)))),
      'WEIGHTS_MISSING',
      /optimizer/,
    ],
    ['no HDF5', encode('not HDF5'), 'HDF5', /./],
  ];
  for (const [what, weights, code, message] of cases) {
    test(what, async () => {
      await refused(file({ weights }), code, message);
      const model = await deserializeModel(honest);
      const path = join(folder, 'attack.weights.h5');
      writeFileSync(path, weights);
      const before = JSON.stringify(numbersOf(model));
      await assert.rejects(model.loadWeights(path), { code });
      const left = numbersOf(model).slice(0, JSON.parse(before).length);
      assert.equal(JSON.stringify(left), before);
    });
  }
});

describe('archives without their members', () => {
  test('config, weights or both missing', async () => {
    await refused(writeZip([['config.json', parts.config]]), 'ZIP', /model.weights.h5/);
    await refused(writeZip([['model.weights.h5', parts.weights]]), 'ZIP', /config.json/);
    await refused(writeZip([]), 'ZIP', /nothing/);
  });

  test('members of other names are left alone', async () => {
    const bytes = writeZip([
      ['assets/evil.sh', encode('rm -rf /')],
      ['config.json', parts.config],
      ['model.weights.h5', parts.weights],
    ]);
    assert.equal((await deserializeModel(bytes)).layers.length, 2);
  });

  test('a version that is not 3', () =>
    refused(file({ metadata: '{"keras_version": "2.15.0"}' }), 'UNSUPPORTED', /Keras 2.15.0/));
});

/** Every weight and variable of the optimizer. */
const numbersOf = (model: Model) =>
  [...model.weights, ...model.compiled!.optimizer.variables].map(({ data }) => [...data]);

describe('a damaged file', () => {
  const expected = deserializeModel(honest).then((model) =>
    JSON.stringify([numbersOf(model), model]),
  );

  /** Refused with a typed error, or the same model: harmless fields may differ. */
  async function holds(bytes: Uint8Array, what: string): Promise<boolean> {
    try {
      const model = await deserializeModel(bytes);
      assert.equal(JSON.stringify([numbersOf(model), model]), await expected, what);
      return false;
    } catch (error) {
      assert.equal((error as Error).name, 'TsunoError', `${what}: ${error}`);
      return true;
    }
  }

  test('cut off at 500 lengths is always refused', async () => {
    for (let i = 0; i < 500; i++) {
      const length = Math.floor((honest.length * i) / 500);
      assert.ok(
        await holds(honest.slice(0, length), `cut at ${length}`),
        `cut at ${length} was loaded`,
      );
    }
  });

  test('with one of 2,000 bits flipped is refused, or is the same model', async () => {
    let found = 0;
    for (let i = 0; i < 2000; i++) {
      const at = Math.floor((honest.length * i) / 2000);
      const bytes = honest.slice();
      bytes[at]! ^= 1 << (i % 8);
      if (await holds(bytes, `bit ${i % 8} of byte ${at}`)) found++;
    }
    assert.ok(found >= 1985, `${found} of 2000 were found`);
  });
});

test('nothing that reads what is in files can open one: only what brings bytes to disks names modules of Node', () => {
  const naming = typescriptBelow('src/saving').filter((path) => /['"]node:/.test(read(path)));
  const names = ['backup_folder', 'file_system', 'files', 'processes'];
  assert.deepEqual(
    naming.sort(),
    names.map((name) => `src/saving/${name}.ts`),
  );
});
