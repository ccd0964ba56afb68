/** @file What code under test prints. */
import { mock } from 'node:test';

/** The result of `body` with all that it wrote to standard output, which stays silent, and its warnings. */
export async function printed<T>(
  body: () => Promise<T>,
): Promise<{ result: T; text: string; warnings: string[] }> {
  let text = '';
  const warnings: string[] = [];
  const { stdout } = process;
  const write = stdout.write.bind(stdout);
  // The test runner speaks in bytes over the same stream.
  const written = mock.method(stdout, 'write', (part: string | Uint8Array) => {
    if (typeof part !== 'string') return write(part);
    text += part;
    return true;
  });
  const warned = mock.method(console, 'warn', (message: string) => void warnings.push(message));
  try {
    const result = await body();
    return { result, text, warnings };
  } finally {
    written.mock.restore();
    warned.mock.restore();
  }
}
