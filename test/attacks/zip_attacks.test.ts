/** @file Archives that lie: each is refused before anything is unpacked, with the member or byte named. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { constants, deflateRawSync } from 'node:zlib';
import { crc32 } from '../../src/core/checksum.ts';
import { deserializeModel } from '../../src/index.ts';
import { unzipMember, writeZip, zipMembers } from '../../src/saving/zip.ts';
import { assertCheap } from '../support/cost.ts';
import { archive, type Member, packed } from './archive_builder.ts';

const text = (value: string) => new TextEncoder().encode(value);
const a: Member = { name: 'a', data: text('aaaa') };
const b: Member = { name: 'b', data: text('bb') };
const honest = archive([a, b]);

function deflated(zeros: number): Uint8Array {
  return new Uint8Array(deflateRawSync(new Uint8Array(zeros), { level: 9 }));
}

/** Spaces, packed a part at a time: parts that end on a whole byte follow one another. */
function deflatedSpaces(count: number): Uint8Array {
  const part = new Uint8Array(2 ** 22).fill(0x20);
  const piece = new Uint8Array(deflateRawSync(part, { finishFlush: constants.Z_FULL_FLUSH }));
  return packed(...new Array<Uint8Array>(count / part.length).fill(piece), deflated(0));
}

async function readAll(bytes: Uint8Array): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const member of zipMembers(bytes, 'test').values())
    found[member.name] = new TextDecoder().decode(await unzipMember(bytes, member, 'test'));
  return found;
}

/** What refusing a bomb may cost. */
const limits = { cpu: 100, memory: 50e6 };

const end64 = ({ start, size, count }: { start: number; size: number; count: number }) =>
  packed(
    [0x06064b50, 4],
    [44, 8],
    [45, 2],
    [45, 2],
    [0, 4],
    [0, 4],
    [count, 8],
    [count, 8],
    [size, 8],
    [start, 8],
    [0x07064b50, 4],
    [0, 4],
    [start + size, 8],
    [1, 4],
  );
const largeEnd = { count: 0xffff, size: 0xffffffff, start: 0xffffffff };

describe('accepted', () => {
  const cases: [what: string, bytes: Uint8Array][] = [
    ['stored', honest],
    [
      'what this library writes',
      writeZip([
        ['a', text('aaaa')],
        ['b', text('bb')],
      ]),
    ],
    ['deflated', archive([{ ...a, packed: new Uint8Array(deflateRawSync(text('aaaa'))) }, b])],
    ['ZIP64', archive([a, b], { beforeEnd: end64, end: largeEnd })],
    [
      'sizes in a ZIP64 field',
      archive([
        {
          ...a,
          size: 0xffffffff,
          packedSize: 0xffffffff,
          extra: packed([1, 2], [16, 2], [4, 8], [4, 8]),
        },
        b,
      ]),
    ],
    [
      'a record after the data',
      archive([
        {
          ...a,
          flags: 8,
          local: { crc: 0, size: 0, packedSize: 0 },
          after: packed([0x08074b50, 4], [crc32(text('aaaa')), 4], [4, 4], [4, 4]),
        },
        b,
      ]),
    ],
  ];
  for (const [what, bytes] of cases)
    test(what, async () => assert.deepEqual(await readAll(bytes), { a: 'aaaa', b: 'bb' }));
});

