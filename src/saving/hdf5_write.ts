/**
 * @file HDF5 into bytes, in the oldest form of the format (superblock 0), which h5py writes and every library reads:
 * groups as B-trees of symbol nodes, arrays in one piece, text in a heap.
 */
import { ByteWriter } from './byte_writer.ts';
import type { ElementType } from './elements.ts';
import type { H5Dataset, H5Group } from './hdf5.ts';

const undefinedAddress = 0xffffffffffffffffn;
const superblockLength = 96;
/** Half of the entries of a full symbol node, and of a full tree node: the format's defaults. */
const leafK = 4;
const treeK = 16;
const leafLength = 8 + 2 * leafK * 40;
const treeLength = 24 + (4 * treeK + 1) * 8;
const smallestHeap = 4096;
/** Texts of one heap; its numbers have 16 bits. */
const textsPerHeap = 60_000;

const kinds = { dataspace: 1, datatype: 3, fill: 5, layout: 8, attribute: 12, symbolTable: 17 };
const padded = (length: number) => Math.ceil(length / 8) * 8;

/** A part of the file: how long it is, and how it is written once every part has its place. */
interface Part {
  length: number;
  at: number;
  write(writer: ByteWriter): void;
}

interface Text {
  bytes: Uint8Array;
  heap: number;
  index: number;
}

/**
 * The file of a group and everything below it.
 *
 * @example
 * ```ts no-run
 * const root = h5Group();
 * root.children.set('0', h5Dataset(tensor([1, 2, 3])));
 * const file = writeHdf5(root);
 * ```
 */
export function writeHdf5(root: H5Group): Uint8Array<ArrayBuffer> {
  return new FileWriter().write(root);
}

interface GroupParts {
  header: Part;
  tree: Part;
  heap: Part;
}

class FileWriter {
  private readonly parts: Part[] = [];
  private length = superblockLength;
  private readonly texts: Text[] = [];
  private readonly encoder = new TextEncoder();

  write(root: H5Group): Uint8Array<ArrayBuffer> {
    const { header, tree, heap } = this.group(root);
    const heaps = this.textHeaps();
    for (const text of this.texts) text.heap = heaps[Math.floor(text.heap / textsPerHeap)]!.at;
    const writer = new ByteWriter(new Uint8Array(this.length));
    writer.put(Uint8Array.of(0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a));
    writer.u32(0).u8(0).u8(8).u8(8).u8(0).u16(leafK).u16(treeK).u32(0);
    writer.u64(0).u64(undefinedAddress).u64(this.length).u64(undefinedAddress);
    writer.u64(0).u64(header.at).u32(1).u32(0).u64(tree.at).u64(heap.at);
    for (const part of this.parts) part.write(writer.seek(part.at));
    return writer.bytes;
  }

  private add(length: number, write: (writer: ByteWriter) => void): Part {
    const part = { length: padded(length), at: this.length, write };
    this.length += part.length;
    this.parts.push(part);
    return part;
  }

  private group(group: H5Group): GroupParts {
    const attributes = Object.entries(group.attributes ?? {}).map(([name, text]) => {
      return { name: this.encoder.encode(`${name}\0`), text: this.text(text) };
    });
    const sizes = attributes.map(({ name }) => 8 + padded(name.length) + 24 + 8 + 16);
    const body = 24 + sizes.reduce((sum, size) => sum + 8 + size, 0);
    const places = { tree: 0, heap: 0 };
    const header = this.add(16 + body, (writer) => {
      writer
        .u16(1)
        .u16(1 + attributes.length)
        .u32(1)
        .u32(body)
        .u32(0);
      writer.u16(kinds.symbolTable).u16(16).u32(0).u64(places.tree).u64(places.heap);
      attributes.forEach(({ name, text }, i) => {
        const next = writer.at + 8 + sizes[i]!;
        writer.u16(kinds.attribute).u16(sizes[i]!).u32(0);
        this.attribute(writer, name, text);
        writer.seek(next);
      });
    });
    const names = [...group.children.keys()].sort(byCode);
    const encoded = names.map((name) => this.encoder.encode(name));
    const heap = this.nameHeap(encoded);
    const children = names.map((name, i) => {
      const child = group.children.get(name)!;
      const made = child.kind === 'group' ? this.group(child) : { header: this.dataset(child) };
      return { ...made, offset: heap.offsets[i]! };
    });
    const tree = this.tree(children);
    places.tree = tree.at;
    places.heap = heap.part.at;
    return { header, tree, heap: heap.part };
  }

  /** A scalar of text: its length, and its place in a heap. */
  private attribute(writer: ByteWriter, name: Uint8Array, text: Text): void {
    writer.u16(1).u16(name.length).u16(20).u16(8);
    const type = writer.at + padded(name.length);
    writer.put(name).seek(type);
    // Text of any length, UTF-8, made of bytes.
    writer.u32(0x00010119).u32(16).u32(0x00000010).u32(1).u32(0x00080000);
    writer.seek(type + 24).u64(1);
    writer.u32(text.bytes.length).u64(text.heap).u32(text.index);
  }

  private text(text: string): Text {
    const bytes = this.encoder.encode(text);
    const made = { bytes, heap: this.texts.length, index: (this.texts.length % textsPerHeap) + 1 };
    this.texts.push(made);
    return made;
  }

