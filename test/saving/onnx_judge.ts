/** @file What onnxruntime computes for a file, and how far tsuno may be from it. */
import assert from 'node:assert/strict';
import { Tensor } from '../../src/index.ts';

let loading: Promise<typeof import('onnxruntime-web')> | undefined;

function runtime(): Promise<typeof import('onnxruntime-web')> {
  loading ??= import('onnxruntime-web').then((ort) => {
    ort.env.wasm.numThreads = 1;
    ort.env.logLevel = 'error';
    return ort;
  });
  return loading;
}

/** What onnxruntime computes. */
export async function judged(bytes: Uint8Array, x: Tensor): Promise<Tensor[]> {
  const ort = await runtime();
  const session = await ort.InferenceSession.create(bytes);
  const feed = new ort.Tensor('float32', Float32Array.from(x.data), [...x.shape]);
  const found = await session.run({ [session.inputNames[0]!]: feed });
  const outputs = session.outputNames.map((name) => {
    const { dims, data } = found[name]!;
    return new Tensor('float32', [...dims], Float32Array.from(data as Float32Array));
  });
  await session.release();
  return outputs;
}

/** Outputs that differ by less than 1e-5 of what is expected, or of 1. */
export function checkEqual(found: readonly Tensor[], expected: readonly Tensor[]): void {
  assert.deepEqual(
    found.map(({ shape }) => shape),
    expected.map(({ shape }) => shape),
  );
  expected.forEach(({ data }, i) => {
    let largest = 0;
    data.forEach((value, j) => {
      largest = Math.max(
        largest,
        Math.abs(value - found[i]!.data[j]!) / Math.max(1, Math.abs(value)),
      );
    });
    assert.ok(largest < 1e-5, `output ${i} differs by ${largest}`);
  });
}

/** [n, c, h, w] as [n, h, w, c]. */
export function channelsLast(x: Tensor): Tensor<'float32'> {
  const [n, c, h, w] = x.shape as [number, number, number, number];
  const out = new Tensor('float32', [n, h, w, c]);
  x.data.forEach((value, i) => {
    const [column, row] = [i % w, Math.floor(i / w) % h];
    const [channel, sample] = [Math.floor(i / (w * h)) % c, Math.floor(i / (w * h * c))];
    out.data[((sample * h + row) * w + column) * c + channel] = value;
  });
  return out;
}
