/** @file The doors of the model to files: save and load, weights alone, JSON, classes of the user's. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import {
  deserializeModel,
  Input,
  Layer,
  layers,
  loadModel,
  Model,
  ops,
  optimizers,
  type PartialShape,
  registerLayer,
  Sequential,
  saveModel,
  serializeModel,
  type Tensor,
  tensor,
  type Value,
  type Variable,
} from '../../src/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'tsuno-doors-'));
after(() => rmSync(folder, { recursive: true }));
const at = (name: string) => join(folder, name);

const x = tensor([
  [0, 1, 2, 3],
  [4, 3, 2, 1],
]);
const y = tensor([[1], [0]]);

function network(): Sequential {
  const model = new Sequential([
    Input({ shape: [4] }),
    layers.dense(3, { activation: 'relu' }),
    layers.dense(1),
  ]);
  model.compile({ optimizer: 'adam', loss: 'mse', threads: 1 });
  return model;
}

const dataOf = (model: Model) => model.weights.map(({ data }) => [...data]);
const stateOf = (model: Model) => model.optimizer.variables.map(({ data }) => [...data]);

async function step(model: Model): Promise<void> {
  await model.fit(x, { y, batchSize: 2, verbose: 0, seed: 1 });
}

describe('a model', () => {
  test('is saved and loaded, and goes on as if it had not been', async () => {
    const model = network();
    await step(model);
    await model.save(at('model.keras'));
    const loaded = await loadModel(pathToFileURL(at('model.keras')));
    assert.ok(loaded instanceof Sequential);
    assert.deepEqual(dataOf(loaded), dataOf(model));
    assert.deepEqual(stateOf(loaded), stateOf(model));
    await step(model);
    await step(loaded);
    assert.deepEqual(dataOf(loaded), dataOf(model));
    assert.deepEqual(stateOf(loaded), stateOf(model));
    model.close();
    loaded.close();
  });

  test('is its bytes, the same each time but for the date', async () => {
    const model = network();
    const bytes = await serializeModel(model);
    await saveModel(model, at('bytes.keras'));
    assert.equal(readFileSync(at('bytes.keras')).length, bytes.length);
    assert.deepEqual(dataOf(await deserializeModel(bytes)), dataOf(model));
  });

  test('is loaded without what it was compiled with where that is asked', async () => {
    const loaded = await deserializeModel(await serializeModel(network()), { compile: false });
    assert.equal(loaded.compiled, undefined);
  });

  test('before any step has an optimizer without state', async () => {
    const loaded = await deserializeModel(await serializeModel(network()));
    assert.equal(loaded.optimizer.built, false);
  });

  test('that was never built keeps its layers', async () => {
    const model = new Sequential([layers.dense(3)]);
    const loaded = await deserializeModel(await serializeModel(model));
    assert.equal(loaded.built, false);
    assert.equal(loaded.layers.length, 1);
  });

  test('keeps a rate that was set, and a schedule', async () => {
    const model = network();
    model.optimizer.learningRate = 0.25;
    assert.equal(
      (await deserializeModel(await serializeModel(model))).optimizer.learningRate,
      0.25,
    );
    const optimizer = optimizers.get({
      module: 'keras.optimizers',
      class_name: 'SGD',
      registered_name: null,
      config: {
        name: 'sgd',
        learning_rate: {
          module: 'keras.optimizers.schedules',
          class_name: 'CosineDecay',
          registered_name: null,
          config: { initial_learning_rate: 0.1, decay_steps: 10 },
        },
      },
    });
    model.compile({ optimizer, loss: 'mse', threads: 1 });
    await step(model);
    const loaded = await deserializeModel(await serializeModel(model));
    assert.equal(loaded.optimizer.learningRate, optimizer.learningRate);
    assert.ok(loaded.optimizer.learningRate < 0.1);
    model.close();
  });

  test('of several outputs keeps losses, weights and metrics by name', async () => {
    const input = Input({ shape: [4] });
    const shared = layers.dense(3);
    const h = shared(shared(layers.dense(3)(input)));
    const model = new Model({
      inputs: input,
      outputs: [layers.dense(2, { name: 'p' })(h), layers.dense(1, { name: 'q' })(h)],
    });
    const settings = {
      loss: { p: 'mse', q: 'mae' },
      lossWeights: { p: 1, q: 0.5 },
      metrics: { p: ['mae'], q: [] },
    };
    model.compile({ optimizer: 'sgd', ...settings });
    const loaded = await deserializeModel(await serializeModel(model));
    const { optimizer: _, ...found } = loaded.compiled!.options;
    assert.deepEqual(found, settings);
    assert.deepEqual(dataOf(loaded), dataOf(model));
    assert.equal(loaded.countParams(), model.countParams());
  });

  test('ends in .keras', async () => {
    await assert.rejects(network().save(at('model.h5')), { code: 'ARGUMENT' });
  });
});

test('what is exported is ONNX, and replaces nothing else', async () => {
  const model = network();
  await model.export(at('model.onnx'));
  await model.export(at('model.onnx'));
  assert.match(readFileSync(at('model.onnx'), 'latin1'), /tsuno/);
  writeFileSync(at('other.onnx'), 'no ONNX');
  await assert.rejects(model.export(at('other.onnx')), { code: 'FILE' });
  await assert.rejects(model.export(at('model.pb')), { code: 'ARGUMENT' });
});

describe('JSON', () => {
  test('has the layers and how they were compiled; the weights are new', () => {
    const model = network();
    const text = JSON.stringify(model);
    const again = Model.fromJSON(text);
    assert.equal(JSON.stringify(again), text);
    assert.equal(JSON.stringify(Model.fromJSON(model.toJSON())), text);
    assert.notDeepEqual(dataOf(again), dataOf(model));
  });

  test('that describes no model is refused', () => {
    assert.throws(() => Model.fromJSON('{"class_name": "Dense", "config": {"units": 3}}'), {
      code: 'CONFIG',
    });
    assert.throws(() => Model.fromJSON('[1'), { code: 'JSON' });
  });
});

describe('weights alone', () => {
  for (const ending of ['.weights.h5', '.safetensors']) {
    test(`${ending}: taken by a model of the same layers`, async () => {
      const model = network();
      await model.saveWeights(at(`w${ending}`));
      const json = JSON.stringify(model);
      const other = Model.fromJSON(json);
      assert.deepEqual(await other.loadWeights(at(`w${ending}`)), []);
      assert.deepEqual(dataOf(other), dataOf(model));
    });
  }

  test('out of a .keras file', async () => {
    const model = network();
    await step(model);
    await model.save(at('w.keras'));
    const other = network();
    await other.loadWeights(at('w.keras'));
    assert.deepEqual(dataOf(other), dataOf(model));
    assert.deepEqual(stateOf(other), stateOf(model));
    model.close();
  });

  test('of another model are refused as a whole, or taken where they fit', async () => {
    const model = network();
    await model.saveWeights(at('other.weights.h5'));
    await model.saveWeights(at('other.safetensors'));
    const other = new Sequential([Input({ shape: [4] }), layers.dense(3), layers.dense(2)]);
    const before = dataOf(other);
    await assert.rejects(other.loadWeights(at('other.weights.h5')), { code: 'WEIGHTS_SHAPE' });
    await assert.rejects(other.loadWeights(at('other.safetensors')), { code: 'WEIGHTS_MISSING' });
    assert.deepEqual(dataOf(other), before);
    const skipped = await other.loadWeights(at('other.weights.h5'), { skipMismatch: true });
    assert.equal(skipped.length, 1);
    assert.deepEqual(dataOf(other).slice(0, 2), dataOf(model).slice(0, 2));
    assert.deepEqual(dataOf(other).slice(2), before.slice(2));
  });

  test('of a model that is not built cannot be had', async () => {
    await assert.rejects(new Sequential([layers.dense(3)]).saveWeights(at('u.weights.h5')), {
      code: 'STATE',
    });
  });

  test('of a file of the wrong kind are refused', async () => {
    writeFileSync(
      at('wrong.weights.h5'),
      'no HDF5 at all, not in the least, for it is a text of some length',
    );
    await assert.rejects(network().loadWeights(at('wrong.weights.h5')), { code: 'HDF5' });
    await assert.rejects(network().loadWeights(at('none.weights.h5')), /nothing \(ENOENT\)/);
  });
});

class Scale extends Layer {
  static readonly className: string = 'Scale';
  factor!: Variable;
  override build(shape: PartialShape) {
    this.factor = this.addWeight({ name: 'factor', shape: [shape.at(-1)!], initializer: 'ones' });
  }
  override call(value: Value) {
    return ops.mul(value, this.read(this.factor));
  }
}

class Block extends Layer {
  static readonly className = 'Block';
  readonly firstDense = layers.dense(4);
  readonly rest = [layers.dense(4), layers.dense(4), new Scale()];
  override call(value: Value): Value {
    return this.rest.reduce((h, layer) => layer(h), this.firstDense(value));
  }
}

class Whole extends Model {
  static override readonly className = 'Whole';
  readonly block = new Block();
  readonly head = layers.dense(1);
  override call(value: Value): Value {
    return this.head(this.block(value));
  }
}

describe('classes of the user', () => {
  test('are refused when saved, unless files may know them', async () => {
    class Unknown extends Scale {
      static override readonly className = 'Unknown';
    }
    const model = new Sequential([Input({ shape: [4] }), new Unknown()]);
    await assert.rejects(model.save(at('unknown.keras')), {
      code: 'UNSUPPORTED',
      message: /registerLayer\(Unknown\)/,
    });
    assert.ok(!existsSync(at('unknown.keras')));
  });

  test('come back where the caller gives them, and only there', async () => {
    class Given extends Scale {
      static override readonly className = 'Given';
    }
    registerLayer(Given, 'mine>Given');
    const model = new Sequential([Input({ shape: [4] }), new Given()]);
    const bytes = await serializeModel(model);
    class Other extends Scale {
      static override readonly className = 'Given';
    }
    registerLayer(Other, 'mine>Given'); // as in a program that knows another class by the name
    class Again extends Scale {
      static override readonly className = 'Given';
    }
    const loaded = await deserializeModel(bytes, { customObjects: { 'mine>Given': Again } });
    assert.ok(loaded.layers[0] instanceof Again);
    const plain = await deserializeModel(bytes);
    assert.ok(plain.layers[0] instanceof Other);
  });

  test('inside each other keep their weights by property, list and order', async () => {
    for (const type of [Scale, Block, Whole]) registerLayer(type);
    const model = new Whole();
    model.build([null, 4]);
    const bytes = await serializeModel(model);
    const loaded = await deserializeModel(bytes);
    assert.ok(loaded instanceof Whole);
    assert.deepEqual(dataOf(loaded), dataOf(model));
    const [a, b] = await Promise.all([model.predict(x), loaded.predict(x)]);
    assert.deepEqual(a.data, b.data);
    model.close();
    loaded.close();
  });

  test('as losses and activations are given by name', async () => {
    const double = (value: Value) => ops.mul(value, 2);
    const distance = (yTrue: Value, yPred: Value) => ops.abs(ops.sub(yTrue, yPred));
    const model = new Sequential([Input({ shape: [4] }), layers.dense(1)]);
    model.compile({ optimizer: 'sgd', loss: distance });
    const bytes = await serializeModel(model);
    await assert.rejects(deserializeModel(bytes), { code: 'UNSUPPORTED', message: /distance/ });
    const loaded = await deserializeModel(bytes, { customObjects: { distance, double } });
    assert.equal(loaded.compiled!.options.loss, distance);
  });
});

test('what was saved is what is predicted by', async () => {
  const model = network();
  const before: Tensor = await model.predict(x);
  await model.save(at('predict.keras'));
  const loaded = await loadModel(at('predict.keras'));
  assert.deepEqual((await loaded.predict(x)).data, before.data);
  model.close();
  loaded.close();
});
