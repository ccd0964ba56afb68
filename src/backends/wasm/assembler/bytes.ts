/** @file Bytes that grow: what encodings are written into. */
import { unsigned } from './leb128.ts';

export class Bytes {
  private data: Uint8Array<ArrayBuffer>;
  private used = 0;

  constructor(expected = 1024) {
    this.data = new Uint8Array(expected);
  }

  get length(): number {
    return this.used;
  }

  private reserve(more: number): void {
    if (this.used + more <= this.data.length) return;
    const larger = new Uint8Array(Math.max(2 * this.data.length, this.used + more));
    larger.set(this.data);
    this.data = larger;
  }

  byte(value: number): void {
    this.reserve(1);
    this.data[this.used++] = value;
  }

  list(values: readonly number[]): void {
    this.reserve(values.length);
    for (const value of values) this.data[this.used++] = value;
  }

  /** LEB128 of 32 bits, unsigned; most numbers fit one byte. */
  unsigned(value: number): void {
    if (value >= 0 && value < 128) this.byte(value);
    else this.list(unsigned(value));
  }

  text(value: string): void {
    const bytes = new TextEncoder().encode(value);
    this.unsigned(bytes.length);
    this.reserve(bytes.length);
    this.data.set(bytes, this.used);
    this.used += bytes.length;
  }

  /** `content`, its length before it. */
  sized(content: Bytes): void {
    this.unsigned(content.used);
    this.reserve(content.used);
    this.data.set(content.data.subarray(0, content.used), this.used);
    this.used += content.used;
  }

  finish(): Uint8Array<ArrayBuffer> {
    return this.data.slice(0, this.used);
  }
}
