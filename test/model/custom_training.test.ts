/**
 * @file Training loops of one's own: the bits of `trainOnBatch` for the same batches, finite differences, and
 * refusals. Keras's numbers are in `test/train/keras_training_engine.test.ts`.
 */
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import type { TsunoError } from '../../src/core/errors.ts';
import { RandomSequence } from '../../src/core/random.ts';
import { setRandomSeed } from '../../src/core/seed.ts';
import { Tensor, tensor } from '../../src/core/tensor.ts';
import type { Value } from '../../src/ir/graph.ts';
import * as layers from '../../src/layers/index.ts';
import { trainStep, valueAndGrad } from '../../src/model/custom_training.ts';
import { Model, Sequential } from '../../src/model/model.ts';
import * as ops from '../../src/ops/index.ts';
import { Input } from '../../src/topology/input.ts';
import * as losses from '../../src/train/losses/index.ts';
import * as optimizers from '../../src/train/optimizers/index.ts';

const crossentropy = new losses.SparseCategoricalCrossentropy();
const open: Model[] = [];
after(() => {
  for (const model of open) model.close();
});

/** A network with all that a step may change: dropout, moving statistics, a penalty. */
function smallConvNet(): Model {
  const inputs = Input({ shape: [8, 8, 1] });
  let x = layers.rescaling(1 / 255)(inputs);
  x = layers.conv2d(6, 3, { activation: 'relu', kernelRegularizer: 'l2' })(x);
  x = layers.maxPooling2d(2)(x);
  x = layers.conv2d(8, 3)(x);
  x = layers.batchNormalization()(x);
  x = layers.dropout(0.3)(layers.flatten()(x));
  return new Model({ inputs, outputs: layers.dense(4, { activation: 'softmax' })(x) });
}

/** Images of bytes and class numbers, others for each `seed`. */
function batchOf(count: number, seed: number): [Tensor<'uint8'>, Tensor<'uint8'>] {
  const random = new RandomSequence(seed, 7);
  const images = new Tensor('uint8', [count, 8, 8, 1]);
  const labels = new Tensor('uint8', [count]);
  images.data.forEach((_, i) => {
    images.data[i] = random.below(256);
  });
  labels.data.forEach((_, i) => {
    labels.data[i] = random.below(4);
  });
  return [images, labels];
}

/** The call is refused with `code`, in these words. */
async function refused(code: string, call: () => Promise<unknown>, words = /./): Promise<void> {
  await assert.rejects(call, (error: TsunoError) => {
    assert.equal(error.code, code, error.message);
    assert.match(error.message, words);
    return true;
  });
}

function network(optimizer: optimizers.Optimizer): Model {
  const model = smallConvNet();
  model.compile({ optimizer, loss: 'sparse_categorical_crossentropy', threads: 2 });
  open.push(model);
  return model;
}

const bitsOf = (model: Model) => [
  ...model.getWeights().map(({ data }) => Array.from(data)),
  ...model.optimizer.variables.map(({ data }) => Array.from(data)),
];

