/**
 * @file The header of an HDF5 object as a list of messages, in both versions of the format, with the blocks that continue
 * it.
 */
import type { ByteReader } from './byte_reader.ts';

/** A message: what it is about, and where in the file its `size` bytes lie. */
export interface Message {
  readonly kind: number;
  readonly at: number;
  readonly size: number;
  /** Its content lies elsewhere in the file. */
  readonly shared: boolean;
}

/** Accounts for bytes before they are read; throws where there are too many. */
export type Claim = (at: number, count: number) => void;

const continuation = 0x10;

interface Block {
  /** First byte of messages, and one past the last. */
  from: number;
  to: number;
}

/** @throws TsunoError `HDF5` where there is no header at `address`. */
export function readMessages(reader: ByteReader, address: number, claim: Claim): Message[] {
  const isNew = reader.u32(address, 'object') === 0x5244484f; // "OHDR"
  return isNew ? readNew(reader, address, claim) : readOld(reader, address, claim);
}

function readOld(reader: ByteReader, address: number, claim: Claim): Message[] {
  const version = reader.u8(address, 'version of an object');
  if (version !== 1) throw reader.error(address, 'object', 'a header of version 1 or 2', 'neither');
  const count = reader.u16(address + 2, 'messages');
  const size = reader.u32(address + 8, 'size of a header');
  claim(address, 16 + size);
  const messages: Message[] = [];
  const blocks: Block[] = [{ from: address + 16, to: address + 16 + size }];
  for (let block = blocks.shift(); block; block = blocks.shift()) {
    let at = block.from;
    while (at + 8 <= block.to && messages.length < count) {
      const kind = reader.u16(at, 'kind of message');
      const length = reader.u16(at + 2, 'size of a message');
      const flags = reader.u8(at + 4, 'flags of a message');
      at += 8;
      if (at + length > block.to)
        throw reader.error(at, 'message', `must end by byte ${block.to}`, `${at + length}`);
      const message = { kind, at, size: length, shared: (flags & 2) !== 0 };
      messages.push(message);
      if (kind === continuation) blocks.push(readContinuation(reader, message, claim));
      at += length;
    }
  }
  if (messages.length !== count)
    throw reader.error(address, 'messages', String(count), String(messages.length));
  return messages;
}

function readNew(reader: ByteReader, address: number, claim: Claim): Message[] {
  const version = reader.u8(address + 4, 'version of an object');
  if (version !== 2) throw reader.error(address + 4, 'version of an object', '2', String(version));
  const flags = reader.u8(address + 5, 'flags of an object');
  let at = address + 6 + (flags & 0x20 ? 16 : 0) + (flags & 0x10 ? 4 : 0);
  const width = 2 ** (flags & 3);
  const what = 'size of a header';
  const size =
    width === 1
      ? reader.u8(at, what)
      : width === 2
        ? reader.u16(at, what)
        : width === 4
          ? reader.u32(at, what)
          : reader.u64(at, what);
  at += width;
  claim(address, at - address + size + 4);
  const head = flags & 4 ? 6 : 4;
  const messages: Message[] = [];
  const blocks: Block[] = [{ from: at, to: at + size }];
  for (let block = blocks.shift(); block; block = blocks.shift()) {
    let next = block.from;
    while (next + head <= block.to) {
      const kind = reader.u8(next, 'kind of message');
      const length = reader.u16(next + 1, 'size of a message');
      const isShared = (reader.u8(next + 3, 'flags of a message') & 2) !== 0;
      next += head;
      if (next + length > block.to)
        throw reader.error(next, 'message', `must end by byte ${block.to}`, `${next + length}`);
      const message = { kind, at: next, size: length, shared: isShared };
      messages.push(message);
      if (kind === continuation) {
        const { from, to } = readContinuation(reader, message, claim);
        if (to - from < 8 || reader.u32(from, 'continuation') !== 0x4b48434f)
          // "OCHK"
          throw reader.error(from, 'continuation', 'present', 'other bytes');
        blocks.push({ from: from + 4, to: to - 4 });
      }
      next += length;
    }
  }
  return messages;
}

function readContinuation(reader: ByteReader, { at, size }: Message, claim: Claim): Block {
  if (size < 16) throw reader.error(at, 'continuation', '16 bytes', String(size));
  const from = reader.u64(at, 'continuation');
  const length = reader.u64(at + 8, 'size of a continuation');
  claim(from, length);
  return { from, to: from + length };
}