  /** Heaps for all texts, up to 60,000 in each. */
  private textHeaps(): Part[] {
    const heaps: Part[] = [];
    for (let from = 0; from < this.texts.length; from += textsPerHeap) {
      const texts = this.texts.slice(from, from + textsPerHeap);
      const used = 16 + texts.reduce((sum, { bytes }) => sum + 16 + padded(bytes.length), 0);
      const length = Math.max(smallestHeap, used + 16);
      heaps.push(
        this.add(length, (writer) => {
          writer.put(this.encoder.encode('GCOL')).u32(1).u64(length);
          for (const { bytes, index } of texts) {
            const next = writer.at + 16 + padded(bytes.length);
            writer.u16(index).u16(1).u32(0).u64(bytes.length).put(bytes).seek(next);
          }
          writer.u64(0).u64(length - used); // what is free
        }),
      );
    }
    return heaps;
  }

  /** The names of a group's members, each ended by 0, the first place empty. */
  private nameHeap(names: readonly Uint8Array[]): { part: Part; offsets: number[] } {
    const offsets: number[] = [];
    let length = 8;
    for (const name of names) {
      offsets.push(length);
      length += padded(name.length + 1);
    }
    const part = this.add(32 + length, (writer) => {
      const segment = writer.at + 32;
      writer.put(this.encoder.encode('HEAP')).u32(0).u64(length).u64(1).u64(segment);
      names.forEach((name, i) => {
        writer.seek(segment + offsets[i]!).put(name);
      });
    });
    return { part, offsets };
  }

  /** Symbol nodes of 8 members each, under tree nodes of 32 children each, level on level up to one root. */
  private tree(
    children: readonly { header: Part; offset: number; tree?: Part; heap?: Part }[],
  ): Part {
    let level: { part: Part; last: number }[] = [];
    for (let from = 0; from < children.length; from += 2 * leafK) {
      const members = children.slice(from, from + 2 * leafK);
      const part = this.add(leafLength, (writer) => {
        writer.put(this.encoder.encode('SNOD')).u16(1).u16(members.length);
        for (const { header, offset, tree, heap } of members) {
          writer
            .u64(offset)
            .u64(header.at)
            .u32(tree ? 1 : 0)
            .u32(0);
          writer.u64(tree?.at ?? 0).u64(heap?.at ?? 0);
        }
      });
      level.push({ part, last: members.at(-1)!.offset });
    }
    for (let depth = 0; ; depth++) {
      const nodes = [];
      for (let from = 0; from < Math.max(1, level.length); from += 2 * treeK) {
        const below = level.slice(from, from + 2 * treeK);
        const first = from === 0 ? 0 : level[from - 1]!.last;
        nodes.push(this.treeNode(depth, first, below));
      }
      for (const [i, node] of nodes.entries()) {
        node.siblings.left = nodes[i - 1]?.part.at;
        node.siblings.right = nodes[i + 1]?.part.at;
      }
      if (nodes.length === 1) return nodes[0]!.part;
      level = nodes;
    }
  }

  private treeNode(depth: number, first: number, below: readonly { part: Part; last: number }[]) {
    const siblings: { left?: number | undefined; right?: number | undefined } = {};
    const part = this.add(treeLength, (writer) => {
      writer.put(this.encoder.encode('TREE')).u8(0).u8(depth).u16(below.length);
      writer.u64(siblings.left ?? undefinedAddress).u64(siblings.right ?? undefinedAddress);
      writer.u64(first);
      for (const child of below) writer.u64(child.part.at).u64(child.last);
    });
    return { part, last: below.at(-1)?.last ?? 0, siblings };
  }

  private dataset({ type, shape, bytes }: H5Dataset): Part {
    const spaceLength = 8 + 8 * shape.length;
    const typeLength = type.kind === 'float' ? 24 : 16;
    const body = 4 * 8 + spaceLength + typeLength + 8 + 24;
    const place = { data: undefinedAddress };
    const header = this.add(16 + body, (writer) => {
      writer.u16(1).u16(4).u32(1).u32(body).u32(0);
      writer.u16(kinds.dataspace).u16(spaceLength).u32(0).u8(1).u8(shape.length).u16(0).u32(0);
      for (const extent of shape) writer.u64(extent);
      writer.u16(kinds.datatype).u16(typeLength).u32(1);
      datatype(writer, type);
      // Space and value when data is written; no value given.
      writer.u16(kinds.fill).u16(8).u32(1).u32(0x01020202).u32(0);
      writer.u16(kinds.layout).u16(24).u32(0).u8(3).u8(1).u64(place.data).u64(bytes.length);
    });
    if (bytes.length > 0) {
      const data = this.add(bytes.length, (writer) => writer.put(bytes));
      place.data = BigInt(data.at);
    }
    return header;
  }
}

/** Class, bits and size, then the place of each part of a number. */
function datatype(writer: ByteWriter, { kind, size, signed, bigEndian }: ElementType): void {
  const next = writer.at + (kind === 'float' ? 24 : 16);
  const order = bigEndian ? 1 : 0;
  if (kind === 'integer') {
    writer
      .u8(0x10)
      .u8(order | (signed ? 8 : 0))
      .u16(0)
      .u32(size)
      .u16(0)
      .u16(8 * size);
  } else {
    const [exponent, mantissa] = size === 8 ? [11, 52] : size === 4 ? [8, 23] : [5, 10];
    writer
      .u8(0x11)
      .u8(0x20 | order)
      .u8(8 * size - 1)
      .u8(0)
      .u32(size)
      .u16(0)
      .u16(8 * size);
    writer
      .u8(mantissa)
      .u8(exponent)
      .u8(0)
      .u8(mantissa)
      .u32(2 ** (exponent - 1) - 1);
  }
  writer.seek(next);
}

function byCode(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
