/**
 * @file ZIP archives in memory. Reading walks the central directory and checks every record against it before anything
 * is unpacked: an archive must be exactly the members it lists, one after another from the first byte to the last, each
 * once, under a name that stays inside. Writing stores the members as they are, as Keras does.
 *
 * @see https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
 */

import { crc32 } from '../core/checksum.ts';
import { show, TsunoError } from '../core/errors.ts';
import { ByteReader } from './byte_reader.ts';
import { ByteWriter } from './byte_writer.ts';

/** A member to be written: its name, ASCII, and its bytes. */
export type ZipEntry = readonly [name: string, bytes: Uint8Array];

/** A member as the directory lists it. */
export interface ZipMember {
  readonly name: string;
  readonly method: 'stored' | 'deflated';
  readonly crc: number;
  readonly compressedSize: number;
  readonly size: number;
  /** Place of the packed bytes. */
  readonly start: number;
}

export interface ZipLimits {
  /** Members an archive may list; default 10,000. */
  members?: number;
  /** Bytes that deflated members may unpack to beyond 200 times their packed size; default 8 MiB. */
  expansion?: number;
}

const signatures = {
  local: 0x04034b50,
  central: 0x02014b50,
  end: 0x06054b50,
  end64: 0x06064b50,
  locator64: 0x07064b50,
  descriptor: 0x08074b50,
} as const;
const encryptedFlags = 0x2041; // encrypted, strongly encrypted, hidden headers
const descriptorFlag = 0x8;
const utf8Flag = 0x800;
const knownFlags = descriptorFlag | utf8Flag | 0x6; // the last two: how hard a packer tried

/** A member with what only the checks need. */
interface Listed extends ZipMember {
  flags: number;
  time: number;
  local: number;
}

/**
 * The members of an archive by name, checked but not unpacked.
 *
 * @throws TsunoError `ZIP` naming member and byte where the archive is not exactly what the format says; `ZIP_LIMIT`
 * where it would unpack to more than the limits.
 */
export function zipMembers(
  bytes: Uint8Array,
  where: string,
  limits: ZipLimits = {},
): ReadonlyMap<string, ZipMember> {
  const reader = new ByteReader(bytes, where, 'ZIP');
  const { count, start, end } = readEnd(reader);
  const most = limits.members ?? 10_000;
  if (count > most)
    throw reader.error(start, 'members', `at most ${most}`, String(count), 'ZIP_LIMIT');
  const members: Listed[] = [];
  let at = start;
  for (let i = 0; i < count; i++) {
    const { member, next } = readCentral(reader, at, end);
    checkExpansion(reader, member, limits.expansion ?? 8 * 2 ** 20);
    members.push(member);
    at = next;
  }
  if (at !== end) throw reader.error(at, 'directory', `must end at byte ${end}`, `${at}`);
  checkNames(reader, members);
  checkLocals(reader, members, start);
  return new Map(members.map((member) => [member.name, member]));
}

/**
 * The bytes of a member: a view where it is stored, a copy where it is deflated.
 *
 * @throws TsunoError `ZIP` where they are not those the directory promises.
 */
export async function unzipMember(
  bytes: Uint8Array,
  member: ZipMember,
  where: string,
): Promise<Uint8Array> {
  const reader = new ByteReader(bytes, where, 'ZIP');
  const { name, start, compressedSize, size } = member;
  const packed = reader.slice(start, compressedSize, show(name));
  const data = member.method === 'stored' ? packed : await inflate(reader, member, packed);
  const crc = crc32(data);
  if (data.length === size && crc === member.crc) return data;
  const told = `${size} bytes with CRC ${member.crc.toString(16)}`;
  throw reader.error(start, show(name), told, `${data.length} bytes with CRC ${crc.toString(16)}`);
}

async function inflate(
  reader: ByteReader,
  { name, size, start }: ZipMember,
  packed: Uint8Array,
): Promise<Uint8Array> {
  const { Inflate } = await import('fflate');
  const out = new Uint8Array(size);
  let length = 0;
  const stream = new Inflate((chunk) => {
    if (length + chunk.length <= size) out.set(chunk, length);
    length += chunk.length;
  });
  const step = 2 ** 12; // what one push unpacks stays below 4.3 MB
  try {
    for (let at = 0; at < packed.length && length <= size; at += step)
      stream.push(packed.subarray(at, at + step), at + step >= packed.length);
  } catch (error) {
    throw reader.error(start, show(name), 'deflated', String(error));
  }
  if (length > size)
    throw reader.error(start, show(name), `${size} bytes when unpacked`, 'more', 'ZIP_LIMIT');
  return out.subarray(0, length);
}

