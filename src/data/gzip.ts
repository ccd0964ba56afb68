/**
 * @file Gzip, unpacked piece by piece with the platform's own decompressor, so that a reader can stop when it has what
 * it needs: a small file that unpacks to gigabytes costs no more than was asked for.
 */
import { TsunoError } from '../core/errors.ts';

/** Whether `bytes` begin as a gzip file does (RFC 1952, section 2.3.1). */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/**
 * The unpacked contents, in pieces; leaving the loop stops the decompressor. The checksum at the end of the file is
 * checked when the loop runs to its end.
 *
 * @param name The file, for messages.
 * @throws TsunoError `IDX_FORMAT` where the file is cut or damaged.
 */
export async function* gunzip(bytes: Uint8Array, name: string): AsyncGenerator<Uint8Array> {
  const reader = inPieces(bytes).pipeThrough(new DecompressionStream('gzip')).getReader();
  let unpacked = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((error: unknown) => {
        throw new TsunoError('IDX_FORMAT', {
          where: name,
          what: 'gzip data',
          expected: 'whole and undamaged',
          found: `${bytes.length} bytes that fail after unpacking ${unpacked}`,
          repair: 'Copy or download the file again.',
          cause: error,
        });
      });
      if (done) return;
      unpacked += value.length;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => {}); // already reported where it failed
  }
}

/**
 * A stream that hands over 16 KiB when asked and nothing ahead: a browser unpacks a whole piece, at most 1,032 times
 * its size, before the reader sees any of it.
 */
function inPieces(bytes: Uint8Array): ReadableStream<Uint8Array<ArrayBuffer>> {
  const piece = 16384;
  let at = 0;
  return new ReadableStream(
    {
      pull(controller) {
        if (at >= bytes.length) controller.close();
        else controller.enqueue(bytes.slice(at, at + piece));
        at += piece;
      },
    },
    { highWaterMark: 0 },
  );
}
