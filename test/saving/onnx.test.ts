/** @file Networks exported to ONNX give in onnxruntime what they give here, for any batch. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, describe, test } from 'node:test';
import type { InferenceSession } from 'onnxruntime-web';
import {
  Input,
  Layer,
  layers,
  Model,
  Sequential,
  type Tensor,
  type Value,
} from '../../src/index.ts';
import { deserializeModel } from '../../src/saving/keras_file.ts';
import { toOnnx } from '../../src/saving/onnx.ts';
import { modelCases } from '../support/keras_cases.ts';
import { exportableNetworks, uniform } from './onnx_networks.ts';

let ort: typeof import('onnxruntime-web');
before(async () => {
  ort = await import('onnxruntime-web');
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = 'error';
});

async function run(session: InferenceSession, x: Tensor): Promise<Float32Array[]> {
  const feed = new ort.Tensor('float32', Float32Array.from(x.data), [...x.shape]);
  const found = await session.run({ [session.inputNames[0]!]: feed });
  return session.outputNames.map((name) => found[name]!.data as Float32Array);
}

function differ(a: ArrayLike<number>, b: ArrayLike<number>): number {
  assert.equal(a.length, b.length);
  let largest = 0;
  for (let i = 0; i < a.length; i++)
    largest = Math.max(largest, Math.abs(a[i]! - b[i]!) / Math.max(1, Math.abs(b[i]!)));
  return largest;
}

async function check(model: Model, x: Tensor): Promise<void> {
  const session = await ort.InferenceSession.create(toOnnx(model));
  assert.deepEqual(
    session.inputNames,
    model.inputSpecs!.map(({ name }) => name),
  );
  for (const batch of [x, x.slice(0, 1)]) {
    const [found, expected] = [await run(session, batch), await model.predictAll(batch)];
    assert.equal(found.length, expected.length);
    expected.forEach(({ data }, i) => {
      const error = differ(found[i]!, data);
      assert.ok(error < 1e-5, `output ${i} differs by ${error}`);
    });
  }
  await session.release();
  model.close();
}

describe('models of Keras', () => {
  for (const { name, file, x } of modelCases()) {
    test(name, async () => check((await deserializeModel(readFileSync(file))) as Model, x));
  }
});

describe('layers', () => {
  for (const { name, make, x } of exportableNetworks()) test(name, () => check(make(), x));
});

test('several outputs keep their names', async () => {
  const x = Input({ shape: [4], name: 'features' });
  const h = layers.dense(3, { activation: 'relu' })(x);
  const outputs = [layers.dense(2, { name: 'p' })(h), layers.add()([h, layers.dense(3)(x)])];
  const model = new Model({ inputs: x, outputs });
  const session = await ort.InferenceSession.create(toOnnx(model));
  assert.deepEqual(session.outputNames[0], 'p');
  await session.release();
  await check(model, uniform(3, 4));
});

test('what cannot be exported is named', () => {
  assert.throws(() => toOnnx(new Sequential([layers.dense(3)])), { code: 'STATE' });
  class Turned extends Layer {
    static readonly className = 'Turned';
    override call(value: Value) {
      return layers.flatten()(value);
    }
  }
  const open = new Sequential([Input({ shape: [null, 4] }), new Turned()]);
  assert.throws(() => toOnnx(open), { code: /UNSUPPORTED|SHAPE/ });
});
