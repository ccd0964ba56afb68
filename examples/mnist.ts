/**
 * @file Handwritten digits, end to end: load MNIST, build the network, look at it, train, evaluate, predict. Pictures and
 * figures land in `runs/mnist/`.
 *
 *     npm start
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { datasets, Input, layers, Model, plots, setRandomSeed } from 'tsuno';
import { weightsSha256 } from './support/weights_sha256.ts';

const folder = process.env.TSUNO_RUN ?? 'runs/mnist';
const epochs = Number(process.env.TSUNO_EPOCHS ?? 5);
const samples = Number(process.env.TSUNO_SAMPLES ?? 48_000);
setRandomSeed(Number(process.env.TSUNO_SEED ?? 1));
await mkdir(folder, { recursive: true });

const { train, test } = await datasets.mnist.load();
const validation = train.take(12_000);
const training = train.skip(12_000).take(samples);

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
for (const kind of ['svg', 'png']) {
  await plots.model(model, `${folder}/model.${kind}`, { showShapes: true });
}

model.compile({
  optimizer: 'adam',
  loss: 'sparse_categorical_crossentropy',
  metrics: ['accuracy'],
});
const history = await model.fit(training, { epochs, batchSize: 32, validationData: validation });

for (const kind of ['svg', 'png']) await plots.history(history, `${folder}/curves.${kind}`);
await writeFile(`${folder}/history.json`, `${JSON.stringify(history, null, 2)}\n`);
await writeFile(`${folder}/history.csv`, history.toCSV());

const { loss, accuracy } = await model.evaluate(test);
const probabilities = await model.predict(test.images);
const predicted = probabilities.argMax();
console.log(`test accuracy ${(100 * accuracy).toFixed(2)} %`);
console.log(`first test image: predicted ${predicted[0]}, true ${test.labels.at(0)}`);

// A picture of the first test images and of the first that are taken for another digit.
const wrong = predicted.flatMap((digit, i) => (digit === test.labels.at(i) ? [] : [i]));
const shown = [...Array(18).keys(), ...wrong.slice(0, 10)];
for (const kind of ['svg', 'png']) {
  await plots.predictions(
    test.images.rows(shown),
    { probabilities: probabilities.rows(shown), labels: test.labels.rows(shown) },
    `${folder}/predictions.${kind}`,
  );
}

// Which digits are taken for which, and what the network looks for.
for (const kind of ['svg', 'png']) {
  const { labels } = test;
  await plots.confusionMatrix({ labels, probabilities }, `${folder}/confusion.${kind}`);
  await plots.filters(model, 'conv2d', `${folder}/filters.${kind}`);
  const maps = ['conv2d', 'conv2d_1', 'conv2d_2'];
  await plots.featureMaps(model, maps, test.images, `${folder}/feature_maps.${kind}`);
}

await model.save(`${folder}/mnist.keras`);
const result = {
  testLoss: loss,
  testAccuracy: accuracy,
  parameters: model.countParams(),
  msPerStep: history.msPerStep,
  secondsPerEpoch:
    history.timing.reduce((sum, { seconds }) => sum + seconds, 0) / history.timing.length,
  threads: (await model.engine()).threads,
  weightsSha256: weightsSha256(model),
};
await writeFile(`${folder}/result.json`, `${JSON.stringify(result, null, 2)}\n`);
console.log(`${wrong.length} of ${test.length} are wrong; everything is in ${folder}/`);
model.close();
