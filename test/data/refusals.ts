/** @file For tables of refusals: the code and the pieces of text that a message must have. */
import assert from 'node:assert/strict';
import { type ErrorCode, TsunoError } from '../../src/core/errors.ts';

/** Runs `action`, which must throw (or reject with) a TsunoError of this code whose message has every text. */
export async function refuses(
  action: () => unknown,
  code: ErrorCode,
  ...texts: readonly string[]
): Promise<TsunoError> {
  let error: unknown;
  try {
    await action();
  } catch (thrown) {
    error = thrown;
  }
  assert.ok(error instanceof TsunoError, `expected ${code}, got ${String(error ?? 'no error')}`);
  assert.equal(error.code, code, error.message);
  for (const text of texts) {
    assert.ok(error.message.includes(text), `${JSON.stringify(text)} in: ${error.message}`);
  }
  assert.doesNotMatch(error.message, /undefined is|Invalid typed array|out of bounds/);
  return error;
}
