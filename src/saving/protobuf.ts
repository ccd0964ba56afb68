/**
 * @file Protocol buffers out of bytes, strictly: the fields of a message one after another, each number and length held
 * against the bytes that are there. It never descends by itself, so no file can make it do so without end.
 *
 * @see https://protobuf.dev/programming-guides/encoding/
 */
import { type ByteReader, decodeUtf8 } from './byte_reader.ts';

/** The bytes of a message, from one place of the file up to another. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** A field of a message. */
export interface Field {
  readonly number: number;
  /** Where it begins, for messages. */
  readonly at: number;
  /** 0: a number, 1: 8 bytes, 2: a range of bytes, 5: 4 bytes. */
  readonly wire: 0 | 1 | 2 | 5;
  /** The number of wire 0, 64 bits without sign. */
  readonly value: bigint;
  /** The bytes of the others. */
  readonly range: Range;
}

const longestVarint = 10; // bytes

/** 7 bits a byte, the least significant first; `next` is the byte after it. */
function varint(reader: ByteReader, at: number, to: number): { value: bigint; next: number } {
  let value = 0n;
  for (let i = 0; i < longestVarint; i++) {
    if (at + i >= to) throw reader.error(at, 'number', `must end by byte ${to}`, 'more');
    const byte = reader.u8(at + i, 'number');
    value |= BigInt(byte & 0x7f) << BigInt(7 * i);
    if (byte >= 0x80) continue;
    if (value >> 64n) throw reader.error(at, 'number', 'of 64 bits', 'a larger one');
    return { value, next: at + i + 1 };
  }
  throw reader.error(at, 'number', `of at most ${longestVarint} bytes`, 'a longer one');
}

/** 64 bits with their sign; beyond 2⁵³ − 1 that: the largest numbers stand for "to the end" in slices. */
function safe(bits: bigint): number {
  const value = Number(BigInt.asIntN(64, bits));
  return Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, value));
}

/** The fields of a message, in order; those of numbers nobody asked for are there as well. */
export function* fieldsOf(reader: ByteReader, { from, to }: Range): Generator<Field> {
  for (let at = from; at < to; ) {
    const key = varint(reader, at, to);
    const number = Number(key.value >> 3n);
    const wire = Number(key.value & 7n);
    if (number < 1 || number > 0x1fffffff)
      throw reader.error(at, 'number of a field', '1 to 536870911', String(number));
    if (wire === 0) {
      const { value, next } = varint(reader, key.next, to);
      yield { number, at, wire, value, range: { from: key.next, to: next } };
      at = next;
      continue;
    }
    if (wire !== 1 && wire !== 2 && wire !== 5)
      throw reader.error(at, 'kind of a field', '0, 1, 2 or 5', String(wire));
    const length = wire === 2 ? varint(reader, key.next, to) : undefined;
    const start = length ? length.next : key.next;
    const size = length ? length.value : wire === 1 ? 8n : 4n;
    if (size > BigInt(to - start))
      throw reader.error(at, `field ${number}`, `at most ${to - start} bytes`, String(size));
    const end = start + Number(size);
    yield { number, at, wire, value: 0n, range: { from: start, to: end } };
    at = end;
  }
}

/** Reads the values of fields by their kinds; each throws where a field is of another kind. */
export class FieldReader {
  readonly reader: ByteReader;

  constructor(reader: ByteReader) {
    this.reader = reader;
  }

  private expect(field: Field, wire: Field['wire'], kind: string): void {
    if (field.wire === wire) return;
    throw this.reader.error(field.at, `field ${field.number}`, kind, `kind ${field.wire}`);
  }

  /** A message, or bytes. */
  range(field: Field): Range {
    this.expect(field, 2, 'a message or bytes');
    return field.range;
  }

  bytes(field: Field, what: string): Uint8Array {
    const { from, to } = this.range(field);
    return this.reader.slice(from, to - from, what);
  }

  text(field: Field, what: string): string {
    const { reader } = this;
    return decodeUtf8(this.bytes(field, what), () =>
      reader.error(field.at, what, 'UTF-8', 'other bytes'),
    );
  }

  /** A whole number with its sign; see {@link safe}. */
  integer(field: Field): number {
    this.expect(field, 0, 'a number');
    return safe(field.value);
  }

  /** Whole numbers, one a field or many in one. */
  integers(field: Field): number[] {
    if (field.wire === 0) return [this.integer(field)];
    const { from, to } = this.range(field);
    const values: number[] = [];
    for (let at = from; at < to; ) {
      const { value, next } = varint(this.reader, at, to);
      values.push(safe(value));
      at = next;
    }
    return values;
  }

  /** A number of 32 bits. */
  float(field: Field, what: string): number {
    this.expect(field, 5, 'a float');
    return this.view(field.range, what).getFloat32(0, true);
  }

  /** Floats of `size` bytes, one a field or many in one. */
  floats(field: Field, size: 4 | 8, what: string): number[] {
    const { from, to } = field.range;
    if (field.wire === 0 || (to - from) % size !== 0)
      throw this.reader.error(field.at, what, `numbers of ${size} bytes`, `${to - from} bytes`);
    const view = this.view(field.range, what);
    return Array.from({ length: (to - from) / size }, (_, i) =>
      size === 4 ? view.getFloat32(4 * i, true) : view.getFloat64(8 * i, true),
    );
  }

  private view({ from, to }: Range, what: string): DataView {
    const { buffer, byteOffset, byteLength } = this.reader.slice(from, to - from, what);
    return new DataView(buffer, byteOffset, byteLength);
  }
}
