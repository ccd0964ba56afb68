/**
 * @file The demo's work without its page: the network, a training that reports how far it is, a digit recognised. It runs
 * in Node as it does in a browser, which is how its tests compare the two.
 */
import {
  callbacks,
  clearSession,
  type Dataset,
  Input,
  layers,
  Model,
  setRandomSeed,
  Tensor,
} from 'tsuno';
import { side } from './digit.ts';

export interface TrainingOptions {
  epochs: number;
  batchSize: number;
  seed: number;
  /** Default: what the machine has, at most 8. */
  threads?: number;
  /** Default: `fused` where the machine has it. */
  arithmetic?: 'fused' | 'portable';
  signal?: AbortSignal;
}

export interface TrainingData {
  training: Dataset;
  validation: Dataset;
}

/** Part of a data set for validation: as the article has it, 12,000 of 60,000. */
const validationPart = 1 / 5;

/** The first `count` images, their first fifth for validation. */
export function partsOf(all: Dataset, count: number): TrainingData {
  const used = all.take(count);
  const cut = Math.round(used.length * validationPart);
  return { validation: used.take(cut), training: used.skip(cut) };
}

/** Loss and accuracy at a moment of the training. */
export interface CurvePoint {
  /** Epochs done, that at hand as a fraction. */
  epochs: number;
  loss: number;
  accuracy: number;
}

export interface Progress {
  epoch: number;
  /** Steps done, over all epochs. */
  step: number;
  /** All steps there will be. */
  steps: number;
  /** Of late; undefined before it is known. */
  msPerStep: number | undefined;
}

/** What a training tells while it goes. */
export interface Watcher {
  started?(engine: { threads: number; arithmetic: string }, parameters: number): void;
  progress?(progress: Progress): void;
  /** Means over the batches since the last such point. */
  trained?(point: CurvePoint): void;
  validated?(point: CurvePoint): void;
}

export interface Outcome {
  model: Model;
  stopped: boolean;
  steps: number;
  /** Over the whole training, without compilation and validation; undefined where nothing was measured. */
  msPerStep: number | undefined;
  /** SHA-256 over all weights. */
  fingerprint: string;
}

/** The article's network: 104,202 weights. */
export function digitNetwork(): Model {
  const inputs = Input({ shape: [side, side, 1] });
  let x = layers.rescaling(1 / 255)(inputs);
  for (const filters of [32, 64, 128]) {
    x = layers.conv2d(filters, 3, { activation: 'relu' })(x);
    x = layers.maxPooling2d(2)(x);
  }
  x = layers.flatten()(x);
  x = layers.dropout(0.5)(x);
  const outputs = layers.dense(10, { activation: 'softmax' })(x);
  return new Model({ inputs, outputs });
}

