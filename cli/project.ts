/** @file The files of a new project, by their paths in it. */

/** The digits program, its set-up and what to do with it. @param tsuno which one npm takes: `^1.2.3`, `file:FOLDER`. */
export function projectFiles(name: string, tsuno: string): ReadonlyMap<string, string> {
  return new Map([
    ['package.json', manifest(name, tsuno)],
    ['tsconfig.json', compilerOptions],
    ['src/train.ts', program],
    ['README.md', readme(name)],
    ['.gitignore', 'node_modules/\ndist/\nruns/\n'],
  ]);
}

function manifest(name: string, tsuno: string): string {
  const content = {
    name,
    version: '0.0.0',
    private: true,
    type: 'module',
    scripts: { build: 'tsc', train: 'tsc && node dist/train.js' },
    dependencies: { tsuno },
    devDependencies: { '@types/node': '^26.6.6', typescript: '^7.0.2' },
  };
  return `${JSON.stringify(content, null, 2)}\n`;
}

const compilerOptions = `{
  "compilerOptions": {
    "target": "es2022",
    "module": "nodenext",
    "types": ["node"],
    "rootDir": "src",
    "outDir": "dist",
    "strict": true,
    "skipLibCheck": true
  },
  "include": ["src"]
}
`;

const program = `// Handwritten digits: load them, build a network, train it, measure it, save it.
//
//     npm run train                 5 epochs on 48,000 images
//     npm run train -- 1 640        1 epoch on 640 images
import { mkdir } from 'node:fs/promises';
import { datasets, Input, layers, Model, plots } from 'tsuno';

const [epochs = 5, samples = 48_000] = process.argv.slice(2).map(Number);
await mkdir('runs', { recursive: true });

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

model.compile({
  optimizer: 'adam',
  loss: 'sparse_categorical_crossentropy',
  metrics: ['accuracy'],
});
const history = await model.fit(training, { epochs, batchSize: 32, validationData: validation });
await plots.history(history, 'runs/curves.png');

const { accuracy } = await model.evaluate(test);
console.log(\`test accuracy \${((accuracy ?? 0) * 100).toFixed(2)} %\`);
await model.save('runs/mnist.keras');
console.log('The model is in runs/mnist.keras, its curves are in runs/curves.png.');
model.close();
`;

function readme(name: string): string {
  return `# ${name}

A convolutional network that reads handwritten digits, in \`src/train.ts\`.

\`\`\`sh
npm install
npm run train
\`\`\`

The trained model is in \`runs/mnist.keras\`, the curves of its training are in \`runs/curves.png\`. Without a program:

\`\`\`sh
npx tsuno summary runs/mnist.keras
npx tsuno evaluate runs/mnist.keras --data mnist
npx tsuno predict runs/mnist.keras mnist --take 5
npx tsuno fit runs/mnist.keras --data mnist --epochs 1 --out runs/more.keras
\`\`\`
`;
}