interface Directory {
  count: number;
  start: number;
  /** Where the end record begins, and so the directory ends. */
  end: number;
}

/** The end record: the last 22 bytes, for an archive of this library has no comment. */
function readEnd(reader: ByteReader): Directory {
  const at = reader.length - 22;
  if (at < 0 || reader.u32(at, 'end record') !== signatures.end)
    throw reader.error(Math.max(0, at), 'file', 'a ZIP archive without a comment', 'other bytes');
  const disks = reader.u32(at + 4, 'disk numbers');
  const here = reader.u16(at + 8, 'members on this disk');
  const count = reader.u16(at + 10, 'members');
  const size = reader.u32(at + 12, 'size of the directory');
  const start = reader.u32(at + 16, 'offset of the directory');
  if (disks !== 0 || here !== count)
    throw reader.error(at, 'archive', 'on one disk', 'one that is split');
  const large = count === 0xffff || size === 0xffffffff || start === 0xffffffff;
  const found = large ? readEnd64(reader, at) : { count, size, start, end: at };
  if (found.start + found.size !== found.end)
    throw reader.error(
      found.end,
      'directory',
      'must reach from its offset to the end record',
      `${found.size} bytes from ${found.start}`,
    );
  return found;
}

function readEnd64(reader: ByteReader, end: number): Directory & { size: number } {
  const locator = end - 20;
  if (locator < 0 || reader.u32(locator, 'ZIP64 locator') !== signatures.locator64)
    throw reader.error(Math.max(0, locator), 'ZIP64 locator', 'present', 'other bytes');
  const at = reader.u64(locator + 8, 'ZIP64 end record');
  if (reader.u32(at, 'ZIP64 end record') !== signatures.end64 || at + 56 !== locator)
    throw reader.error(at, 'ZIP64 end record', '56 bytes before the locator', 'other bytes');
  return {
    count: reader.u64(at + 32, 'members'),
    size: reader.u64(at + 40, 'size of the directory'),
    start: reader.u64(at + 48, 'offset of the directory'),
    end: at,
  };
}

function readCentral(
  reader: ByteReader,
  at: number,
  end: number,
): { member: Listed; next: number } {
  if (reader.u32(at, 'directory record') !== signatures.central)
    throw reader.error(at, 'directory record', 'present', 'other bytes');
  const flags = reader.u16(at + 8, 'flags');
  const nameLength = reader.u16(at + 28, 'length of the name');
  const extraLength = reader.u16(at + 30, 'length of the extra field');
  const next = at + 46 + nameLength + extraLength + reader.u16(at + 32, 'length of the comment');
  if (next > end) throw reader.error(at, 'directory record', `must end by byte ${end}`, `${next}`);
  const name = readName(reader, at + 46, nameLength, flags);
  checkFlags(reader, at, name, flags);
  const attributes = reader.u32(at + 38, 'attributes');
  if (((attributes >>> 28) & 0xf) === 0xa)
    throw reader.error(at, show(name), 'a file', 'a symbolic link');
  const sizes = {
    size: reader.u32(at + 24, 'size'),
    compressedSize: reader.u32(at + 20, 'packed size'),
    local: reader.u32(at + 42, 'offset'),
  };
  const extra = at + 46 + nameLength;
  const large = readExtra64(reader, extra, extraLength, sizes, name);
  const method = readMethod(reader, at + 10, name);
  if (method === 'stored' && large.size !== large.compressedSize)
    throw reader.error(at, show(name), `${large.size} bytes`, `${large.compressedSize} stored`);
  const crc = reader.u32(at + 16, 'CRC');
  const time = reader.u32(at + 12, 'time');
  return { member: { name, flags, method, crc, time, start: 0, ...large }, next };
}

interface Sizes {
  size: number;
  compressedSize: number;
  local: number;
}

