/**
 * @file What who knows Keras expects to find: everything by its names, objects, functions and configs; layers looked up,
 * shared, nested, cloned; losses and metrics of one's own; refusals that show their arithmetic.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { snakeCase } from '../../src/core/names.ts';
import {
  clearSession,
  cloneModel,
  constraints,
  Input,
  initializers,
  Layer,
  layers,
  losses,
  Model,
  metrics,
  ops,
  optimizers,
  regularizers,
  Sequential,
  tensor,
  toCategorical,
  type Value,
} from '../../src/index.ts';
import { serialized } from '../../src/layers/serialized.ts';
import { read } from '../repository/sources.ts';

const inventory: Readonly<Record<string, readonly string[]>> = JSON.parse(
  read('test/fixtures/keras/inventory.json'),
);

type Options = Parameters<typeof layers.dense>[1];
const kernelOf = (option: keyof NonNullable<Options>, value: unknown) =>
  layers.dense(3, { name: 'd', [option]: value } as Options).config();

const families = {
  initializers: ['kernelInitializer', 'kernel_initializer', initializers, ['Initializer', 'STFT']],
  regularizers: ['kernelRegularizer', 'kernel_regularizer', regularizers, ['Regularizer']],
  constraints: ['kernelConstraint', 'kernel_constraint', constraints, ['Constraint']],
} as const;

describe('by name, object and config', () => {
  for (const [kind, [option, entry, members, bases]] of Object.entries(families)) {
    for (const name of inventory[kind]!.filter(
      (one) => !(bases as readonly string[]).includes(one),
    ))
      test(`${kind} ${name}`, () => {
        type Class = new () => { serialize(): unknown };
        const all = Object.values(
          members as unknown as Record<string, Class & { className?: string }>,
        );
        const Member = all.find((one) => typeof one === 'function' && one.className === name)!;
        const object = new Member();
        const expected = object.serialize();
        const module = `keras.${kind}`;
        for (const like of [snakeCase(name), name, object, serialized(module, name, {})])
          assert.deepEqual(kernelOf(option, like)[entry], expected, String(like));
      });
  }

  test('a function is an initializer, a regularizer, a constraint', () => {
    const layer = layers.dense(2, {
      kernelInitializer: (shape) => new Float32Array(shape[0]! * shape[1]!).fill(7),
      kernelRegularizer: (w) => ops.reduceSum(ops.abs(w)),
      kernelConstraint: (w) => ops.maximum(w, 0),
    });
    layer.build([null, 2]);
    assert.deepEqual([...layer.weights[0]!.data], [7, 7, 7, 7]);
    assert.ok(layer.weights[0]!.regularizer && layer.weights[0]!.constraint);
  });

  for (const name of inventory.losses!.filter((one) => one !== 'Loss'))
    test(`losses ${name}`, () => {
      for (const like of [name, snakeCase(name)])
        assert.equal(losses.get(like).serialize().class_name, name);
    });

  test('each metric', () => {
    const bases = ['Metric', 'MeanMetricWrapper'];
    for (const name of inventory.metrics!.filter((one) => !bases.includes(one))) {
      const all: readonly unknown[] = Object.values(metrics);
      const isIt = (one: unknown) =>
        typeof one === 'function' && 'className' in one && one.className === name;
      assert.ok(all.some(isIt), name);
    }
    for (const name of ['accuracy', 'AUC', 'Precision', 'top_k_categorical_accuracy', 'mae'])
      assert.ok(metrics.get(name, { yTrue: y, yPred: y }).name.length > 0, name);
  });

  test('each optimizer', () => {
    const bases = ['Optimizer', 'LossScaleOptimizer', 'MultiOptimizer', 'OptimizerMap'];
    for (const name of inventory.optimizers!.filter((one) => !bases.includes(one))) {
      for (const like of [name, name.toLowerCase()])
        assert.equal(optimizers.get(like).serialize().class_name, name);
    }
  });
});

const x = tensor([
  [1, 2],
  [3, 4],
  [5, 6],
]);
const y = tensor([[1], [2], [3]]);

function twoHeads(): Model {
  const inputs = Input({ shape: [2], name: 'in' });
  const shared = layers.dense(4, { activation: 'tanh', name: 'shared' });
  const a = layers.dense(1, { name: 'a' })(shared(inputs));
  const b = layers.dense(1, { name: 'b' })(layers.dense(2, { name: 'own' })(inputs));
  return new Model({ inputs, outputs: [a, b] });
}

describe('losses and metrics of one’s own', () => {
  const squares = (yTrue: Value, yPred: Value) => ops.square(ops.sub(yTrue, yPred));
  class Cubes extends losses.Loss {
    static readonly className = 'Cubes';
    constructor() {
      super('cubes');
    }
    override samples(yTrue: Value, yPred: Value): Value {
      const error = ops.abs(ops.sub(yTrue, yPred));
      return ops.reduceMean(ops.mul(ops.square(error), error), [1]);
    }
  }

  test('a function and a class, weighed, with a metric that is a function', async () => {
    const model = twoHeads();
    model.compile({
      loss: { a: (t: Value, p: Value) => ops.reduceMean(squares(t, p), [1]), b: new Cubes() },
      lossWeights: { a: 2, b: 0.5 },
      metrics: { a: ['mae', (t: Value, p: Value) => ops.reduceMean(squares(t, p), [1])] },
      threads: 1,
    });
    const [p, q] = await model.predictAll(x);
    const errors = (found: ArrayLike<number>) =>
      Array.from(y.data, (t, i) => Math.abs(t - found[i]!));
    const mean = (numbers: readonly number[]) =>
      numbers.reduce((s, v) => s + v, 0) / numbers.length;
    const square = mean(errors(p!.data).map((e) => e ** 2));
    const cube = mean(errors(q!.data).map((e) => e ** 3));
    const logs = await model.testOnBatch(x, { a: y, b: y });
    const near = (found: number | undefined, expected: number) =>
      assert.ok(Math.abs(found! - expected) < 1e-5 * (1 + expected), `${found}, not ${expected}`);
    near(logs.a_loss, square);
    near(logs.b_loss, cube);
    near(logs.loss, 2 * square + 0.5 * cube);
    near(logs.a_mae, mean(errors(p!.data)));
    assert.equal(Object.keys(logs).length, 5, Object.keys(logs).join());
    model.close();
  });
});

test('sampleWeight and classWeight multiply', async () => {
  const labels = tensor(new Int32Array([0, 1, 1]));
  const lossOf = async (options: object) => {
    const inputs = Input({ shape: [2] });
    const outputs = layers.dense(2, { kernelInitializer: 'ones', activation: 'softmax' })(inputs);
    const model = new Model({ inputs, outputs });
    model.compile({ optimizer: 'sgd', loss: 'sparse_categorical_crossentropy', threads: 1 });
    const { history } = await model.fit(x, labels, { verbose: 0, epochs: 2, ...options });
    model.close();
    return history.loss;
  };
  const both = await lossOf({ sampleWeight: [1, 2, 3], classWeight: { 0: 4, 1: 0.5 } });
  assert.deepEqual(both, await lossOf({ sampleWeight: [4, 1, 1.5] }));
  assert.notDeepEqual(both, await lossOf({ sampleWeight: [1, 2, 3] }));
});

describe('looking at a model', () => {
  test('getLayer by name and by index, layers, countParams, trainableWeights', () => {
    const model = twoHeads();
    assert.deepEqual(
      model.layers.map(({ name }) => name),
      ['in', 'shared', 'own', 'a', 'b'],
    );
    assert.equal(model.getLayer({ name: 'own' }), model.getLayer({ index: 2 }));
    assert.throws(() => model.getLayer({ name: 'gone' }), /one of in, shared, own, a, b/);
    assert.throws(() => model.getLayer({ index: 9 }), /an index below 5/);
    assert.equal(model.countParams(), 12 + 6 + 5 + 3);
    model.getLayer({ name: 'shared' }).trainable = false;
    assert.equal(model.trainableWeights.length, 6);
    assert.equal(model.nonTrainableWeights.length, 2);
  });

  test('add and pop', () => {
    const model = new Sequential([Input({ shape: [4] }), layers.dense(3)]);
    model.add(layers.dense(2));
    assert.equal(model.countParams(), 15 + 8);
    assert.equal(model.pop().countParams(), 8);
    assert.deepEqual(model.outputs[0]!.shape, [null, 3]);
  });
});

describe('cloneModel', () => {
  test('a functional model with a shared layer and a network inside', async () => {
    const inner = new Sequential([Input({ shape: [4] }), layers.dense(4)], { name: 'inner' });
    const inputs = Input({ shape: [4] });
    const model = new Model({ inputs, outputs: inner(inner(inputs)), name: 'outer' });
    const twin = cloneModel(model);
    assert.equal(JSON.stringify(twin), JSON.stringify(model));
    assert.equal(twin.countParams(), 20);
    assert.notDeepEqual([...twin.weights[0]!.data], [...model.weights[0]!.data], 'weights are new');
    twin.setWeights(model.getWeights());
    const rows = tensor([[1, 2, 3, 4]]);
    assert.deepEqual([...(await twin.predict(rows)).data], [...(await model.predict(rows)).data]);
    twin.weights[0]!.assign(new Float32Array(16));
    assert.ok(
      model.weights[0]!.data.some((weight) => weight !== 0),
      'weights are its own',
    );
    for (const used of [model, twin]) used.close();
  });

  test('a list of layers, built or not', () => {
    clearSession();
    const open = new Sequential([layers.dense(3)]);
    assert.equal(cloneModel(open).built, false);
    const built = new Sequential([Input({ shape: [4] }), layers.dense(3)]);
    const twin = cloneModel(built);
    assert.ok(twin instanceof Sequential);
    twin.add(layers.dense(2));
    assert.equal(built.countParams(), 15);
  });

  test('cloneFunction makes the layers, of networks inside as well, each once', async () => {
    const inner = new Sequential([Input({ shape: [4] }), layers.dense(4, { name: 'same' })]);
    const inputs = Input({ shape: [4] });
    const shared = layers.dense(4, { name: 'same' });
    const outputs = layers.dropout(0.5)(shared(shared(inner(inputs))));
    const model = new Model({ inputs, outputs });
    const seen: Layer[] = [];
    const twin = cloneModel(model, {
      cloneFunction: (layer) => {
        seen.push(layer);
        if (!(layer instanceof layers.Dense)) return layers.dropout(0.25, { name: layer.name });
        return layers.dense(layer.units, { name: layer.name, activation: 'relu' });
      },
    });
    assert.equal(seen.length, 3);
    assert.equal(new Set(seen).size, 3);
    assert.equal(twin.countParams(), 40);
    assert.equal((twin.layers.at(-1) as InstanceType<typeof layers.Dropout>).rate, 0.25);
    twin.setWeights(model.getWeights());
    const found = await twin.predict(tensor([[-1, -2, -3, -4]]));
    assert.ok(found.data.every((value) => value >= 0));
    twin.close();
  });

  test('inputTensors become the inputs', () => {
    const model = twoHeads();
    const inputs = Input({ shape: [2], name: 'given' });
    const twin = cloneModel(model, { inputTensors: inputs });
    assert.deepEqual(
      twin.inputs.map((input) => input === inputs),
      [true],
    );
    assert.equal(twin.countParams(), model.countParams());
  });

  test('what makes no clone is refused', () => {
    const model = twoHeads();
    const code = 'ARGUMENT';
    const cloneFunction = (layer: Layer) => layer;
    assert.throws(() => cloneModel(model, { cloneFunction }), { code, message: /not in use/ });
    const inputTensors = Input({ shape: [3] });
    const message = /inputTensors\[0\] must be of shape \[null, ?2\], received \[null, ?3\]/;
    assert.throws(() => cloneModel(model, { inputTensors }), { code, message });
    const two = [inputTensors, inputTensors];
    assert.throws(() => cloneModel(model, { inputTensors: two }), { code, message: /as many/ });
  });

  test('classes of one’s own, that nobody registered', () => {
    class Twice extends Layer {
      static readonly className = 'Twice';
      override call(input: Value): Value {
        return ops.mul(input, 2);
      }
    }
    class Net extends Model {
      static override readonly className = 'Net';
      private readonly hidden = layers.dense(3);
      override call(input: Value): Value {
        return this.hidden(input);
      }
    }
    const stack = new Sequential([Input({ shape: [4] }), new Twice(), layers.dense(3)]);
    assert.ok(cloneModel(stack).layers[0] instanceof Twice);
    const twin = cloneModel(new Net());
    assert.ok(twin instanceof Net);
    assert.throws(() => Model.fromJSON(JSON.stringify(stack)), { code: 'UNSUPPORTED' });
  });
});

test('toCategorical', () => {
  const found = toCategorical(tensor(new Uint8Array([0, 2, 1])).reshape([3, 1]));
  assert.deepEqual(found.shape, [3, 3]);
  assert.deepEqual([...found.data], [1, 0, 0, 0, 0, 1, 0, 1, 0]);
  assert.deepEqual(toCategorical([1, 0], 4).shape, [2, 4]);
  assert.throws(() => toCategorical([0, 3], 3), {
    code: 'LABEL_RANGE',
    message: '[toCategorical] label 1 must be a whole number from 0 to 2, received 3.',
  });
  assert.throws(() => toCategorical([0.5]), { code: 'LABEL_RANGE' });
});

describe('what cannot work is refused when it is built, with the arithmetic', () => {
  const image = () => Input({ shape: [5, 6, 3] });
  const rows: readonly (readonly [string, () => unknown, RegExp])[] = [
    [
      'a window too large',
      () => layers.conv2d(4, 7)(image()),
      /⌊\(5 − 6 − 1\) \/ 1⌋ \+ 1 .* received -1/,
    ],
    [
      'a dilated one',
      () => layers.depthwiseConv2d(3, { dilationRate: 4 })(image()),
      /⌊\(5 − 8 − 1\) \/ 1⌋ \+ 1 .* received -3/,
    ],
    [
      'a pool',
      () => layers.averagePooling2d([2, 9])(image()),
      /⌊\(6 − 8 − 1\) \/ 9⌋ \+ 1 .* received 0/,
    ],
    ['a crop', () => layers.cropping2d(3)(image()), /received 5 − 6 = -1/],
    [
      'a reshape',
      () => layers.reshape([7, 4])(image()),
      /the 90 elements of each sample, received 28/,
    ],
    ['groups', () => layers.conv2d(4, 3, { groups: 2 })(image()), /divide the 3 input channels/],
    [
      'a scale for other channels',
      () => layers.rescaling([1, 2])(image()),
      /numbers for the channels must be 3, received \[1, ?2\]/,
    ],
    [
      'statistics for other channels',
      () => layers.normalization({ mean: [1, 2], variance: [1, 2] })(image()),
      /one for each position of axis \[-1\], received 2 for/,
    ],
    [
      'shapes that do not meet',
      () => layers.add()([image(), Input({ shape: [4, 6, 3] })]),
      /\(None, 5, 6, 3\) and \(None, 4, 6, 3\)/,
    ],
    [
      'an extent that nobody knows',
      () => layers.dense(3)(layers.flatten()(Input({ shape: [null, 3] }))),
      /must be known when the layer is built/,
    ],
    [
      'a stack that shrinks to nothing',
      () =>
        new Sequential([
          Input({ shape: [8, 8, 1] }),
          layers.conv2d(2, 3),
          layers.maxPooling2d(2),
          layers.conv2d(2, 5, { name: 'last' }),
        ]),
      /Conv2D "last".*⌊\(3 − 4 − 1\) \/ 1⌋ \+ 1 .* received -1/,
    ],
  ];
  for (const [name, build, message] of rows) test(name, () => assert.throws(build, message));
});