describe('refused', () => {
  const shifted = packed(text('#!/bin/sh\n'), honest);
  const cases: [what: string, bytes: Uint8Array, message: RegExp, code?: string][] = [
    ['nothing', new Uint8Array(0), /ZIP archive/],
    ['a text', text('this is not an archive, whatever its name says'), /ZIP archive/],
    ['bytes before the archive', shifted, /must reach from its offset|must begin at byte 0/],
    [
      'bytes before, offsets adjusted',
      archive([a, b], { before: text('#!/bin/sh\n') }),
      /must begin at byte 0/,
    ],
    ['bytes after the archive', packed(honest, text('more')), /ZIP archive/],
    ['a comment', archive([a], { comment: 'hello' }), /without a comment/],
    ['two members of one name', archive([a, { ...b, name: 'a' }]), /"a" must be listed once/],
    ['a file and a folder of one name', archive([a, { name: 'a/' }]), /listed once/],
    [
      'two spellings of one name',
      archive([
        { ...a, name: 'é', flags: 0x800 },
        { ...b, name: 'e\u0301', flags: 0x800 },
      ]),
      /listed once/,
    ],
    ['an encrypted member', archive([{ ...a, flags: 1 }]), /"a".*encrypted/],
    ['strong encryption', archive([{ ...a, flags: 0x40 }]), /encrypted/],
    ['unknown flags', archive([{ ...a, flags: 0x20 }]), /unknown flags/],
    ['another method', archive([{ ...a, method: 12 }]), /method 12/],
    ['a stored member of two sizes', archive([{ ...a, size: 100 }]), /100 bytes/],
    ['a wrong CRC', archive([{ ...a, crc: 1 }, b]), /CRC 1, received 4 bytes with CRC/],
    ['another CRC before the data', archive([{ ...a, local: { crc: 1 } }]), /crc of "a"/],
    ['another name before the data', archive([{ ...a, local: { name: 'z' } }]), /name of "a"/],
    ['another size before the data', archive([{ ...a, local: { size: 3 } }]), /size of "a"/],
    ['another method before the data', archive([{ ...a, local: { method: 8 } }]), /method of "a"/],
    [
      'a wrong record after the data',
      archive([{ ...a, flags: 8, after: packed([crc32(text('aaaa')), 4], [9, 4], [9, 4]) }]),
      /sizes of "a"/,
    ],
    ['overlapping members', archive([a, { ...b, offset: 0 }]), /"b" must begin/],
    ['a hole between members', archive([{ ...a, after: text('hole') }, b]), /"b" must begin/],
    ['an offset beyond the end', archive([{ ...a, offset: 1e9 }]), /must begin at byte 0/],
    ['more members than there are', archive([a], { count: 3 }), /directory record/],
    ['fewer members than there are', archive([a, b], { count: 1 }), /must end at byte/],
    ['a directory elsewhere', archive([a], { end: { start: 3 } }), /must reach from its offset/],
    ['ZIP64 numbers without their record', archive([a], { end: largeEnd }), /ZIP64 locator/],
    [
      '2^64 members',
      archive([a], { end: largeEnd, beforeEnd: (d) => end64({ ...d, count: 2 ** 63 }) }),
      /less than 2\^53|members/,
    ],
    ['a symbolic link', archive([{ ...a, attributes: 0o120777 * 65536 }]), /symbolic link/],
    [
      'deflated data that is not',
      archive([{ ...a, packed: text('\xff\xff\xff') }]),
      /deflated|bytes with CRC/,
    ],
    [
      'deflated data longer than it says',
      archive([{ ...a, packed: new Uint8Array(deflateRawSync(text('aaaaaaaa'))) }]),
      /4 bytes when unpacked/,
      'ZIP_LIMIT',
    ],
    ['a name that is not UTF-8', archive([{ ...a, name: Uint8Array.of(0xff, 0xfe) }]), /UTF-8/],
    ['a name beyond ASCII without its mark', archive([{ ...a, name: 'é' }]), /marked as UTF-8/],
    ...[
      '../x',
      '/x',
      'C:\\x',
      'C:x',
      'a\\..\\x',
      'a/../x',
      './x',
      'a//b',
      '__proto__',
      'a/__proto__/b',
      'a\0b',
      '',
    ].map((name): [string, Uint8Array, RegExp] => [
      `the name ${JSON.stringify(name)}`,
      archive([{ ...a, name }]),
      /name must be (a path inside the archive|ASCII)/,
    ]),
  ];
  for (const [what, bytes, message, code = 'ZIP'] of cases) {
    test(what, () => assert.rejects(readAll(bytes), { name: 'TsunoError', code, message }));
  }
});

