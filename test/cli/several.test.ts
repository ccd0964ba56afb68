/** @file Models of several inputs and outputs: arrays by name, or a refusal before anything happens. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import {
  Input,
  layers,
  loadModel,
  Model,
  readNpz,
  tensor,
  writeNpz,
  writeSafetensors,
} from '../../src/index.ts';
import { bitsOf } from '../support/small_models.ts';
import { filledFolder, runHere } from './command.ts';

const count = 12;
const numbers = (size: number) => Float32Array.from({ length: size }, (_, i) => Math.sin(i));
const arrays = {
  left: tensor(numbers(count * 4), [count, 4]),
  right: tensor(numbers(count * 2), [count, 2]),
  kind: tensor(Int32Array.from({ length: count }, (_, i) => i % 3)),
  size: tensor(numbers(count), [count, 1]),
};
const { left, right, kind, size } = arrays;

let folder = '';
before(async () => {
  folder = await filledFolder();
  process.chdir(folder);
  const inputs = [Input({ shape: [4], name: 'left' }), Input({ shape: [2], name: 'right' })];
  const x = layers.concatenate()(inputs);
  const outputs = [
    layers.dense(3, { activation: 'softmax', name: 'kind' })(x),
    layers.dense(1, { name: 'size' })(x),
  ];
  const model = new Model({ inputs, outputs });
  model.compile({ optimizer: 'adam', loss: ['sparse_categorical_crossentropy', 'mse'] });
  await model.save('several.keras');
  writeFileSync('several.npz', writeNpz(arrays));
  writeFileSync('several.safetensors', writeSafetensors(arrays));
  writeFileSync('inputs.npz', writeNpz({ left, right }));
});

describe('models of several inputs and outputs', () => {
  test('fit trains on arrays by name', async () => {
    const data = ['--data', 'several.npz', '--validation', 'several.safetensors'];
    const flags = ['--epochs', '2', '--seed', '5', '--threads', '1', '--out', 'fitted.keras'];
    const { code, err } = await runHere(['fit', 'several.keras', ...data, ...flags]);
    assert.equal(code, 0, err);
    assert.match(err, /val_size_loss/);
    const model = await loadModel('several.keras');
    const labels = {
      y: [kind, size],
      validationData: [
        [left, right],
        [kind, size],
      ],
    } as const;
    await model.fit([left, right], { ...labels, epochs: 2, seed: 5, verbose: 0 });
    assert.deepEqual(bitsOf(await loadModel('fitted.keras')), bitsOf(model));
    model.close();
  });

  test('evaluate measures by them', async () => {
    const args = ['evaluate', 'several.keras', '--data', 'several.safetensors', '--take', '6'];
    const { code, out, err } = await runHere([...args, '--json']);
    assert.equal(code, 0, err);
    const model = await loadModel('several.keras');
    const part = [left, right, kind, size].map((one) => one.slice(0, 6));
    const logs = await model.evaluate(part.slice(0, 2), { y: part.slice(2), verbose: 0 });
    assert.deepEqual(JSON.parse(out), { ...logs });
    model.close();
  });

  test('predict tells each output', async () => {
    const args = ['predict', 'several.keras', 'several.npz', '--out', 'p.npz'];
    const { code, out, err } = await runHere([...args, '--rows', '3']);
    assert.equal(code, 0, err);
    const row = String.raw`\d [0-2] 0\.\d{4}( ✗ [0-2])? +-?\d\.\d{4}`;
    assert.match(
      out.replace(/ +/g, ' '),
      new RegExp(`^input kind size\n(${row}\n){3}… and 9 more`),
    );
    const model = await loadModel('several.keras');
    const [first, second] = await model.predictAll([left, right], { verbose: 0 });
    const written = await readNpz(readFileSync('p.npz'));
    assert.deepEqual([...written.keys()], ['kind', 'size']);
    assert.deepEqual(written.get('kind')!.toArray(), first!.toArray());
    assert.deepEqual(written.get('size')!.toArray(), second!.toArray());
    model.close();
  });

  test('predict wants no labels, and tells machines outputs by name', async () => {
    const { out } = await runHere(['predict', 'several.keras', 'inputs.npz', '--json']);
    const { predictions } = JSON.parse(out);
    assert.equal(predictions.length, count);
    assert.deepEqual(Object.keys(predictions[0]), ['input', 'outputs']);
    assert.deepEqual(Object.keys(predictions[0].outputs.kind), ['class', 'values']);
    assert.deepEqual(Object.keys(predictions[0].outputs.size), ['values']);
  });

  const fit = ['fit', 'several.keras', '--out', 'o.keras', '--data'];
  for (const [code, message, ...args] of [
    [3, /by name: left, right, kind, size/, ...fit, 'mnist'],
    [3, /by name: left, right, kind, size/, ...fit, 'x.npy,y.npy'],
    [3, /by name: left, right, kind, size/, ...fit, 'images'],
    [3, /by name: left, right, kind, size/, ...fit, 'several.npz', '--validation', 'mnist'],
    [3, /the arrays "left", "right" must be there, received only x, y/, ...fit, 'data.npz'],
    [3, /the arrays "kind", "size" must be there/, ...fit, 'inputs.npz'],
    [3, /by name: left, right, received/, 'predict', 'several.keras', 'images/top/0.png'],
    [3, /by name: left, right, received/, 'predict', 'several.keras', 'x.npy'],
    [2, /--out must end in \.npz/, 'predict', 'several.keras', 'inputs.npz', '--out', 'q.npy'],
    [2, /--classes is for one output/, 'predict', 'several.keras', 'inputs.npz', '--classes', 'a'],
  ] as const) {
    test(`${code}: tsuno ${args.join(' ')}`, async () => {
      const files = readdirSync(folder);
      const found = await runHere(args);
      assert.equal(found.code, code, found.err);
      assert.match(found.err, message);
      assert.equal(found.out, '');
      assert.deepEqual(readdirSync(folder), files);
    });
  }

  test('summary, plot, convert and inspect take them too', async () => {
    for (const args of [
      ['summary', 'several.keras'],
      ['plot', 'several.keras', '--out', 'several.svg'],
      ['convert', 'several.keras', 'several.onnx'],
      ['inspect', 'several.keras', '--stage', 'plan'],
      ['predict', 'several.onnx', 'inputs.npz'],
    ])
      assert.equal((await runHere(args)).code, 0);
    assert.ok(readFileSync(join(folder, 'several.svg'), 'utf8').includes('Concatenate'));
  });
});
