/**
 * @file The other side of `permission.test.ts`: a process that may read one folder and write nothing, and loads every file
 * there. Prints, as JSON, how each was refused, which were loaded, and what became of an attempt to save.
 *
 *     node --permission --allow-fs-read=… dist/test/attacks/confined.js FOLDER OUTSIDE
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  Input,
  layers,
  loadModel,
  readNpz,
  readSafetensors,
  Sequential,
  TsunoError,
} from '../../src/index.ts';

const [folder, outside] = process.argv.slice(2) as [string, string];
const outcomes: Record<string, string> = {};

async function noted(name: string, body: () => unknown): Promise<void> {
  try {
    await body();
    outcomes[name] = 'loaded';
  } catch (error) {
    outcomes[name] =
      error instanceof TsunoError ? `${error.code}: ${error.message}` : `bug: ${error}`;
  }
}

const model = new Sequential([Input({ shape: [4] }), layers.dense(2)]);
for (const name of readdirSync(folder).sort()) {
  const path = join(folder, name);
  await noted(name, async () => {
    if (name.endsWith('.weights.h5')) await model.loadWeights(path);
    else if (name.endsWith('.safetensors')) readSafetensors(readFileSync(path));
    else if (name.endsWith('.npz')) await readNpz(readFileSync(path));
    else await loadModel(path);
  });
}
await noted('outside', () => readFileSync(outside));
await noted('save', () => model.save(join(folder, 'new.keras')));
console.log(JSON.stringify({ outcomes, prototype: Object.keys(Object.prototype).length }));
