/** @file ONNX Runtime's WebAssembly build: inference. */
import * as ort from 'onnxruntime-web';
import { toOnnx } from '../../src/index.ts';
import { networks, wholeJob } from '../networks.ts';
import type { JavaScriptPeer } from './javascript.ts';
import { articleBatch } from './mnist_batch.ts';

/** The article's network as an ONNX file, in a session. */
export async function open(threads: number): Promise<JavaScriptPeer> {
  ort.env.wasm.numThreads = threads;
  ort.env.logLevel = 'error';
  const session = await ort.InferenceSession.create(toOnnx(networks[wholeJob]!.build()));
  return {
    predict: async (batch) => {
      const { pixels } = articleBatch(batch);
      const feeds = {
        [session.inputNames[0]!]: new ort.Tensor('float32', pixels, [batch, 28, 28, 1]),
      };
      return async (steps) => {
        for (let step = 0; step < steps; step++) await session.run(feeds);
      };
    },
  };
}
