/**
 * @file Little-endian numbers out of bytes, every one checked against the end: what the readers of file formats stand
 * on, so that none of them can read past a file or hang on one.
 */
import { type ErrorCode, TsunoError } from '../core/errors.ts';

/** Bytes of a file with its name, and the code of its format's errors. */
export class ByteReader {
  readonly bytes: Uint8Array;
  readonly where: string;
  readonly code: ErrorCode;
  private readonly view: DataView;

  constructor(bytes: Uint8Array, where: string, code: ErrorCode) {
    // Not a Buffer of Node, whose `slice` does not copy.
    this.bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.where = where;
    this.code = code;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get length(): number {
    return this.bytes.length;
  }

  /** An error of this file, at a byte of it. */
  error(at: number, what: string, expected: string, found: string, code = this.code): TsunoError {
    const where = `${this.where}, byte ${at}`;
    return new TsunoError(code, { where, what, expected, found });
  }

  private need(at: number, count: number, what: string): void {
    if (at >= 0 && at + count <= this.length) return;
    throw this.error(at, what, `${count} bytes`, `the end of the file at ${this.length}`);
  }

  u8(at: number, what: string): number {
    this.need(at, 1, what);
    return this.view.getUint8(at);
  }

  u16(at: number, what: string): number {
    this.need(at, 2, what);
    return this.view.getUint16(at, true);
  }

  u32(at: number, what: string): number {
    this.need(at, 4, what);
    return this.view.getUint32(at, true);
  }

  /** Refused above 2⁵³ − 1, which is more than a file can hold. */
  u64(at: number, what: string): number {
    this.need(at, 8, what);
    const value = this.view.getBigUint64(at, true);
    if (value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value);
    throw this.error(at, what, 'less than 2^53', String(value));
  }

  /** A view of `count` bytes. */
  slice(at: number, count: number, what: string): Uint8Array {
    this.need(at, count, what);
    return this.bytes.subarray(at, at + count);
  }

  /** The text of `count` bytes. @throws TsunoError where they are not UTF-8. */
  text(at: number, count: number, what: string): string {
    return decodeUtf8(this.slice(at, count, what), () =>
      this.error(at, what, 'UTF-8', 'other bytes'),
    );
  }
}

/** Strict UTF-8, a byte order mark kept. */
export function decodeUtf8(bytes: Uint8Array, error: () => Error): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw error();
  }
}