/** Trains a new network. The caller closes the model. */
export async function train(
  { training, validation }: TrainingData,
  options: TrainingOptions,
  watcher: Watcher = {},
): Promise<Outcome> {
  const { epochs, batchSize, seed, threads, arithmetic, signal } = options;
  clearSession();
  setRandomSeed(seed);
  const model = digitNetwork();
  model.compile({
    optimizer: 'adam',
    loss: 'sparse_categorical_crossentropy',
    metrics: ['accuracy'],
    ...(threads === undefined ? {} : { threads }),
    ...(arithmetic === undefined ? {} : { arithmetic }),
    warn: () => undefined, // the page shows the threads
  });
  watcher.started?.(await model.engine(), model.countParams());
  const reporter = new Reporter(watcher);
  try {
    await model.fit(training, {
      epochs,
      batchSize,
      validationData: validation,
      verbose: 0,
      callbacks: [reporter],
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (error) {
    model.close();
    throw error;
  }
  return {
    model,
    stopped: signal?.aborted === true,
    steps: reporter.done,
    msPerStep: reporter.pace.overall(),
    fingerprint: await fingerprint(model),
  };
}

/** SHA-256 over the bytes of all weights, in hexadecimal. */
export async function fingerprint(model: Model): Promise<string> {
  const values = model.weights.map((weight) => weight.value().data);
  const bytes = new Uint8Array(values.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const { buffer, byteOffset, byteLength } of values) {
    bytes.set(new Uint8Array(buffer, byteOffset, byteLength), at);
    at += byteLength;
  }
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** The probabilities of the ten digits for 784 pixels. */
export async function recognise(model: Model, pixels: Uint8Array): Promise<number[]> {
  const images = new Tensor('uint8', [1, side, side, 1], pixels);
  return Array.from((await model.predict(images)).data);
}

/** Points that a curve has at most. */
const curvePoints = 160;

/** Means over the first steps of an epoch. */
interface Mark {
  /** Steps in this epoch. */
  step: number;
  loss: number;
  accuracy: number;
}

const epochBegin: Mark = { step: 0, loss: 0, accuracy: 0 };

/** The means over the steps between two marks. */
function between(from: Mark, to: Mark): { loss: number; accuracy: number } {
  const mean = (name: 'loss' | 'accuracy') =>
    (to[name] * to.step - from[name] * from.step) / (to.step - from.step);
  return { loss: mean('loss'), accuracy: mean('accuracy') };
}

/** A mark may be read in mid-step, a sum already counted and its divisor not yet; accuracy tells. */
function isPossible({ loss, accuracy }: { loss: number; accuracy: number }): boolean {
  return loss > 0 && accuracy >= 0 && accuracy <= 1;
}

/** Turns what callbacks hear into what a watcher wants: means of late from means since the epoch began. */
class Reporter extends callbacks.Callback {
  done = 0;
  readonly pace = new Pace();
  private readonly watcher: Watcher;
  private epoch = 0;
  /** Steps before this epoch. */
  private before = 0;
  /** Where the last point ends. */
  private base = epochBegin;
  /** Where the next one may end: the mark after it judges it. */
  private next: Mark | undefined;

  constructor(watcher: Watcher) {
    super();
    this.watcher = watcher;
  }

  override onEpochBegin(epoch: number): void {
    this.epoch = epoch;
    this.before = this.done;
    this.base = epochBegin;
    this.next = undefined;
    this.pace.pause();
    this.report(0);
  }

  override onProgress(step: number, logs: callbacks.Logs): void {
    if (step === 0) return;
    this.pace.note(this.before + step);
    this.report(step);
    const last = this.next ?? this.base;
    if (step - last.step >= this.leastSteps) this.mark(step, logs);
  }

  override onTestBegin(): void {
    this.pace.pause();
  }

  override onEpochEnd(_epoch: number, logs: callbacks.Logs): void {
    const { val_loss, val_accuracy } = logs;
    // A stopped epoch was not validated.
    if (val_loss === undefined || val_accuracy === undefined) return;
    const { steps } = this.params;
    this.report(steps);
    // A short rest joins the point before it.
    if (this.next && steps - this.next.step < this.leastSteps) this.next = undefined;
    this.mark(steps, logs);
    this.point(this.next!);
    this.watcher.validated?.({ epochs: this.epoch + 1, loss: val_loss, accuracy: val_accuracy });
  }

  /** All steps there will be. */
  private get steps(): number {
    return this.params.epochs * this.params.steps;
  }

  /** Steps of a point at the least. */
  private get leastSteps(): number {
    return this.steps / curvePoints;
  }

  private report(step: number): void {
    this.done = this.before + step;
    const { epoch, done, steps } = this;
    this.watcher.progress?.({ epoch, step: done, steps, msPerStep: this.pace.ofLate() });
  }

  private mark(step: number, { loss = 0, accuracy = 0 }: callbacks.Logs): void {
    const mark = { step, loss, accuracy };
    const { base, next } = this;
    if (next && isPossible(between(base, next)) && isPossible(between(next, mark))) {
      this.point(next);
    }
    this.next = mark;
  }

  private point(end: Mark): void {
    const epochs = this.epoch + end.step / this.params.steps;
    this.watcher.trained?.({ epochs, ...between(this.base, end) });
    this.base = end;
  }
}

/** Milliseconds that count as of late. */
const lately = 1500;

/** How long a step takes, between notes: compilation before the first and validation after the last do not count. */
class Pace {
  private marks: { step: number; at: number }[] = [];
  private steps = 0;
  private time = 0;
  private latest: number | undefined;

  /** `step` steps are done now. */
  note(step: number): void {
    const at = performance.now();
    const last = this.marks.at(-1);
    if (last?.step === step) return;
    if (last) {
      this.steps += step - last.step;
      this.time += at - last.at;
    }
    this.marks = [...this.marks.filter((mark) => at - mark.at < lately), { step, at }];
    const [first] = this.marks;
    if (first && step > first.step) this.latest = (at - first.at) / (step - first.step);
  }

  /** Time up to the next note does not count. */
  pause(): void {
    this.marks = [];
  }

  ofLate(): number | undefined {
    return this.latest;
  }

  overall(): number | undefined {
    return this.steps === 0 ? undefined : this.time / this.steps;
  }
}
