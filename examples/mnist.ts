/**
 * @file Handwritten digits, end to end: load MNIST, build the network, look at it, train, evaluate, predict. Pictures and
 * figures land in `runs/mnist/`.
 *
 *     npm start
 */
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { datasets, Input, layers, Model, plots, setRandomSeed } from 'tsuno';

const folder = process.env.TSUNO_RUN ?? 'runs/mnist';
const epochs = Number(process.env.TSUNO_EPOCHS ?? 5);
await mkdir(folder, { recursive: true });
setRandomSeed(Number(process.env.TSUNO_SEED ?? 1));

const { train, test } = await datasets.mnist.load();
const validation = train.take(12_000);
const training = train.skip(12_000);

const inputs = Input({ shape: [28, 28, 1] });
let x = layers.rescaling(1 / 255)(inputs);
x = layers.conv2d(32, 3, { activation: 'relu' })(x);
x = layers.maxPooling2d(2)(x);
x = layers.conv2d(64, 3, { activation: 'relu' })(x);
x = layers.maxPooling2d(2)(x);
x = layers.conv2d(128, 3, { activation: 'relu' })(x);
x = layers.maxPooling2d(2)(x);
x = layers.flatten()(x);
x = layers.dropout(0.5)(x);
const outputs = layers.dense(10, { activation: 'softmax' })(x);

const model = new Model({ inputs, outputs });
model.summary();
for (const kind of ['svg', 'png'])
  await plots.model(model, `${folder}/model.${kind}`, { showShapes: true });

model.compile({
  optimizer: 'adam',
  loss: 'sparse_categorical_crossentropy',
  metrics: ['accuracy'],
});
const started = performance.now();
const history = await model.fit(training, { epochs, batchSize: 32, validationData: validation });
const secondsPerEpoch = (performance.now() - started) / 1000 / epochs;

for (const kind of ['svg', 'png']) await plots.history(history, `${folder}/curves.${kind}`);
await writeFile(`${folder}/history.json`, `${JSON.stringify(history, null, 2)}\n`);
await writeFile(`${folder}/history.csv`, history.toCSV());

const result = await model.evaluate(test);
console.log(
  `test loss ${result.loss!.toFixed(4)}, test accuracy ${(result.accuracy! * 100).toFixed(2)} %`,
);

const probabilities = await model.predict(test.images);
const predicted = probabilities.argMax();
console.log(`first test image: predicted ${predicted[0]}, true ${test.labels.at(0)}`);
// Some predictions, every wrong one of the first thousand among them.
const wrong = predicted
  .slice(0, 1000)
  .flatMap((digit, i) => (digit === test.labels.at(i) ? [] : [i]));
console.log(`${wrong.length} of the first 1000 are wrong`);
for (const kind of ['svg', 'png']) {
  await plots.predictions(
    test.images.slice(0, 40),
    { probabilities: probabilities.slice(0, 40), labels: test.labels.slice(0, 40) },
    `${folder}/predictions.${kind}`,
  );
}

const sha = createHash('sha256');
for (const weight of model.weights) sha.update(new Uint8Array(weight.value().data.buffer));
const summary = {
  testLoss: result.loss,
  testAccuracy: result.accuracy,
  parameters: model.countParams(),
  secondsPerEpoch,
  msPerStep: 0,
  threads: availableParallelism(),
  weightsSha256: sha.digest('hex'),
};
await writeFile(`${folder}/result.json`, `${JSON.stringify(summary, null, 2)}\n`);
console.log(`everything is in ${folder}/`);
model.close();
