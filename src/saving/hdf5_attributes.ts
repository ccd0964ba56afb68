/**
 * @file Attributes of HDF5 objects that are text: one or a list, of a fixed length or in the heap that a file has for text
 * of any length. Attributes of other types are passed over, but for empty ones, which are empty lists.
 */
import { type ErrorCode, show, TsunoError } from '../core/errors.ts';
import type { ByteReader } from './byte_reader.ts';
import type { Claim, Message } from './hdf5_messages.ts';

const kinds = { attribute: 0xc, attributeInfo: 0x15 } as const;

/** Reads attributes of one file; remembers its heaps, whose bytes count once, and how much text was read in all. */
export class AttributeReader {
  private readonly reader: ByteReader;
  private readonly claim: Claim;
  private readonly heaps = new Map<number, ReadonlyMap<number, { at: number; size: number }>>();
  private characters = 0;

  constructor(reader: ByteReader, claim: Claim) {
    this.reader = reader;
    this.claim = claim;
  }

  /** The texts of an object by name. */
  texts(messages: readonly Message[], path: string): Map<string, readonly string[]> {
    const found = new Map<string, readonly string[]>();
    for (const message of messages) {
      if (message.kind === kinds.attributeInfo) this.checkInfo(message, path);
      if (message.kind !== kinds.attribute) continue;
      const { name, values } = this.attribute(message, path);
      if (found.has(name)) throw this.refuse('HDF5', `${path}@${name}`, 'there once', 'twice');
      if (values) found.set(name, values);
    }
    return found;
  }

  private refuse(code: ErrorCode, what: string, expected: string, found: string): TsunoError {
    return new TsunoError(code, { where: this.reader.where, what, expected, found });
  }

  /** Many or long attributes of new files lie elsewhere. */
  private checkInfo({ at }: Message, path: string): void {
    const flags = this.reader.u8(at + 1, 'flags of attributes');
    const heap = this.reader.slice(at + 2 + (flags & 1 ? 2 : 0), 8, 'heap of attributes');
    if (heap.some((byte) => byte !== 0xff))
      throw this.refuse('UNSUPPORTED', path, 'with attributes that lie in it', 'a heap of them');
  }

  private attribute(
    { at, size, shared }: Message,
    path: string,
  ): { name: string; values: string[] | undefined } {
    const { reader } = this;
    const version = reader.u8(at, 'version of an attribute');
    if (version < 1 || version > 3 || shared)
      throw this.refuse('UNSUPPORTED', path, 'with attributes of version 1 to 3', `${version}`);
    if (version > 1 && (reader.u8(at + 1, 'flags of an attribute') & 3) !== 0)
      throw this.refuse('UNSUPPORTED', path, 'with types of its own', 'shared ones');
    const padded = (length: number) => (version === 1 ? Math.ceil(length / 8) * 8 : length);
    const [nameSize, typeSize, spaceSize] = [2, 4, 6].map((offset) =>
      reader.u16(at + offset, 'size in an attribute'),
    ) as [number, number, number];
    const start = at + (version === 3 ? 9 : 8);
    const type = start + padded(nameSize);
    const space = type + padded(typeSize);
    const data = space + padded(spaceSize);
    if (nameSize < 1 || data > at + size)
      throw reader.error(at, 'attribute', `at most ${size} bytes`, `${data - at}`);
    const name = reader.text(start, nameSize - 1, 'name of an attribute');
    const count = this.count(space, spaceSize);
    const kind = typeSize < 8 ? -1 : reader.u8(type, 'type') & 0xf;
    const width = typeSize < 8 ? 0 : reader.u32(type + 4, 'size of an element');
    const isAnyLength = kind === 9 && (reader.u8(type + 1, 'type') & 0xf) === 1;
    if (kind !== 3 && !isAnyLength) return { name, values: count === 0 ? [] : undefined };
    if (count * width > at + size - data) {
      const expected = `at most ${at + size - data} bytes`;
      throw reader.error(data, `values of ${show(name)}`, expected, `${count * width}`);
    }
    if (isAnyLength && width !== 16)
      throw reader.error(type, `type of ${show(name)}`, '16 bytes', String(width));
    const values = Array.from({ length: count }, (_, i) =>
      isAnyLength ? this.heapText(data + 16 * i) : this.fixedText(data + width * i, width),
    );
    return { name, values };
  }

  /** Elements of an attribute: none, one, or those of a list. */
  private count(at: number, size: number): number {
    const { reader } = this;
    const version = reader.u8(at, 'version of a shape');
    if (version !== 1 && version !== 2)
      throw reader.error(at, 'version of a shape', '1 or 2', String(version));
    const rank = reader.u8(at + 1, 'rank');
    if (version === 2 && reader.u8(at + 3, 'kind of shape') === 2) return 0;
    const start = version === 1 ? 8 : 4;
    if (rank > 1 || start + 8 * rank > size)
      throw reader.error(at + 1, 'rank of an attribute', '0 or 1', String(rank));
    return rank === 0 ? 1 : reader.u64(at + start, 'extent');
  }

  private text(at: number, size: number): string {
    this.characters += size;
    if (this.characters <= this.reader.length) return this.reader.text(at, size, 'text');
    const expected = `at most the ${this.reader.length} bytes of the file`;
    throw this.reader.error(at, 'text of attributes', expected, 'more', 'HDF5_LIMIT');
  }

  /** Ends at the first byte of 0. */
  private fixedText(at: number, width: number): string {
    const end = this.reader.slice(at, width, 'text').indexOf(0);
    return this.text(at, end < 0 ? width : end);
  }

  private heapText(at: number): string {
    const { reader } = this;
    const length = reader.u32(at, 'length of a text');
    if (length === 0) return '';
    const address = reader.u64(at + 4, 'heap of a text');
    const index = reader.u32(at + 12, 'place in a heap');
    const entry = this.heap(address).get(index);
    if (entry && length <= entry.size) return this.text(entry.at, length);
    throw reader.error(at, 'text', 'in its heap', `${length} bytes as entry ${index}`);
  }

  private heap(address: number): ReadonlyMap<number, { at: number; size: number }> {
    const known = this.heaps.get(address);
    if (known) return known;
    const { reader } = this;
    const found = String.fromCharCode(...reader.slice(address, 4, 'heap'));
    if (found !== 'GCOL') throw reader.error(address, 'heap', '"GCOL"', show(found));
    const size = reader.u64(address + 8, 'size of a heap');
    this.claim(address, size);
    const entries = new Map<number, { at: number; size: number }>();
    for (let at = address + 16; at + 16 <= address + size; ) {
      const index = reader.u16(at, 'place in a heap');
      if (index === 0) break; // what is left is free
      const length = reader.u64(at + 8, 'length of an entry');
      if (at + 16 + length > address + size || entries.has(index))
        throw reader.error(at, 'entry of a heap', 'inside it, there once', `entry ${index}`);
      entries.set(index, { at: at + 16, size: length });
      at += 16 + Math.ceil(length / 8) * 8;
    }
    this.heaps.set(address, entries);
    return entries;
  }
}