describe('the bits of trainOnBatch', () => {
  const makers = {
    sgd: () => new optimizers.SGD({ learningRate: 0.05, momentum: 0.9, nesterov: true }),
    adamw: () => new optimizers.AdamW({ learningRate: 0.01, globalClipnorm: 1 }),
    accumulating: () => new optimizers.Adam({ gradientAccumulationSteps: 2 }),
  };
  for (const [name, make] of Object.entries(makers)) {
    test(`${name}: valueAndGrad with apply, and trainStep`, async () => {
      const runs: { losses: number[]; state: number[][] }[] = [];
      for (const way of ['trainOnBatch', 'valueAndGrad', 'trainStep']) {
        setRandomSeed(5);
        const model = network(make());
        const fn = (x: Value, y: Value) => crossentropy.call(y, model(x));
        const separate = valueAndGrad(model, fn);
        const fused = trainStep(model, model.optimizer, fn);
        const seen: number[] = [];
        // The last batch is smaller: a program of its own.
        for (const [i, count] of [8, 8, 8, 5].entries()) {
          const [x, y] = batchOf(count, i);
          if (way === 'trainOnBatch') seen.push((await model.trainOnBatch(x, y)).loss!);
          else if (way === 'trainStep') seen.push((await fused(x, y)).value);
          else {
            const { value, grads } = await separate(x, y);
            await model.optimizer.apply(grads);
            seen.push(value);
          }
        }
        runs.push({ losses: seen, state: bitsOf(model) });
      }
      const [onBatch, ...byHand] = runs;
      for (const { losses: found, state } of byHand) {
        assert.deepEqual(state, onBatch!.state);
        // The loss of trainOnBatch is a mean: multiplied by the samples, and divided by them.
        found.forEach((loss, i) => {
          assert.ok(Math.abs(loss - onBatch!.losses[i]!) < 1e-6);
        });
      }
      assert.deepEqual(byHand[0], byHand[1]);
    });
  }

  test('the same for any number of threads', async () => {
    const runs: unknown[] = [];
    for (const threads of [1, 2]) {
      setRandomSeed(5);
      const model = smallConvNet();
      model.compile({ threads });
      open.push(model);
      const step = valueAndGrad(model, (x, y) => crossentropy.call(y, model(x)));
      const { value, grads } = await step(...batchOf(8, 0));
      runs.push([value, ...Array.from(grads, ([, { data }]) => Array.from(data))]);
    }
    assert.deepEqual(runs[1], runs[0]);
  });
});

describe('what a step changes', () => {
  test('random numbers advance, moving statistics follow, weights stay', async () => {
    setRandomSeed(2);
    const model = network(new optimizers.SGD());
    const step = valueAndGrad(model, (x, y) => crossentropy.call(y, model(x)));
    const [x, y] = batchOf(8, 0);
    const weights = () => model.trainableWeights.map(({ data }) => Array.from(data));
    const moving = () => model.nonTrainableWeights.map(({ data }) => Array.from(data));
    const before = { weights: weights(), moving: moving() };
    const first = await step(x, y);
    assert.deepEqual(weights(), before.weights);
    assert.notDeepEqual(moving(), before.moving);
    assert.notEqual((await step(x, y)).value, first.value, 'dropout draws anew');
  });

  test('without training nothing changes, and penalties are left out', async () => {
    setRandomSeed(2);
    const model = network(new optimizers.SGD());
    const [x, y] = batchOf(8, 0);
    const { loss } = await model.testOnBatch(x, y);
    const before = bitsOf(model);
    const fn = (images: Value, labels: Value) => crossentropy.call(labels, model(images));
    const plain = valueAndGrad(model, fn, { training: false });
    const first = await plain(x, y);
    assert.equal((await plain(x, y)).value, first.value);
    assert.deepEqual(bitsOf(model), before);
    const penalized = valueAndGrad(model, fn, { training: false, penalties: true });
    assert.ok(first.value < loss! && Math.abs((await penalized(x, y)).value - loss!) < 1e-6);
  });

  test('layers frozen later have no gradients', async () => {
    const model = network(new optimizers.SGD());
    const step = valueAndGrad(model, (x, y) => crossentropy.call(y, model(x)));
    const batch = batchOf(8, 0);
    const all = (await step(...batch)).grads;
    const [kernel] = model.trainableWeights;
    assert.ok(all.get(kernel!.path) && all.get(kernel!));
    model.layers[2]!.trainable = false;
    const { grads } = await step(...batch);
    assert.equal(grads.get(kernel!), undefined);
    assert.equal(grads.variables.length, model.trainableWeights.length);
    assert.ok(grads.variables.length < all.variables.length);
  });
});

