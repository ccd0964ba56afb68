/**
 * @file The article's network over five seeds, beside what Keras reached (test/fixtures/keras/accuracy.json): does tsuno
 * learn as well? Writes docs/accuracy.md.
 *
 *     npm run accuracy
 */
import { readFile, writeFile } from 'node:fs/promises';
import { datasets, Input, layers, Model, setRandomSeed } from 'tsuno';

interface KerasRun {
  seed: number;
  test: { loss: number; accuracy: number };
}

interface Figures {
  seed: number;
  loss: number;
  accuracy: number;
}

function network(): Model {
  const inputs = Input({ shape: [28, 28, 1] });
  let x = layers.rescaling(1 / 255)(inputs);
  for (const filters of [32, 64, 128]) {
    x = layers.conv2d(filters, 3, { activation: 'relu' })(x);
    x = layers.maxPooling2d(2)(x);
  }
  x = layers.dropout(0.5)(layers.flatten()(x));
  return new Model({ inputs, outputs: layers.dense(10, { activation: 'softmax' })(x) });
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function deviation(values: readonly number[]): number {
  const centre = mean(values);
  return Math.sqrt(
    values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1),
  );
}

const { train, test } = await datasets.mnist.load();
const runs: Figures[] = [];
for (const seed of [1, 2, 3, 4, 5]) {
  setRandomSeed(seed);
  const model = network();
  model.compile({
    optimizer: 'adam',
    loss: 'sparse_categorical_crossentropy',
    metrics: ['accuracy'],
  });
  await model.fit(train.skip(12_000), {
    epochs: 5,
    batchSize: 32,
    validationData: train.take(12_000),
    verbose: 0,
  });
  const { loss, accuracy } = await model.evaluate(test, { verbose: 0 });
  runs.push({ seed, loss: loss!, accuracy: accuracy! });
  console.log(
    `seed ${seed}: test loss ${loss!.toFixed(4)}, test accuracy ${(accuracy! * 100).toFixed(2)} %`,
  );
  model.close();
}

const keras = JSON.parse(await readFile('test/fixtures/keras/accuracy.json', 'utf8')) as {
  versions: { keras: string; backend: string };
  runs: KerasRun[];
};
const theirs = keras.runs.map((run) => run.test.accuracy);
const ours = runs.map((run) => run.accuracy);
const difference = (mean(ours) - mean(theirs)) * 100;
const error =
  Math.sqrt(deviation(ours) ** 2 / ours.length + deviation(theirs) ** 2 / theirs.length) * 100;
const percent = (value: number) => `${(value * 100).toFixed(2)} %`;
const page = `# Accuracy

The article's network (93,962 parameters) after 5 epochs on 48,000 MNIST images at batch 32, on the 10,000 test images.
Keras ${keras.versions.keras} on ${keras.versions.backend} by \`tools/keras/accuracy.py\`, tsuno by \`npm run accuracy\`, which writes this page.

| seed | Keras | tsuno |
| --- | --- | --- |
${runs.map((run, i) => `| ${run.seed} | ${percent(theirs[i]!)} | ${percent(run.accuracy)} |`).join('\n')}
| mean | ${percent(mean(theirs))} | ${percent(mean(ours))} |
| standard deviation | ${percent(deviation(theirs))} | ${percent(deviation(ours))} |

The means differ by ${difference.toFixed(2)} points; the standard error of that difference is ${error.toFixed(2)} points. A seed means
different random numbers in the two programs, so rows are not pairs.
`;
await writeFile('docs/accuracy.md', page);
console.log(
  `mean ${percent(mean(ours))}, Keras ${percent(mean(theirs))}: ${difference.toFixed(2)} ± ${error.toFixed(2)} points`,
);
