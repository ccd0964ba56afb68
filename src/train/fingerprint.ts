/**
 * @file What tells data apart that a run is given: types, counts and a SHA-256 of the bytes; of a column of more than 64
 * MiB, that of 64 pieces of 1 MiB spread evenly over it, the first and the last among them.
 */
import { sha256 } from '../core/sha256.ts';
import type { Tensor } from '../core/tensor.ts';
import type { Columns } from './batches.ts';

const piece = 2 ** 20;
const pieces = 64;

/**
 * A text for columns, equal for equal data.
 *
 * @example
 * ```ts no-run
 * await fingerprint({ x: [images], y: [labels], sampleWeights: [] }); // 'float32 [60,6,6,1] 5f2c…, uint8 [60] a01b…'
 * ```
 */
export async function fingerprint({ x, y, sampleWeights }: Columns): Promise<string> {
  const columns = [...x, ...y, ...sampleWeights].map((column) =>
    column ? fingerprintOf(column) : 'none',
  );
  return (await Promise.all(columns)).join(', ');
}

async function fingerprintOf({ dtype, shape, data }: Tensor): Promise<string> {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const digest = await sha256(sampleOf(bytes));
  return `${dtype} [${shape.join()}] ${digest.slice(0, 16)}`;
}

/** All of the bytes, or the pieces of them. */
export function sampleOf(bytes: Uint8Array): Uint8Array {
  if (bytes.length <= pieces * piece) return bytes;
  const sample = new Uint8Array(pieces * piece);
  const last = bytes.length - piece;
  for (let i = 0; i < pieces; i++) {
    const at = Math.floor((last * i) / (pieces - 1));
    sample.set(bytes.subarray(at, at + piece), i * piece);
  }
  return sample;
}