describe('bombs cost nothing', () => {
  const zeros = deflated(1e6);
  const large = deflated(8 * 2 ** 20);
  const many = Array.from({ length: 16 }, (_, i) => `lib ${i}.zip`);
  const size64 = (size: number) => packed([1, 2], [8, 2], [size, 8]);
  /** 42 KB of archives in one another, whose innermost members say 4 GiB each: 4.5 PB together. */
  const nested = Array.from({ length: 5 }).reduce<Uint8Array>(
    (inner) =>
      archive(
        many.map((name) => ({
          name,
          data: inner,
          packed: new Uint8Array(deflateRawSync(inner)),
        })),
      ),
    archive([{ name: '0.dll', packed: large, size: 0xffffffff - 1, crc: 0 }]),
  );
  const bombs: [what: string, bytes: Uint8Array][] = [
    [
      'a member that says 4 GiB',
      archive([{ name: 'model.weights.h5', packed: zeros, size: 0xfffffffe, crc: 0 }]),
    ],
    [
      'a member that says 4.5 PB',
      archive([{ name: 'a', packed: zeros, size: 0xffffffff, crc: 0, extra: size64(4.5e15) }]),
    ],
    [
      'a member that says less than it unpacks to',
      archive([{ name: 'a', packed: large, size: 1e6, crc: 0 }]),
    ],
    [
      'a member that says nearly as much',
      archive([{ name: 'a', packed: large, size: 8 * 2 ** 20 - 1, crc: 0 }]),
    ],
    ['20,000 members', archive(Array.from({ length: 20_000 }, (_, i) => ({ name: `${i}` })))],
    [
      '1,000 members over the same bytes',
      archive([
        { name: 'x', packed: zeros, data: new Uint8Array(1e6) },
        ...Array.from({ length: 1000 }, (_, i) => ({
          name: `${i}`,
          packed: zeros,
          data: new Uint8Array(1e6),
          offset: 0,
          local: { packed: new Uint8Array(0) },
        })),
      ]),
    ],
    [
      'members each within the one before',
      archive([
        { name: 'a', data: packed(zeros, zeros) },
        { name: 'b', packed: zeros, data: new Uint8Array(1e6), offset: 31, local: { name: '' } },
      ]),
    ],
  ];
  for (const [what, bytes] of bombs) {
    test(what, () =>
      assertCheap(
        () => assert.rejects(readAll(bytes), { name: 'TsunoError', code: /^ZIP/ }),
        limits,
      ),
    );
  }

  test('archives in archives are not unpacked', async () => {
    assert.ok(nested.length < 42_000, `${nested.length} bytes`);
    const refused = () =>
      assert.rejects(deserializeModel(nested), { code: 'ZIP', found: /^lib 0.zip, lib 1.zip/ });
    await assertCheap(refused, limits);
    const member = { name: 'model.weights.h5', data: nested };
    const disguised = archive([{ name: 'config.json', data: text('{}') }, member]);
    await assertCheap(() => assert.rejects(deserializeModel(disguised), { code: 'HDF5' }), limits);
  });

  test('a description of 1 GiB is refused by its size, and by what it unpacks to', async () => {
    const bytes = deflatedSpaces(2 ** 30);
    assert.ok(bytes.length < 1.2e6, `${bytes.length} bytes`);
    for (const size of [2 ** 30, 1000]) {
      const bomb = archive([
        { name: 'config.json', packed: bytes, size, crc: 0 },
        { name: 'model.weights.h5', data: text('HDF5') },
      ]);
      const error = { code: 'ZIP_LIMIT', message: /config\.json/ };
      await assertCheap(() => assert.rejects(deserializeModel(bomb), error), limits);
    }
  });
});