/** Takes from the ZIP64 field what did not fit into 32 bits. */
function readExtra64(
  reader: ByteReader,
  start: number,
  length: number,
  sizes: Sizes,
  name: string,
): Sizes {
  const wanted = (Object.keys(sizes) as (keyof Sizes)[]).filter((key) => sizes[key] === 0xffffffff);
  if (wanted.length === 0) return sizes;
  for (let at = start; at + 4 <= start + length; at += 4 + reader.u16(at + 2, 'extra field')) {
    if (reader.u16(at, 'extra field') !== 1) continue;
    if (reader.u16(at + 2, 'extra field') < 8 * wanted.length) break;
    const found = wanted.map((key, i) => [key, reader.u64(at + 4 + 8 * i, key)]);
    return { ...sizes, ...Object.fromEntries(found) };
  }
  throw reader.error(start, show(name), 'with its large sizes in a ZIP64 field', 'none');
}

function readMethod(reader: ByteReader, at: number, name: string): ZipMember['method'] {
  const method = reader.u16(at, 'method');
  if (method === 0) return 'stored';
  if (method === 8) return 'deflated';
  throw reader.error(at, show(name), 'stored or deflated', `method ${method}`);
}

function readName(reader: ByteReader, at: number, length: number, flags: number): string {
  const name = reader.text(at, length, 'name');
  const isPlain = /^[\x20-\x7e]*$/.test(name);
  if (!isPlain && !(flags & utf8Flag))
    throw reader.error(at, 'name', 'ASCII, or marked as UTF-8', show(name));
  const parts = name.replace(/\/$/, '').split('/');
  const leaves = parts.some((part) => part === '' || part === '.' || part === '..');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused.
  if (leaves || /[\\:\x00-\x1f\x7f]/.test(name) || parts.includes('__proto__'))
    throw reader.error(at, 'name', 'a path inside the archive', show(name));
  return name;
}

function checkFlags(reader: ByteReader, at: number, name: string, flags: number): void {
  if (flags & encryptedFlags)
    throw reader.error(at, show(name), 'readable without a password', 'encrypted');
  if (flags & ~knownFlags)
    throw reader.error(at, show(name), 'without unknown flags', `0x${flags.toString(16)}`);
}

function checkExpansion(reader: ByteReader, member: Listed, free: number): void {
  const { name, size, compressedSize, local } = member;
  const most = Math.max(free, 200 * compressedSize);
  if (member.method === 'stored' || size <= most) return;
  throw reader.error(local, show(name), `at most ${most} bytes`, `${size}`, 'ZIP_LIMIT');
}

function checkNames(reader: ByteReader, members: readonly Listed[]): void {
  const seen = new Set<string>();
  for (const { name, local } of members) {
    const key = name.replace(/\/$/, '').normalize('NFC');
    if (seen.has(key)) throw reader.error(local, show(name), 'listed once', 'twice');
    seen.add(key);
  }
}

/** Local records must say the same as the directory, and fill the archive up to it without holes or overlaps. */
function checkLocals(reader: ByteReader, members: Listed[], directory: number): void {
  let at = 0;
  for (const member of [...members].sort((a, b) => a.local - b.local)) {
    if (member.local !== at)
      throw reader.error(member.local, show(member.name), `must begin at byte ${at}`, 'elsewhere');
    at = checkLocal(reader, member);
  }
  if (at !== directory)
    throw reader.error(at, 'directory', 'must follow the last member', `byte ${directory}`);
}

