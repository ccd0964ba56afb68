/** @file How large weights may be: each one, and those of a model together while a file is loaded. */
import { bytesOf, type DType } from '../core/dtype.ts';
import { show, TsunoError } from '../core/errors.ts';
import { type Shape, sizeOf } from '../core/shape.ts';

/** Bytes that one weight may take. */
const weightLimit = 2e9;
/** Bytes that new weights may take together, and what they are held to, while a file is loaded. */
let allowance: { bytes: number; reason: string } | undefined;

/**
 * Runs `body`; the weights made in it may take `bytes` together.
 *
 * @param reason what the limit comes from, for the error.
 */
export function withWeightAllowance<T>(bytes: number, reason: string, body: () => T): T {
  const outer = allowance;
  allowance = { bytes, reason };
  try {
    return body();
  } finally {
    allowance = outer;
  }
}

/** @throws TsunoError `MEMORY` where a new weight would be too large; else takes its bytes from what is allowed. */
export function checkWeightSize(where: string, name: string, shape: Shape, dtype: DType): void {
  const bytes = sizeOf(shape) * bytesOf(dtype);
  const gigabytes = (amount: number) => `${(amount / 1e9).toFixed(1)} GB`;
  const refuse = (expected: string, found: string) =>
    new TsunoError('MEMORY', {
      where,
      what: `weight "${name}" of shape ${show([...shape])}`,
      expected,
      found,
    });
  if (!(bytes <= weightLimit))
    throw refuse(`at most ${gigabytes(weightLimit)}`, `one that needs ${gigabytes(bytes)}`);
  if (!allowance) return;
  if (bytes > allowance.bytes)
    throw refuse(
      `within the ${allowance.bytes} bytes left of ${allowance.reason}`,
      `${bytes} bytes`,
    );
  allowance.bytes -= bytes;
}
