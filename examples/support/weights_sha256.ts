/** @file One number for all weights of a model: equal where every bit is. */
import { createHash } from 'node:crypto';
import type { Model } from 'tsuno';

export function weightsSha256(model: Model): string {
  const hash = createHash('sha256');
  for (const { data } of model.getWeights()) {
    hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest('hex');
}
