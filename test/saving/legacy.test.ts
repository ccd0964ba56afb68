/**
 * @file The HDF5 files of Keras before `.keras`. Those of test/fixtures/legacy were written by
 * tools/keras/legacy_files.py, with Keras 3 and Keras 2.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { loadModel, readSafetensors, type Tensor } from '../../src/index.ts';
import { readHdf5 } from '../../src/saving/hdf5_read.ts';
import { deserializeLegacy } from '../../src/saving/legacy_file.ts';

const folder = fileURLToPath(new URL('../../../test/fixtures/legacy/', import.meta.url));

function checkNear(found: Tensor, expected: Tensor, tolerance: number): void {
  assert.deepEqual(found.shape, expected.shape);
  let largest = 0;
  expected.data.forEach((value, i) => {
    largest = Math.max(largest, Math.abs(value - found.data[i]!));
  });
  assert.ok(largest <= tolerance, `differs by ${largest}`);
}

for (const name of [
  'keras3_functional',
  'keras3_sequential',
  'keras2_functional',
  'keras2_sequential',
]) {
  describe(name, () => {
    const arrays = readSafetensors(readFileSync(`${folder}${name}.safetensors`));
    const [x, y] = [arrays.get('x')!, arrays.get('y')!];

    test('predicts as in Keras', async () => {
      const model = await loadModel(`${folder}${name}.h5`);
      checkNear((await model.predictAll(x))[0]!, arrays.get('before')!, 1e-5);
      model.close();
    });

    // Keras 2's state of an optimizer is not taken.
    if (name.startsWith('keras3')) {
      test('goes on training where it ended', async () => {
        const model = await loadModel(`${folder}${name}.h5`);
        await model.fit(x, y, { epochs: 1, batchSize: 8, shuffle: false, verbose: 0 });
        checkNear((await model.predictAll(x))[0]!, arrays.get('after')!, 1e-5);
        model.close();
      });
    } else {
      test('is compiled, its optimizer as new', async () => {
        const model = await loadModel(`${folder}${name}.h5`);
        assert.equal(model.optimizer.iterations.data[0], 0);
        const { history } = await model.fit(x, y, { epochs: 3, batchSize: 8, verbose: 0 });
        assert.ok(history.loss!.at(-1)! < history.loss![0]!);
        model.close();
      });
    }

    test('without what it was compiled with', async () => {
      const model = await loadModel(`${folder}${name}.h5`, { compile: false });
      assert.equal(model.compiled, undefined);
    });
  });
}

describe('refused', () => {
  const bytes = new Uint8Array(readFileSync(`${folder}keras3_functional.h5`));
  const text = (value: string) => new TextEncoder().encode(value);

  /** The file with every occurrence of a text replaced by one of the same length. */
  function replaced(from: string, to: string): Uint8Array {
    assert.equal(from.length, to.length);
    const copy = Buffer.from(bytes);
    let count = 0;
    for (let at = copy.indexOf(from); at >= 0; at = copy.indexOf(from, at + 1), count++)
      copy.set(text(to), at);
    assert.ok(count > 0);
    return new Uint8Array(copy);
  }

  const cases: [what: string, bytes: Uint8Array, code: RegExp][] = [
    [
      'a description that is no JSON',
      replaced('{"class_name": "Functional"', '{"class_name": "Functional,'),
      /JSON/,
    ],
    [
      'a layer that is code',
      replaced('"class_name": "Softmax"', '"class_name":  "Lambda"'),
      /UNSUPPORTED_LAYER/,
    ],
    ['a layer of another module', replaced('"Conv2D"', '"os.sys"'), /UNSUPPORTED_LAYER/],
    [
      'a name of weights that is not there',
      replaced('inner/dense_1/bias', 'inner/dense_1/bios'),
      /HDF5|WEIGHTS_MISSING/,
    ],
    [
      'more units than the file has weights for',
      replaced('"units": 5', '"units": 6'),
      /WEIGHTS_SHAPE|MEMORY|SHAPE/,
    ],
    ['a heap that is none', replaced('GCOL', 'GCOX'), /HDF5/],
    ['no description', replaced('model_config', 'model_confit'), /CONFIG/],
  ];
  for (const [what, changed, code] of cases) {
    test(what, () => {
      assert.throws(
        () => deserializeLegacy(changed, 'test'),
        (error: { name: string; code: string }) =>
          error.name === 'TsunoError' && code.test(error.code),
      );
      assert.equal(Object.keys(Object.prototype).length, 0);
    });
  }

  test('cut off at 500 lengths', () => {
    for (let i = 0; i < 500; i++) {
      const cut = bytes.slice(0, Math.floor((bytes.length * i) / 500));
      assert.throws(() => deserializeLegacy(cut, 'test'), { name: 'TsunoError' });
    }
  });

  test('attributes are read only where they are asked for', () => {
    const root = readHdf5(bytes, 'test', true);
    assert.ok(root.texts!.get('model_config')![0]!.startsWith('{"class_name"'));
    assert.equal(readHdf5(bytes, 'test').texts, undefined);
  });
});
