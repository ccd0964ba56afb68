/**
 * @file HDF5 from bytes, read strictly and as a whole: the groups and arrays of numbers that Keras and h5py write. Links
 * to elsewhere, virtual and external data, filters and chunks are refused before data is looked at. Each byte of the
 * file is accounted for once, so that neither loops nor declared sizes can cost more than the file's own length.
 */
import { type ErrorCode, show, TsunoError } from '../core/errors.ts';
import { ByteReader } from './byte_reader.ts';
import type { ElementType } from './elements.ts';
import type { H5Dataset, H5Group, H5Node } from './hdf5.ts';
import { AttributeReader } from './hdf5_attributes.ts';
import { type Message, readMessages } from './hdf5_messages.ts';

const undefinedAddress = 0xffffffffffffffffn;
const deepest = 64; // groups in groups

/** Kinds of messages. */
const kinds = {
  dataspace: 0x1,
  linkInfo: 0x2,
  datatype: 0x3,
  link: 0x6,
  external: 0x7,
  layout: 0x8,
  filters: 0xb,
  symbolTable: 0x11,
} as const;

/**
 * The root group of a file.
 *
 * @param bytes the file; arrays of the result are views into it.
 * @param withTexts whether groups have the text of their attributes; default false.
 * @throws TsunoError `HDF5` where it is not what the format says, `HDF5_LINK` for links to other places or files,
 * `HDF5_LIMIT` where it declares more than it holds, `UNSUPPORTED` for what tsuno does not read.
 */
export function readHdf5(bytes: Uint8Array, where: string, withTexts = false): H5Group {
  const file = new File(bytes, where, withTexts);
  const root = file.object(file.rootAddress(), '/', 0);
  if (root.kind === 'group') return root;
  throw file.reader.error(0, 'root', 'a group', 'an array');
}

class File {
  readonly reader: ByteReader;
  private readonly opened = new Set<number>();
  private readonly attributes: AttributeReader | undefined;
  private claimed = 0;

  constructor(bytes: Uint8Array, where: string, withTexts: boolean) {
    this.reader = new ByteReader(bytes, where, 'HDF5');
    if (withTexts) this.attributes = new AttributeReader(this.reader, this.claim);
  }

  /** Accounts for bytes that are about to be read. */
  private readonly claim = (at: number, count: number): void => {
    this.claimed += count;
    if (this.claimed <= this.reader.length && at + count <= this.reader.length) return;
    const expected = `at most the ${this.reader.length} bytes of the file`;
    throw this.reader.error(at, 'what is declared', expected, 'more', 'HDF5_LIMIT');
  };

  private refuse(code: ErrorCode, path: string, expected: string, found: string): TsunoError {
    const repair =
      code === 'UNSUPPORTED' ? 'Save it again with Keras, or with h5repack -l CONTI -f NONE.' : '';
    return new TsunoError(code, { where: this.reader.where, what: path, expected, found, repair });
  }