describe('gradients are those of the function', () => {
  /** Largest difference, relative to the largest gradient, from central differences of `valueAt`. */
  async function difference(
    data: Float32Array,
    gradient: ArrayLike<number>,
    valueAt: () => Promise<number>,
    width: number,
  ): Promise<number> {
    const largest = Math.max(...Array.from(gradient, Math.abs));
    let worst = 0;
    for (let i = 0; i < data.length; i += Math.ceil(data.length / 12)) {
      const here = data[i]!;
      const at = async (value: number) => {
        data[i] = value;
        return valueAt();
      };
      const slope = ((await at(here + width)) - (await at(here - width))) / (2 * width);
      data[i] = here;
      worst = Math.max(worst, Math.abs(slope - gradient[i]!) / largest);
    }
    return worst;
  }

  test('of weights and of inputs, by finite differences', async () => {
    setRandomSeed(11);
    const inputs = Input({ shape: [6, 6, 2] });
    let h = layers.conv2d(4, 3, { activation: 'tanh' })(inputs);
    h = layers.averagePooling2d(2)(h);
    const model = new Model({ inputs, outputs: layers.dense(3)(layers.flatten()(h)) });
    open.push(model);
    const loss = (x: Value, y: Value) => ops.reduceMean(ops.square(ops.sub(model(x), y)));
    const x = tensor(
      Float32Array.from({ length: 144 }, (_, i) => Math.sin(i * 1.7)),
      [2, 6, 6, 2],
    );
    const y = tensor([
      [0.1, -0.4, 0.3],
      [0.7, 0.2, -0.5],
    ]);
    const byWeights = valueAndGrad(model, loss);
    const byInputs = valueAndGrad(model, loss, { wrt: 'inputs' });
    const { grads } = await byWeights(x, y);
    assert.equal([...grads].length, 4);
    for (const [variable, gradient] of grads) {
      const values = variable.data.slice() as Float32Array;
      const valueAt = async () => {
        variable.assign(values);
        return (await byWeights(x, y)).value;
      };
      const worst = await difference(values, gradient.data, valueAt, 1e-2);
      variable.assign(values);
      assert.ok(worst < 2e-3, `${variable.path}: ${worst}`);
    }
    const ofInputs = await byInputs(x, y);
    assert.deepEqual(
      ofInputs.grads.map((one) => one?.shape),
      [x.shape, y.shape],
    );
    const values = x.data.slice();
    const moved = tensor(values, x.shape);
    const valueAt = async () => (await byWeights(moved, y)).value;
    const worst = await difference(values, ofInputs.grads[0]!.data, valueAt, 1e-2);
    assert.ok(worst < 2e-3, `inputs: ${worst}`);
  });

  test('bytes count as floats, class numbers have no gradient', async () => {
    const model = network(new optimizers.SGD());
    const [x, y] = batchOf(4, 0);
    const saliency = valueAndGrad(
      model,
      (images, labels) => crossentropy.call(labels, model(images)),
      {
        wrt: 'inputs',
      },
    );
    const { grads } = await saliency(x, tensor(Int32Array.from(y.data)));
    assert.deepEqual(grads[0]?.shape, x.shape);
    assert.ok(grads[0]!.data.some((one) => one !== 0));
    assert.equal(grads[1], undefined);
  });

  test('of several outputs, beside values that are wanted', async () => {
    setRandomSeed(4);
    const inputs = Input({ shape: [5] });
    const shared = layers.dense(4, { activation: 'tanh' })(inputs);
    const a = layers.dense(2, { name: 'a' })(shared);
    const b = layers.dense(1, { name: 'b' })(shared);
    const model = new Model({ inputs, outputs: [a, b] });
    open.push(model);
    const x = tensor([[0.1, 0.2, -0.3, 0.4, 0.5]]);
    const step = valueAndGrad(model, (values, weight) => {
      const [first, second] = model.trace([values]);
      const loss = ops.add(
        ops.reduceSum(ops.square(first!)),
        ops.mul(weight, ops.reduceSum(second!)),
      );
      return { loss, first: first!, second: second!, same: values };
    });
    const { aux, grads, value } = await step(x, 3);
    const [first, second] = await model.predictAll(x, { verbose: 0 });
    assert.deepEqual(aux.first, first);
    assert.deepEqual(aux.second, second);
    assert.deepEqual(aux.same, x);
    assert.ok(
      Math.abs(value - (first!.at(0, 0) ** 2 + first!.at(0, 1) ** 2 + 3 * second!.at(0, 0))) < 1e-6,
    );
    assert.deepEqual(grads.get('b/bias')?.toArray(), [3]);
    assert.ok(Math.abs(grads.get('a/bias')!.at(0) - 2 * first!.at(0, 0)) < 1e-6);
  });

  test('through another model, as adversarial networks need them', async () => {
    const generator = new Sequential([Input({ shape: [2] }), layers.dense(3)]);
    const judge = new Sequential([Input({ shape: [3] }), layers.dense(1, { name: 'judge' })]);
    open.push(generator, judge);
    const step = valueAndGrad(generator, (noise) => ops.reduceSum(judge(generator(noise))));
    const { grads } = await step(tensor([[1, 2]]));
    const weights = judge.getWeights()[0]!.data;
    assert.equal(grads.variables.length, 2);
    assert.deepEqual(
      Array.from(grads.get(generator.trainableWeights[1]!)!.data),
      Array.from(weights),
    );
    const ofBoth = valueAndGrad(generator, (noise) => ops.reduceSum(judge(generator(noise))), {
      wrt: [...judge.trainableWeights],
    });
    assert.deepEqual(
      (await ofBoth(tensor([[1, 2]]))).grads.get(judge.trainableWeights[1]!)?.toArray(),
      [1],
    );
  });

  test('change: map, plus, norm', async () => {
    const model = network(new optimizers.SGD({ learningRate: 1 }));
    const step = valueAndGrad(model, (x, y) => crossentropy.call(y, model(x)), { training: false });
    const { grads } = await step(...batchOf(8, 0));
    const doubled = grads.plus(grads);
    assert.ok(Math.abs(doubled.norm() / grads.norm() - 2) < 1e-6);
    const bias = model.trainableWeights.at(-1)!;
    const before = bias.value();
    await model.optimizer.apply(
      doubled.map((gradient, { path }) =>
        path === bias.path ? tensor([1, -1, 0.5, 0]) : new Tensor('float32', gradient.shape),
      ),
    );
    const change = bias.value().data.map((value, i) => value - before.data[i]!);
    assert.deepEqual(Array.from(change), [-1, 1, -0.5, 0]);
    await refused('SHAPE', async () => grads.map(() => tensor([1, 2])));
    const other = valueAndGrad(model, (x, y) => crossentropy.call(y, model(x)), { wrt: [bias] });
    const few = (await other(...batchOf(8, 0))).grads;
    await refused('ARGUMENT', async () => grads.plus(few));
  });
});

