/**
 * @file A program that a test starts and interrupts: trains for long, then tells what `fit` returned. In: which script to
 * play. Out: `training` once it trains, `callback` in a callback, then a line of JSON.
 */
import { Callback } from '../../src/callbacks/index.ts';
import { bitsOf, smallModel, stripes } from '../support/small_models.ts';

const [script] = process.argv.slice(2);
const model = smallModel({ threads: 2 });
const ends: string[] = [];

class Notes extends Callback {
  private told = false;
  override onEpochEnd(): void {
    if (!this.told) console.log('training');
    this.told = true;
  }
  override onTrainEnd(): void {
    ends.push('onTrainEnd');
  }
}

/** Stays in a callback, so that a second signal meets it there. */
class Slow extends Callback {
  override async onTrainEnd(): Promise<void> {
    console.log('callback');
    await new Promise((resolve) => setTimeout(resolve, 60_000));
  }
}

const history = await model.fit(stripes(2000), {
  epochs: 1_000_000,
  batchSize: 8,
  validationSplit: 0.1,
  seed: 1,
  callbacks: script === 'twice' ? [new Notes(), new Slow()] : [new Notes()],
  verbose: script === 'once' ? 1 : 0,
});
const epochs = history.epoch.length;
const steps = model.optimizer.iterations.data[0]!;
const again = smallModel({ threads: 1 });
await again.fit(stripes(2000), {
  epochs,
  batchSize: 8,
  validationSplit: 0.1,
  seed: 1,
  verbose: 0,
});
model.close();
again.close();
console.log(
  JSON.stringify({
    epochs,
    steps,
    ends,
    interrupted: history.interrupted,
    lengths: Object.values(history.history).map(({ length }) => length),
    // Where the interruption came between two epochs, the state is that after the last.
    agrees: steps > epochs * 225 || bitsOf(model).join() === bitsOf(again).join(),
  }),
);
