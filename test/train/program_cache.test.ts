/**
 * @file Programs for many shapes: those of late are kept, the others go, and give back the memory they had. Counted are
 * calls of the compiler, and bytes of the engine's memory that somebody has.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Region } from '../../src/backends/backend.ts';
import { EngineMemory } from '../../src/backends/wasm/memory.ts';
import { setRandomSeed } from '../../src/core/seed.ts';
import { Tensor } from '../../src/core/tensor.ts';
import * as layers from '../../src/layers/index.ts';
import { Model } from '../../src/model/model.ts';
import { Input } from '../../src/topology/input.ts';
import { mostPrograms } from '../../src/train/programs.ts';
import { during } from '../support/during.ts';

/** For images of any size. */
function openModel(threads: number): Model {
  setRandomSeed(2);
  const inputs = Input({ shape: [null, null, 1] });
  let x = layers.conv2d(4, 3, { padding: 'same', activation: 'relu' })(inputs);
  x = layers.globalAveragePooling2d()(x);
  const model = new Model({ inputs, outputs: layers.dense(2)(x) });
  // Joined modules are compiled by another call, which is not counted here.
  model.compile({ optimizer: 'sgd', loss: 'mse', threads, revectorize: false });
  return model;
}

function imageOf(height: number, width: number): Tensor {
  const image = new Tensor('float32', [1, height, width, 1]);
  image.data.forEach((_, i) => {
    image.data[i] = Math.sin(i);
  });
  return image;
}

const bytesOf = async (model: Model, image: Tensor) =>
  Buffer.from((await model.predict(image, { verbose: 0 })).data.buffer).toString('hex');

describe('a model that meets images of many sizes', () => {
  const count = 5 * mostPrograms;
  const sizes = Array.from({ length: count }, (_, i): [height: number, width: number] => [
    3 + (i % 20),
    3 + Math.floor(i / 20),
  ]);

  for (const threads of [1, 2]) {
    test(`predicts on all ${count} with the memory of a few, ${threads} threads`, async () => {
      const model = openModel(threads);
      const first = await bytesOf(model, imageOf(22, 22));
      let compiled = 0;
      let held = 0;
      const { allocate, free } = EngineMemory.prototype;
      const { compile } = WebAssembly;
      function taking(this: EngineMemory, bytes: number): Region {
        const region = allocate.call(this, bytes);
        held += region.bytes;
        return region;
      }
      function freeing(this: EngineMemory, region: Region): void {
        held -= region.bytes;
        free.call(this, region);
      }
      const compiling = (bytes: BufferSource) => {
        compiled++;
        return compile(bytes);
      };
      const all = async () => {
        let most = 0;
        for (const [i, size] of sizes.entries()) {
          await bytesOf(model, imageOf(...size));
          if (i < mostPrograms) most = held;
        }
        assert.equal(compiled, count);
        assert.ok(most > mostPrograms, `${most} bytes: programs that are kept have memory`);
        assert.ok(held <= most, `${held} bytes at the end, ${most} with ${mostPrograms} programs`);
        // One of late is still there, the first is made anew and gives the same bits.
        await bytesOf(model, imageOf(...sizes.at(-10)!));
        assert.equal(compiled, count);
        assert.equal(await bytesOf(model, imageOf(22, 22)), first);
        assert.equal(compiled, count + 1);
      };
      await during(EngineMemory.prototype, 'allocate', taking, () =>
        during(EngineMemory.prototype, 'free', freeing, () =>
          during(WebAssembly, 'compile', compiling, all),
        ),
      );
      model.close();
    });
  }
});