describe('refused, before anything changes', () => {
  const model = network(new optimizers.SGD({ learningRate: 0.1 }));
  const good = (x: Value, y: Value) => crossentropy.call(y, model(x));
  const [x, y] = batchOf(4, 0);

  const wrong: [what: string, code: string, fn: (x: Value, y: Value) => unknown, RegExp][] = [
    ['no scalar', 'SHAPE', (a) => model(a), /received \[4, 4\] of type float32.*reduceMean/],
    ['no value', 'ARGUMENT', () => 3, /what fn answers must be a scalar value.*received 3/],
    ['a promise', 'ARGUMENT', async (a: Value, b: Value) => good(a, b), /must not be async/],
    ['a record without loss', 'ARGUMENT', (a) => ({ cost: a }), /received an object with cost/],
    [
      'something else beside',
      'ARGUMENT',
      (a, b) => ({ loss: good(a, b), n: 1 }),
      /n must be a value/,
    ],
    [
      'whole numbers',
      'SHAPE',
      (a, b) => ops.cast(good(a, b), 'int32'),
      /received \[\] of type int32/,
    ],
    [
      'no weight used',
      'STATE',
      (a) => ops.reduceSum(ops.cast(a, 'float32')),
      /received none that do/,
    ],
  ];
  for (const [what, code, fn, message] of wrong) {
    test(what, async () => {
      const step = valueAndGrad(model, fn as typeof good);
      await refused(code, () => step(x, y), message);
    });
  }

  test('a value kept from another trace', async () => {
    let kept: Value | undefined;
    const step = valueAndGrad(model, (a, b) => (kept ??= good(a, b)));
    await step(x, y);
    await refused('ARGUMENT', () => step(...batchOf(3, 0)), /a value of another trace/);
  });

  test('a weight that is not reached, unless that may be', async () => {
    const inputs = Input({ shape: [2] });
    const used = layers.dense(1, { name: 'used' })(inputs);
    const unused = layers.dense(1, { name: 'unused' })(inputs);
    const two = new Model({ inputs, outputs: [used, unused] });
    open.push(two);
    const fn = (a: Value) => ops.reduceSum(two.trace([a])[0]!);
    const batch = tensor([[1, 2]]);
    await refused('STATE', () => valueAndGrad(two, fn)(batch), /weight "unused\/kernel"/);
    const { grads } = await valueAndGrad(two, fn, { partial: true })(batch);
    assert.equal(grads.get('unused/kernel'), undefined);
    assert.deepEqual(grads.get('used/kernel')?.toArray(), [[1], [2]]);
    const optimizer = new optimizers.SGD({ learningRate: 1 });
    const before = two.getWeights();
    await optimizer.apply(grads);
    const same = two
      .getWeights()
      .map(({ data }, i) => data.every((one, k) => one === before[i]!.data[k]));
    assert.deepEqual(same, [false, false, true, true]);
  });

  test('numbers that are not finite', async () => {
    const before = bitsOf(model);
    const blown = (a: Value, b: Value) => ops.mul(good(a, b), ops.exp(ops.mul(good(a, b), 1e5)));
    const message = /\[valueAndGrad "\w+", call 1\] the loss must be finite, received/;
    await refused('NONFINITE_LOSS', () => valueAndGrad(model, blown)(x, y), message);
    await refused(
      'NONFINITE_LOSS',
      () => trainStep(model, model.optimizer, blown)(x, y),
      /trainStep/,
    );
    const nan = new Tensor('float32', x.shape, new Float32Array(x.size).fill(Number.NaN));
    await refused('NONFINITE_INPUT', () => valueAndGrad(model, good)(nan, y), /argument 0/);
    const { grads } = await valueAndGrad(model, good, { training: false })(x, y);
    const spoilt = grads.map(
      ({ shape, data }) =>
        new Tensor(
          'float32',
          shape,
          data.map(() => Infinity),
        ),
    );
    await refused('NONFINITE_INPUT', () => model.optimizer.apply(spoilt), /gradient of/);
    assert.deepEqual(bitsOf(model), before);
  });

  test('arguments', async () => {
    const step = valueAndGrad(model, good);
    await refused(
      'ARGUMENT',
      () => step(x, [1, 2] as unknown as Tensor),
      /argument 1 must be a Tensor/,
    );
    await refused('DATA_EMPTY', () => step(x.slice(0, 0), y.slice(0, 0)), /argument 0/);
    await refused('ARGUMENT', async () => valueAndGrad({} as Model, good), /a Model or Sequential/);
    await refused('ARGUMENT', async () => valueAndGrad(model, 3 as unknown as typeof good), /fn/);
    await refused('ARGUMENT', async () => valueAndGrad(model, good, { wrt: [] }), /wrt/);
    const name = 'adam' as unknown as optimizers.Optimizer;
    await refused('ARGUMENT', async () => trainStep(model, name, good), /new optimizers.Adam/);
    const other = new optimizers.SGD();
    other.build(model.trainableWeights.slice(1));
    const { grads } = await step(x, y);
    await refused(
      'STATE',
      () => other.apply(grads),
      /among those that the optimizer was built with/,
    );
  });

  test('two steps of one model at once', async () => {
    const step = valueAndGrad(model, good);
    const first = step(x, y);
    await refused('STATE', () => step(x, y), /one in progress/);
    await first;
  });
});
