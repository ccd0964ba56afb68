/** @file Averages in the place of the weights where a model is judged or kept, and nowhere else. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Callback, SwapEMAWeights } from '../../src/callbacks/index.ts';
import {
  MultiOptimizer,
  type Optimizer,
  OptimizerMap,
  SGD,
} from '../../src/train/optimizers/index.ts';
import { smallModel, stripes } from '../support/small_models.ts';

const data = stripes(20);
const ema = () => new SGD({ learningRate: 0.1, useEma: true, emaMomentum: 0.5 });

/** A model whose optimizer keeps averages; the same weights each time. */
function averaging(optimizer: Optimizer = ema()) {
  const model = smallModel();
  model.compile({ optimizer, loss: 'sparse_categorical_crossentropy' });
  return model;
}

type Weights = number[][];
const weightsOf = (model: { getWeights(): { data: ArrayLike<number> }[] }): Weights =>
  model.getWeights().map(({ data }) => Array.from(data));

/** Weights at the end of each epoch. */
class Watch extends Callback {
  readonly seen: Weights[] = [];
  override onEpochEnd(): void {
    this.seen.push(weightsOf(this.model));
  }
}

const options = { epochs: 3, batchSize: 4, validationSplit: 0.4, seed: 5, verbose: 0 } as const;

describe('SwapEMAWeights', () => {
  test('validates with the averages, and trains on with the weights', async () => {
    const plain = averaging();
    const plainHistory = await plain.fit(data, options);
    const watch = new Watch();
    const model = averaging();
    model.setWeights(averaging().getWeights());
    const history = await model.fit(data, { ...options, callbacks: [new SwapEMAWeights(), watch] });
    assert.deepEqual(history.history.loss, plainHistory.history.loss, 'training is the same');
    assert.notDeepEqual(history.history.val_loss, plainHistory.history.val_loss);
    assert.deepEqual(weightsOf(model), weightsOf(plain), 'both end with the averages');
    // The last validation was with what the model now has.
    const judged = averaging();
    judged.setWeights(model.getWeights());
    const held = await judged.evaluate(data.skip(12), { batchSize: 4, verbose: 0 });
    assert.ok(Math.abs(held.loss! - history.history.val_loss!.at(-1)!) < 1e-6);
    assert.notDeepEqual(watch.seen.at(-1), weightsOf(model), 'weights stood there at its end');
    for (const used of [plain, model, judged]) used.close();
  });

  test('swapOnEpoch leaves the averages for what comes after it, to the end of training', async () => {
    const plain = averaging();
    const plainHistory = await plain.fit(data, options);
    for (const stopAfter of [3, 2]) {
      const [watch, model] = [new Watch(), averaging()];
      class Stop extends Callback {
        override onEpochEnd(epoch: number): void {
          if (epoch + 1 === stopAfter) this.model.stopTraining = true;
        }
      }
      const swap = new SwapEMAWeights({ swapOnEpoch: true });
      const callbacks = [swap, watch, new Stop()];
      const history = await model.fit(data, { ...options, callbacks });
      const { loss } = plainHistory.history;
      assert.deepEqual(history.history.loss, loss!.slice(0, stopAfter), 'training is the same');
      assert.deepEqual(watch.seen.at(-1), weightsOf(model), `stopped after ${stopAfter}`);
      if (stopAfter === 3) assert.deepEqual(weightsOf(model), weightsOf(plain));
      model.close();
    }
    plain.close();
  });

  test('evaluates and predicts with the averages, and puts the weights back', async () => {
    const model = averaging();
    await model.fit(data, { ...options, epochs: 1 });
    const averages = weightsOf(model);
    const shifted = model.getWeights();
    for (const weight of shifted) (weight.data as Float32Array).fill(0.25);
    model.setWeights(shifted);
    const before = weightsOf(model);
    const callbacks = [new SwapEMAWeights()];
    const swapped = await model.evaluate(data, { callbacks, verbose: 0 });
    assert.deepEqual(weightsOf(model), before);
    const predicted = await model.predict(data, { callbacks });
    assert.deepEqual(weightsOf(model), before);
    const judged = averaging();
    judged.setWeights(
      shifted.map((weight, i) => {
        (weight.data as Float32Array).set(averages[i]!);
        return weight;
      }),
    );
    assert.deepEqual(swapped, await judged.evaluate(data, { verbose: 0 }));
    assert.deepEqual([...predicted.data], [...(await judged.predict(data)).data]);
    model.close();
    judged.close();
  });

  test('with several optimizers swaps those that keep averages', async () => {
    const map = new OptimizerMap(new SGD({ learningRate: 0.1 }), { 'dense.*': ema() });
    const model = averaging(new MultiOptimizer(map));
    const watch = new Watch();
    const callbacks = [new SwapEMAWeights({ swapOnEpoch: true }), watch];
    await model.fit(data, { ...options, callbacks });
    assert.deepEqual(watch.seen.at(-1), weightsOf(model));
    model.close();
  });

  test('without averages is refused', async () => {
    const model = averaging(new SGD());
    await assert.rejects(
      () => model.fit(data, { ...options, callbacks: [new SwapEMAWeights()] }),
      /optimizer must be one that keeps averages/,
    );
    model.close();
  });

  test('what it remembers is whether the averages are in place', () => {
    const optimizer = ema();
    const model = averaging(optimizer);
    const [w] = model.trainableWeights;
    optimizer.build(model.trainableWeights);
    const swap = new SwapEMAWeights();
    swap.attach(model as never, { epochs: 1, steps: 1, verbose: 0 });
    assert.deepEqual(swap.state(), { inPlace: false });
    const weight = Array.from(w!.data);
    swap.onTestBegin();
    assert.deepEqual(swap.state(), { inPlace: true });
    assert.ok(Array.from(w!.data).every((x) => x === 0));
    const again = new SwapEMAWeights();
    again.attach(model as never, { epochs: 1, steps: 1, verbose: 0 });
    again.restore({ inPlace: true });
    assert.deepEqual(Array.from(w!.data), weight);
    model.close();
  });
});
