/** @file `compare` from end to end, on small networks: pairs, failures, stopping, what is printed. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { compare } from '../../src/comparison/compare.ts';
import type { CompareOptions, Variant } from '../../src/comparison/options.ts';
import type { TsunoError } from '../../src/core/errors.ts';
import { nextSeed, setRandomSeed } from '../../src/core/seed.ts';
import * as layers from '../../src/layers/index.ts';
import { type Model, Sequential } from '../../src/model/model.ts';
import { Input } from '../../src/topology/input.ts';
import { Callback } from '../../src/train/callback.ts';
import * as optimizers from '../../src/train/optimizers/index.ts';
import { printed } from '../support/printed.ts';
import { stripes } from '../support/small_models.ts';

const training = stripes(96);
const validation = stripes(48, { seed: 2 });

const network =
  (filters = 4, activation = 'relu') =>
  () =>
    new Sequential([
      Input({ shape: [6, 6, 1] }),
      layers.conv2d(filters, 3, { activation }),
      layers.flatten(),
      layers.dropout(0.2),
      layers.dense(3, { activation: 'softmax' }),
    ]);

const small: CompareOptions = {
  training,
  validation,
  epochs: 2,
  batchSize: 16,
  seeds: 2,
  threads: 1,
  verbose: 0,
};

describe('compare', () => {
  test('trains each variant with each seed, as fit would', async () => {
    const found = await compare(
      [
        { name: 'a', model: network() },
        { name: 'same', model: network() },
        { name: 'wide', model: network(8), optimizer: 'sgd', learningRate: 0.1, epochs: 1 },
      ],
      small,
    );
    assert.deepEqual(
      found.variants.map(({ parameters, epochs }) => [parameters, epochs]),
      [
        [40 + 195, 2],
        [40 + 195, 2],
        [80 + 387, 1],
      ],
    );
    assert.deepEqual(
      found.variants[0]!.runs.map(({ seed, complete }) => [seed, complete]),
      [
        [1, true],
        [2, true],
      ],
    );
    // Pairs: the same network has the same bits with the same seed, and others with another.
    assert.deepEqual(found.history('same', 1).history, found.history('a', 1).history);
    assert.notDeepEqual(found.history('a', 2).history, found.history('a', 1).history);
    setRandomSeed(2);
    const model = network()();
    model.compile({
      optimizer: 'adam',
      loss: 'sparse_categorical_crossentropy',
      metrics: ['accuracy'],
      threads: 1,
    });
    const { history } = await model.fit(training, {
      validationData: validation,
      epochs: 2,
      batchSize: 16,
      seed: 2,
      verbose: 0,
    });
    model.close();
    assert.deepEqual(found.history('a', 2).history, history);
    assert.equal(found.differences[0]!.difference, 0);
    assert.equal(found.monitor, 'val_accuracy');
  });

  test('options of a variant win, optimizers are made anew for each run', async () => {
    const made: number[] = [];
    const seen: string[] = [];
    class Look extends Callback {
      override onTrainBegin(): void {
        const { optimizer } = this.model;
        seen.push(
          `${optimizer.constructor.name} ${optimizer.learningRate.toFixed(3)} ${optimizer.iterations.data[0]}`,
        );
      }
    }
    const shared = new optimizers.SGD({ learningRate: 0.5, momentum: 0.5 });
    await compare(
      [
        { name: 'object', model: network(), optimizer: shared },
        { name: 'class', model: network(), optimizer: optimizers.RMSprop, learningRate: 0.25 },
        {
          name: 'function',
          model: network(),
          optimizer: () => new optimizers.Adam({ learningRate: 0.125 + made.push(1) / 100 }),
        },
      ],
      { ...small, epochs: 1, callbacks: () => [new Look()] },
    );
    assert.deepEqual(seen.sort(), [
      'Adam 0.135 0',
      'Adam 0.145 0',
      'RMSprop 0.250 0',
      'RMSprop 0.250 0',
      'SGD 0.500 0',
      'SGD 0.500 0',
    ]);
    assert.equal(shared.iterations.data[0], 0);
  });

  test('what fails is a row with its reason', async () => {
    let builds = 0;
    const variants: Variant[] = [
      { name: 'good', model: network() },
      {
        name: 'impossible',
        model: () => {
          builds++;
          return new Sequential([Input({ shape: [6, 6, 1] }), layers.conv2d(4, 9)]);
        },
      },
      { name: 'no model', model: () => 7 as unknown as Model },
      { name: 'diverges', model: network(4, 'linear'), optimizer: 'sgd', learningRate: 1e30 },
      {
        name: 'other shape',
        model: () => new Sequential([Input({ shape: [5] }), layers.dense(3)]),
      },
    ];
    const found = await compare(variants, small);
    const codes = found.variants.map(({ runs }) => runs.map(({ failure }) => failure?.code));
    assert.deepEqual(codes.slice(0, 4), [
      [undefined, undefined],
      ['SHAPE'],
      ['ARGUMENT'],
      ['NONFINITE_LOSS', 'NONFINITE_LOSS'],
    ]);
    assert.ok(
      codes[4]!.every((code) => code === 'SHAPE' || code === 'ARGUMENT'),
      String(codes[4]),
    );
    assert.equal(builds, 1, 'what cannot be built is not built again');
    assert.equal(found.best!.name, 'good');
    const text = found.table();
    assert.match(text, /^diverges +235 .* diverged: \[fit "sequential[_\d]*", epoch \d, step \d/m);
    assert.match(text, /^impossible failed \(seed 1\): \[Conv2D/m);
  });

  test('the signal ends it with what there is', async () => {
    const stop = new AbortController();
    class Stop extends Callback {
      override onEpochEnd(epoch: number): void {
        if (epoch === 0 && ++ended === 3) stop.abort();
      }
    }
    let ended = 0;
    const found = await compare(
      [
        { name: 'a', model: network() },
        { name: 'b', model: network() },
      ],
      { ...small, signal: stop.signal, callbacks: () => [new Stop()] },
    );
    assert.equal(found.interrupted, true);
    // All variants had the first seed before any had the second.
    assert.deepEqual(
      found.variants.map(({ runs }) => runs.map(({ complete, epoch }) => [complete, epoch.length])),
      [
        [
          [true, 2],
          [false, 1],
        ],
        [[true, 2]],
      ],
    );
    assert.match(found.table(), /interrupted/);
  });

  test('random numbers of the program go on the same whatever was compared', async () => {
    const after: number[] = [];
    for (const filters of [2, 3]) {
      setRandomSeed(9);
      await compare([{ name: 'a', model: network(filters) }], {
        ...small,
        epochs: 1,
        seeds: filters - 1,
      });
      after.push(nextSeed());
    }
    assert.equal(after[0], after[1]);
  });

  test('prints a line a run and the table', async () => {
    const { text, result, warnings } = await printed(() =>
      compare([{ name: 'a', model: network() }], { ...small, epochs: 1, verbose: 1 }),
    );
    const lines = text.split('\n');
    assert.match(
      lines[0]!,
      /^\[1\/2\] a, seed 1: 235 parameters, [\d.]+ ms\/step, 1 of 1 epochs, /,
    );
    assert.match(lines[1]!, /^\[2\/2\] a, seed 2: /);
    assert.ok(text.endsWith(`\n\n${result.table()}`));
    assert.deepEqual(warnings, []);
  });

  test('refused', async () => {
    const a: Variant = { name: 'a', model: network() };
    const wrong: [readonly Variant[], Partial<CompareOptions>, RegExp][] = [
      [[], {}, /variants must be a list/],
      [[{ ...a, name: '' }], {}, /name of variant 0/],
      [[a, a], {}, /names of variants must differ, received "a"/],
      [[{ ...a, model: 3 as unknown as Variant['model'] }], {}, /model of "a"/],
      [[a], { seeds: 0 }, /seeds must be a whole number/],
      [[a], { seeds: [1, 1] }, /seeds must be different/],
      [[a], { seeds: [] }, /seeds/],
      [[a], { baseline: 'b' }, /baseline must be one of a/],
      [[a], { confidence: 1 }, /confidence/],
      [[a], { validation: undefined } as unknown as CompareOptions, /validation must be given/],
      [
        [a],
        { monitor: 'val_auc', epochs: 1 },
        /monitor must be one of accuracy, loss, val_accuracy, val_loss/,
      ],
    ];
    for (const [variants, options, words] of wrong) {
      await assert.rejects(compare(variants, { ...small, ...options }), (error: TsunoError) => {
        assert.equal(error.code, 'ARGUMENT');
        assert.match(error.message, words);
        return true;
      });
    }
  });
});
