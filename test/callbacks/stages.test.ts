/** @file fit 21–24: which stage is called when, with what, and what callbacks can steer. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Callback, History, LambdaCallback, type Logs } from '../../src/callbacks/index.ts';
import { smallModel, stripes } from '../support/small_models.ts';

/** Writes down every stage, with its number and the names of its logs. */
class Recorder extends Callback {
  readonly calls: string[] = [];
  private note(stage: string, count: number | undefined, logs: Logs): void {
    const names = Object.keys(logs).join(' ');
    this.calls.push(
      [stage, count, names].filter((part) => part !== undefined && part !== '').join(' '),
    );
  }
  override onTrainBegin = (logs: Logs) => this.note('train', undefined, logs);
  override onTrainEnd = (logs: Logs) => this.note('/train', undefined, logs);
  override onEpochBegin = (epoch: number, logs: Logs) => this.note('epoch', epoch, logs);
  override onEpochEnd = (epoch: number, logs: Logs) => this.note('/epoch', epoch, logs);
  override onTrainBatchBegin = (batch: number, logs: Logs) => this.note('batch', batch, logs);
  override onTrainBatchEnd = (batch: number, logs: Logs) => this.note('/batch', batch, logs);
  override onTestBegin = (logs: Logs) => this.note('test', undefined, logs);
  override onTestEnd = (logs: Logs) => this.note('/test', undefined, logs);
  override onTestBatchBegin = (batch: number, logs: Logs) => this.note('tbatch', batch, logs);
  override onTestBatchEnd = (batch: number, logs: Logs) => this.note('/tbatch', batch, logs);
  override onPredictBegin = (logs: Logs) => this.note('predict', undefined, logs);
  override onPredictEnd = (logs: Logs) => this.note('/predict', undefined, logs);
}

const data = stripes(20);

describe('fit 21, 22: stages', () => {
  test('come in Keras’s order, with the logs so far', async () => {
    const model = smallModel();
    const recorder = new Recorder();
    await model.fit(data, {
      epochs: 2,
      batchSize: 8,
      validationSplit: 0.4,
      validationFreq: 2,
      callbacks: [recorder],
      verbose: 0,
    });
    assert.deepEqual(recorder.calls, [
      'train',
      'epoch 0',
      'batch 0',
      '/batch 0 accuracy loss',
      'batch 1',
      '/batch 1 accuracy loss',
      '/epoch 0 accuracy loss',
      'epoch 1',
      'batch 0',
      '/batch 0 accuracy loss',
      'batch 1',
      '/batch 1 accuracy loss',
      'test',
      'tbatch 0',
      '/tbatch 0 accuracy loss',
      '/test accuracy loss',
      '/epoch 1 accuracy loss val_accuracy val_loss',
      '/train accuracy loss val_accuracy val_loss',
    ]);
    recorder.calls.length = 0;
    await model.evaluate(data, { batchSize: 16, callbacks: [recorder], verbose: 0 });
    await model.predict(data, { callbacks: [recorder] });
    assert.deepEqual(recorder.calls, [
      'test',
      'tbatch 0',
      '/tbatch 0 accuracy loss',
      'tbatch 1',
      '/tbatch 1 accuracy loss',
      '/test accuracy loss',
      'predict',
      '/predict',
    ]);
    model.close();
  });

  test('of predictions: each batch with its outputs, and the same bits as without', async () => {
    const model = smallModel();
    const calls: string[] = [];
    const rows: number[] = [];
    const watching = new LambdaCallback({
      onPredictBegin: () => void calls.push('predict'),
      onPredictBatchBegin: (batch) => void calls.push(`batch ${batch}`),
      onPredictBatchEnd: (batch, { outputs }) => {
        calls.push(`/batch ${batch}: ${outputs.map(({ shape }) => shape.join(' × '))}`);
        rows.push(...outputs[0]!.data);
      },
      onPredictEnd: () => void calls.push('/predict'),
    });
    const found = await model.predict(data, { batchSize: 8, callbacks: [watching] });
    assert.deepEqual(calls, [
      'predict',
      'batch 0',
      '/batch 0: 8 × 3',
      'batch 1',
      '/batch 1: 8 × 3',
      'batch 2',
      '/batch 2: 4 × 3',
      '/predict',
    ]);
    assert.deepEqual(rows, [...found.data]);
    assert.deepEqual(found.data, (await model.predict(data, { batchSize: 8 })).data);
    const failing = new LambdaCallback({
      onPredictBatchEnd: () => {
        throw new Error('mine');
      },
    });
    await assert.rejects(model.predict(data, { callbacks: [failing] }), {
      code: 'USER_CODE',
      message: /LambdaCallback, onPredictBatchEnd of 0/,
    });
    model.close();
  });

  test('later callbacks and the history see what earlier ones add to the logs', async () => {
    const model = smallModel();
    const seen: (number | undefined)[] = [];
    const history = new History();
    const found = await model.fit(data, {
      epochs: 2,
      callbacks: [
        new LambdaCallback({
          onEpochEnd: (epoch, logs) => {
            logs.extra = epoch * 10;
          },
        }),
        new LambdaCallback({ onEpochEnd: (_epoch, logs) => void seen.push(logs.extra) }),
        history,
      ],
      verbose: 0,
    });
    assert.equal(found, history);
    assert.deepEqual(seen, [0, 10]);
    assert.deepEqual(history.history.extra, [0, 10]);
    assert.deepEqual(history.parameters, { epochs: 2, steps: 1, verbose: 0 });
    model.close();
  });
});

