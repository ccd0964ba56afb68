/**
 * @file What an example may speak of without making it: a model and a little data, so that an example about saving a
 * model is about saving. In: names that a block uses and nobody declares. Out: the code that makes them, on one line.
 */

interface Given {
  name: string;
  needs: readonly string[];
  code: readonly string[];
}

/** Small enough that an example which trains takes a moment. */
const givens: readonly Given[] = [
  {
    name: 'images', // float32[16, 28, 28, 1]
    needs: [],
    code: [
      "import { Tensor as __Tensor } from 'tsuno';",
      "const images = new __Tensor('float32', [16, 28, 28, 1]);",
    ],
  },
  {
    name: 'labels', // uint8[16], below 10
    needs: ['images'],
    code: [
      "const labels = new __Tensor('uint8', [16], Uint8Array.from({ length: 16 }, (_, i) => i % 10));",
    ],
  },
  ...['training', 'validation', 'test'].map((name) => ({
    name,
    needs: ['labels'],
    code: [
      `import { Dataset as __${name} } from 'tsuno';`,
      `const ${name} = __${name}.from({ images, labels });`,
    ],
  })),
  {
    name: 'model', // images [28, 28, 1], 10 classes
    needs: [],
    code: [
      "import { Input as __Input, layers as __layers, Model as __Model } from 'tsuno';",
      'const __inputs = __Input({ shape: [28, 28, 1] });',
      "const __maps = __layers.maxPooling2d(2)(__layers.conv2d(4, 3, { activation: 'relu' })(__inputs));",
      "const __outputs = __layers.dense(10, { activation: 'softmax' })(__layers.flatten()(__maps));",
      'const model = new __Model({ inputs: __inputs, outputs: __outputs });',
      "model.compile({ optimizer: 'adam', loss: 'sparse_categorical_crossentropy', metrics: ['accuracy'] });",
    ],
  },
];

/** Code that declares those of the names that can be given, and what they need. */
export function given(names: ReadonlySet<string>): string[] {
  const wanted = new Set(names);
  for (const { name, needs } of [...givens].reverse()) {
    if (wanted.has(name)) for (const need of needs) wanted.add(need);
  }
  return givens.filter(({ name }) => wanted.has(name)).flatMap(({ code }) => code);
}

export const givenNames: readonly string[] = givens.map(({ name }) => name);