  rootAddress(): number {
    const { reader } = this;
    const signature = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];
    const found = reader.slice(0, 8, 'signature');
    if (!signature.every((byte, i) => found[i] === byte))
      throw reader.error(0, 'file', 'HDF5', 'other bytes');
    const version = reader.u8(8, 'version');
    const isOld = version < 2;
    if (version > 3) throw reader.error(8, 'version of the file', '0 to 3', String(version));
    const sizes = isOld ? 13 : 9;
    if (reader.u16(sizes, 'sizes of offsets and lengths') !== 0x0808)
      throw this.refuse('UNSUPPORTED', 'file', 'with 8-byte offsets and lengths', 'others');
    const base = isOld ? (version === 1 ? 28 : 24) : 12;
    if (reader.u64(base, 'base address') !== 0)
      throw this.refuse('UNSUPPORTED', 'file', 'one that begins at its first byte', 'another');
    const end = base + 16;
    if (reader.u64(end, 'end of the file') !== reader.length) {
      const expected = `must end at byte ${reader.u64(end, 'end of the file')}`;
      throw reader.error(end, 'file', expected, `${reader.length} bytes`);
    }
    const root = isOld ? end + 24 : end + 8;
    this.claim(0, root + 8);
    return reader.u64(root, 'root group');
  }

  /** A group or an array by the address of its header; each may be reached once. */
  object(address: number, path: string, depth: number): H5Node {
    if (depth > deepest)
      throw this.refuse('HDF5_LIMIT', path, `at most ${deepest} groups deep`, 'one more');
    if (this.opened.has(address))
      throw this.refuse('HDF5_LINK', path, 'in one place', 'an object that is there already');
    this.opened.add(address);
    const messages = readMessages(this.reader, address, this.claim);
    const isGroup = messages.some(({ kind }) => {
      return kind === kinds.symbolTable || kind === kinds.link || kind === kinds.linkInfo;
    });
    return isGroup ? this.group(messages, path, depth) : this.dataset(messages, path);
  }

  private group(messages: readonly Message[], path: string, depth: number): H5Group {
    const children = new Map<string, H5Node>();
    const add = (name: string, address: number) => {
      const full = `${path === '/' ? '' : path}/${name}`;
      if (name === '' || name === '.' || name === '..' || name.includes('/'))
        throw this.refuse('HDF5', path, 'of members with plain names', show(name));
      if (children.has(name)) throw this.refuse('HDF5', full, 'there once', 'twice');
      children.set(name, this.object(address, full, depth + 1));
    };
    for (const message of messages) {
      if (message.kind === kinds.symbolTable) this.symbolTable(message, path, add);
      else if (message.kind === kinds.link) this.link(message, path, add);
      else if (message.kind === kinds.linkInfo) this.linkInfo(message, path);
    }
    const texts = this.attributes?.texts(messages, path);
    return { kind: 'group', children, ...(texts ? { texts } : {}) };
  }

  /** Members in a B-tree of symbol nodes, their names in a heap. */
  private symbolTable(
    { at, size }: Message,
    path: string,
    add: (name: string, address: number) => void,
  ): void {
    const { reader } = this;
    if (size < 16) throw reader.error(at, 'symbol table', '16 bytes', String(size));
    const heap = reader.u64(at + 8, 'heap');
    this.claim(heap, 32);
    this.expect(heap, 'HEAP', 'heap');
    const length = reader.u64(heap + 8, 'length of the heap');
    const segment = reader.u64(heap + 24, 'segment of the heap');
    this.claim(segment, length);
    const nameAt = (offset: number, place: number): string => {
      const rest = reader.slice(
        segment + Math.min(offset, length),
        Math.max(0, length - offset),
        'name',
      );
      const end = rest.indexOf(0);
      if (end < 0) throw reader.error(place, 'name', 'inside the heap', `offset ${offset}`);
      return reader.text(segment + offset, end, 'name');
    };
    for (const node of this.symbolNodes(reader.u64(at, 'tree'))) {
      const count = reader.u16(node + 6, 'symbols');
      this.claim(node + 8, 40 * count);
      for (let entry = node + 8, i = 0; i < count; i++, entry += 40) {
        const name = nameAt(reader.u64(entry, 'name'), entry);
        const cache = reader.u32(entry + 16, 'kind of entry');
        if (cache === 2)
          throw this.refuse('HDF5_LINK', `${path}/${name}`, 'an object', 'a soft link');
        if (cache > 2) throw reader.error(entry + 16, 'kind of entry', '0 to 2', String(cache));
        add(name, reader.u64(entry + 8, 'address'));
      }
    }
  }

  /** Addresses of the symbol nodes under a B-tree, in order. */
  private symbolNodes(root: number): number[] {
    const { reader } = this;
    const nodes: number[] = [];
    const visit = (at: number, level: number | undefined) => {
      this.claim(at, 24);
      this.expect(at, 'TREE', 'tree');
      const found = reader.u8(at + 5, 'level');
      if (reader.u8(at + 4, 'kind of tree') !== 0)
        throw reader.error(at + 4, 'tree', 'of groups', 'another');
      if (level !== undefined && found !== level)
        throw reader.error(at + 5, 'level of the tree', String(level), String(found));
      const count = reader.u16(at + 6, 'children');
      this.claim(at + 24, 16 * count);
      for (let i = 0; i < count; i++) {
        const child = reader.u64(at + 32 + 16 * i, 'child');
        if (found > 0) visit(child, found - 1);
        else {
          this.claim(child, 8);
          this.expect(child, 'SNOD', 'symbol node');
          nodes.push(child);
        }
      }
    };
    visit(root, undefined);
    return nodes;
  }

  /** A member in a message of its own. */
  private link(
    { at, size }: Message,
    path: string,
    add: (name: string, address: number) => void,
  ): void {
    const { reader } = this;
    const flags = reader.u8(at + 1, 'flags of the link');
    let next = at + 2;
    const type = flags & 0x8 ? reader.u8(next++, 'kind of link') : 0;
    if (flags & 0x4) next += 8;
    if (flags & 0x10) next += 1;
    const width = 2 ** (flags & 0x3);
    const length =
      width === 1
        ? reader.u8(next, 'length of the name')
        : width === 2
          ? reader.u16(next, 'length of the name')
          : width === 4
            ? reader.u32(next, 'length of the name')
            : reader.u64(next, 'length of the name');
    next += width;
    if (next + length > at + size)
      throw reader.error(
        next,
        'name of a link',
        `at most ${at + size - next} bytes`,
        String(length),
      );
    const name = reader.text(next, length, 'name of a link');
    if (type !== 0) {
      const found =
        type === 1 ? 'a soft link' : type === 64 ? 'a link to another file' : `link ${type}`;
      throw this.refuse('HDF5_LINK', `${path}/${name}`, 'an object', found);
    }
    add(name, reader.u64(next + length, 'address'));
  }

  /** Large groups of new files keep links elsewhere. */
  private linkInfo({ at }: Message, path: string): void {
    const flags = this.reader.u8(at + 1, 'flags of the group');
    const heap = this.reader.slice(at + 2 + (flags & 1 ? 8 : 0), 8, 'heap of links');
    if (heap.some((byte) => byte !== 0xff))
      throw this.refuse('UNSUPPORTED', path, 'a group whose links lie in it', 'a heap of links');
  }

  private dataset(messages: readonly Message[], path: string): H5Dataset {
    const find = (kind: number) => messages.find((message) => message.kind === kind);
    if (find(kinds.external))
      throw this.refuse('HDF5_LINK', path, 'in this file', 'data in another file');
    if (find(kinds.filters))
      throw this.refuse('UNSUPPORTED', path, 'without filters', 'data that a filter has packed');
    const [dataspace, datatype, layout] = [kinds.dataspace, kinds.datatype, kinds.layout].map(find);
    if (!dataspace || !datatype || !layout)
      throw this.refuse('HDF5', path, 'a group, or an array with shape, type and data', 'neither');
    const type = this.datatype(datatype, path);
    const shape = this.dataspace(dataspace, path);
    const count = shape.reduce((product, extent) => product * extent, 1);
    const size = count * type.size;
    if (!(size <= this.reader.length)) {
      const expected = `at most the ${this.reader.length} bytes of the file`;
      throw this.refuse('HDF5_LIMIT', `${path} of shape ${show(shape)}`, expected, `${size}`);
    }
    return { kind: 'dataset', type, shape, bytes: this.layout(layout, path, size) };
  }

  private dataspace({ at, size }: Message, path: string): number[] {
    const { reader } = this;
    const version = reader.u8(at, 'version of a shape');
    const rank = reader.u8(at + 1, 'rank');
    const start = version === 1 ? at + 8 : at + 4;
    if (version !== 1 && version !== 2)
      throw reader.error(at, 'version of a shape', '1 or 2', String(version));
    if (version === 2 && reader.u8(at + 3, 'kind of shape') === 2)
      throw this.refuse('UNSUPPORTED', path, 'an array', 'a shape that holds nothing');
    if (rank > 32 || start + 8 * rank > at + size)
      throw reader.error(at + 1, 'rank', `at most ${Math.min(32, (size - 8) / 8)}`, String(rank));
    return Array.from({ length: rank }, (_, axis) => reader.u64(start + 8 * axis, 'extent'));
  }

  private datatype({ at, size, shared }: Message, path: string): ElementType {
    const { reader } = this;
    if (shared) throw this.refuse('UNSUPPORTED', path, 'with a type of its own', 'a named type');
    if (size < 8) throw reader.error(at, 'type', '8 bytes or more', String(size));
    const class_ = reader.u8(at, 'type') & 0xf;
    const bits = reader.u8(at + 1, 'type');
    const width = reader.u32(at + 4, 'size of an element');
    const bigEndian = (bits & 1) === 1;
    const layoutOf = (count: number) => [...reader.slice(at + 8, count, 'type')].join();
    if (class_ === 0 && isWidth(width) && layoutOf(4) === `0,0,${8 * width},0`)
      return { kind: 'integer', size: width, signed: (bits & 8) !== 0, bigEndian };
    if (class_ === 1 && isWidth(width) && (bits & 0x40) === 0 && layoutOf(12) === ieee[width])
      return { kind: 'float', size: width, signed: true, bigEndian };
    const names = ['integers', 'floats', 'times', 'text', 'bits', 'opaque', 'compounds'];
    const more = ['references', 'enumerations', 'lists of any length', 'arrays'];
    const found = [...names, ...more][class_] ?? `type ${class_}`;
    throw this.refuse(
      'UNSUPPORTED',
      path,
      'IEEE floats or whole numbers',
      `${found} of ${width} bytes`,
    );
  }

  private layout({ at, size }: Message, path: string, length: number): Uint8Array {
    const { reader } = this;
    const version = reader.u8(at, 'version of a layout');
    if (version !== 3 && version !== 4)
      throw this.refuse('UNSUPPORTED', path, 'of layout 3 or 4', `layout ${version}`);
    const kind = reader.u8(at + 1, 'kind of layout');
    if (kind === 3) throw this.refuse('HDF5_LINK', path, 'an array of its own', 'a virtual one');
    if (kind !== 0 && kind !== 1)
      throw this.refuse(
        'UNSUPPORTED',
        path,
        'in one piece',
        kind === 2 ? 'chunks' : `kind ${kind}`,
      );
    const isCompact = kind === 0;
    const found = isCompact
      ? reader.u16(at + 2, 'size of data')
      : reader.u64(at + 10, 'size of data');
    if (found !== length)
      throw this.refuse('HDF5_LIMIT', path, `must hold ${length} bytes`, `${found}`);
    if (isCompact) {
      if (length > size - 4) throw reader.error(at, 'data', `${length} bytes`, `${size - 4}`);
      return reader.slice(at + 4, length, 'data');
    }
    const raw = new DataView(reader.slice(at + 2, 8, 'address').slice().buffer).getBigUint64(
      0,
      true,
    );
    if (raw === undefinedAddress) {
      if (length === 0) return new Uint8Array(0);
      throw this.refuse('HDF5_LIMIT', path, `must hold ${length} bytes`, 'none that were written');
    }
    const address = reader.u64(at + 2, 'address');
    this.claim(address, length);
    return reader.slice(address, length, path);
  }

  private expect(at: number, signature: string, what: string): void {
    const found = String.fromCharCode(...this.reader.slice(at, 4, what));
    if (found !== signature) throw this.reader.error(at, what, show(signature), show(found));
  }
}

function isWidth(size: number): size is ElementType['size'] {
  return size === 1 || size === 2 || size === 4 || size === 8;
}

/** Bit offset, precision, place and size of exponent and mantissa, bias of the exponent, byte by byte. */
const ieee: Readonly<Record<number, string>> = {
  2: '0,0,16,0,10,5,0,10,15,0,0,0',
  4: '0,0,32,0,23,8,0,23,127,0,0,0',
  8: '0,0,64,0,52,11,0,52,255,3,0,0',
};