describe('fit 23: stages may be asynchronous', () => {
  test('training waits for them, in order', async () => {
    const model = smallModel();
    const calls: string[] = [];
    const slow = (name: string) => async (count: number) => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      calls.push(`${name}${count}`);
    };
    await model.fit(data, {
      epochs: 2,
      batchSize: 10,
      callbacks: [
        new LambdaCallback({ onTrainBatchBegin: slow('('), onTrainBatchEnd: slow(')') }),
        new LambdaCallback({ onEpochEnd: (epoch) => void calls.push(`epoch ${epoch}`) }),
      ],
      verbose: 0,
    });
    assert.deepEqual(calls, ['(0', ')0', '(1', ')1', 'epoch 0', '(0', ')0', '(1', ')1', 'epoch 1']);
    model.close();
  });

  test('a callback may evaluate and predict with the model in training', async () => {
    const [asked, plain] = [smallModel(), smallModel()];
    const held = stripes(12, { seed: 5 });
    class Asks extends Callback {
      readonly losses: number[] = [];
      override async onEpochEnd(_epoch: number, logs: Logs): Promise<void> {
        const found = await this.model.evaluate(held, { verbose: 0 });
        this.losses.push(found.loss!);
        logs.first = (await this.model.predict(held, { verbose: 0 })).data[0]!;
      }
    }
    const asks = new Asks();
    const options = { epochs: 3, seed: 1, verbose: 0 } as const;
    const { history } = await asked.fit(data, { ...options, callbacks: [asks] });
    const other = await plain.fit(data, { ...options, validationData: held });
    assert.deepEqual(asks.losses, other.history.val_loss);
    assert.deepEqual(history.loss, other.history.loss);
    assert.equal(history.first!.length, 3);
    asked.close();
    plain.close();
  });
});

describe('fit 24: stopTraining', () => {
  for (const stage of ['onTrainBatchEnd', 'onTrainBatchBegin'] as const) {
    test(`in ${stage} ends the epoch, validation and all`, async () => {
      const model = smallModel();
      const recorder = new Recorder();
      class Stops extends Callback {
        override onTrainBatchBegin(batch: number): void {
          if (batch === 2 && stage === 'onTrainBatchBegin') this.model.stopTraining = true;
        }
        override onTrainBatchEnd(batch: number): void {
          if (batch === 2 && stage === 'onTrainBatchEnd') this.model.stopTraining = true;
        }
      }
      const history = await model.fit(data, {
        epochs: 3,
        batchSize: 2,
        validationSplit: 0.2,
        callbacks: [new Stops(), recorder],
        verbose: 0,
      });
      assert.deepEqual(history.epoch, [0]);
      assert.equal(history.history.val_loss!.length, 1);
      assert.equal(model.optimizer.iterations.data[0], 3);
      assert.equal(recorder.calls.filter((call) => call.startsWith('/batch')).length, 3);
      // The next fit is not stopped by it.
      assert.deepEqual((await model.fit(data, { epochs: 2, verbose: 0 })).epoch, [0, 1]);
      model.close();
    });
  }

  test('in onEpochEnd ends after that epoch', async () => {
    const model = smallModel();
    class Stops extends Callback {
      override onEpochEnd(epoch: number): void {
        if (epoch === 1) this.model.stopTraining = true;
      }
    }
    const history = await model.fit(data, { epochs: 9, callbacks: [new Stops()], verbose: 0 });
    assert.deepEqual(history.epoch, [0, 1]);
    assert.equal(history.interrupted, false);
    model.close();
  });
});