/** Notes where the member's bytes begin and returns where its record ends. */
function checkLocal(reader: ByteReader, member: Listed): number {
  const at = member.local;
  if (reader.u32(at, 'member record') !== signatures.local)
    throw reader.error(at, show(member.name), 'at this byte', 'other bytes');
  const flags = reader.u16(at + 6, 'flags');
  const nameLength = reader.u16(at + 26, 'length of the name');
  const extraLength = reader.u16(at + 28, 'length of the extra field');
  const name = readName(reader, at + 30, nameLength, flags);
  const start = at + 30 + nameLength + extraLength;
  const late = (flags & descriptorFlag) !== 0;
  const sizes = {
    size: reader.u32(at + 22, 'size'),
    compressedSize: reader.u32(at + 18, 'packed size'),
    local: at,
  };
  const large = late ? sizes : readExtra64(reader, at + 30 + nameLength, extraLength, sizes, name);
  const described = {
    name,
    flags,
    method: readMethod(reader, at + 8, name),
    time: reader.u32(at + 10, 'time'),
    ...(late ? {} : { crc: reader.u32(at + 14, 'CRC'), ...large }),
  };
  for (const [key, value] of Object.entries(described)) {
    const listed = member[key as keyof Listed];
    if (listed !== value)
      throw reader.error(
        at,
        `${key} of ${show(member.name)}`,
        `${listed}, as in the directory`,
        `${value}`,
      );
  }
  (member as { start: number }).start = start;
  const end = start + member.compressedSize;
  reader.slice(start, member.compressedSize, show(member.name));
  return late ? end + descriptorLength(reader, end, member) : end;
}

/** A record after the data repeats what was not known before it: with or without signature, 4 or 8 bytes a size. */
function descriptorLength(reader: ByteReader, at: number, member: Listed): number {
  const signed = reader.u32(at, 'data descriptor') === signatures.descriptor ? 4 : 0;
  if (reader.u32(at + signed, 'CRC') !== member.crc)
    throw reader.error(at, `CRC of ${show(member.name)}`, 'as in the directory', 'another');
  const read = (large: boolean, place: number) =>
    large ? reader.u64(place, 'size') : reader.u32(place, 'size');
  for (const large of [false, true]) {
    const width = large ? 8 : 4;
    if (at + signed + 4 + 2 * width > reader.length) break;
    const packed = read(large, at + signed + 4);
    const size = read(large, at + signed + 4 + width);
    if (packed === member.compressedSize && size === member.size) return signed + 4 + 2 * width;
  }
  throw reader.error(at, `sizes of ${show(member.name)}`, 'as in the directory', 'others');
}

const earliest = 0x00210000; // 1 January 1980
const ownerReadsAndWrites = 0o600;
const madeOnUnix = 0x0300;
const version = 20; // of the format: 2.0

/**
 * An archive of these members, stored, in this order.
 *
 * @param members names (ASCII) and bytes.
 * @throws TsunoError `MEMORY` for 4 GiB or more, `ARGUMENT` for 65,535 members or more: both would need ZIP64.
 */
export function writeZip(members: readonly ZipEntry[]): Uint8Array<ArrayBuffer> {
  const encoder = new TextEncoder();
  let next = 0;
  const records = members.map(([name, bytes]) => {
    const record = { name: encoder.encode(name), bytes, crc: crc32(bytes), offset: next };
    next += 30 + record.name.length + bytes.length;
    return record;
  });
  const directory = next;
  const directoryLength = records.reduce((sum, { name }) => sum + 46 + name.length, 0);
  const length = directory + directoryLength + 22;
  checkWritable(length, records.length);
  const writer = new ByteWriter(new Uint8Array(length));
  const described = ({ name, bytes, crc }: (typeof records)[number]) => {
    writer.u16(0).u16(0).u32(earliest).u32(crc).u32(bytes.length).u32(bytes.length);
    writer.u16(name.length).u16(0);
  };
  for (const record of records) {
    writer.u32(signatures.local).u16(version);
    described(record);
    writer.put(record.name).put(record.bytes);
  }
  for (const record of records) {
    writer
      .u32(signatures.central)
      .u16(madeOnUnix | version)
      .u16(version);
    described(record);
    writer
      .u16(0)
      .u16(0)
      .u16(0)
      .u32(ownerReadsAndWrites * 2 ** 16)
      .u32(record.offset);
    writer.put(record.name);
  }
  writer.u32(signatures.end).u32(0).u16(records.length).u16(records.length);
  writer.u32(directoryLength).u32(directory).u16(0);
  return writer.bytes;
}

function checkWritable(length: number, count: number): void {
  const where = 'archive';
  if (length >= 2 ** 32) {
    const found = `${length} bytes`;
    throw new TsunoError('MEMORY', { where, what: 'size', expected: 'below 4 GiB', found });
  }
  if (count >= 0xffff) {
    const found = String(count);
    throw new TsunoError('ARGUMENT', {
      where,
      what: 'members',
      expected: 'fewer than 65,535',
      found,
    });
  }
}
