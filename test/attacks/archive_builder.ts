/** @file ZIP archives byte by byte, with every field at the test's disposal. */
import { crc32 } from '../../src/core/checksum.ts';

/** The fields of a member; what is left out is what an honest archive would have. */
export interface Member {
  name: string | Uint8Array;
  data?: Uint8Array;
  packed?: Uint8Array;
  method?: number;
  flags?: number;
  crc?: number;
  size?: number;
  packedSize?: number;
  attributes?: number;
  extra?: Uint8Array;
  /** Offset the directory gives; default: where the member is. */
  offset?: number;
  /** What the record before the data says, where that differs from the directory. */
  local?: Partial<Omit<Member, 'local' | 'offset'>>;
  /** Bytes after the data. */
  after?: Uint8Array;
}

export interface ArchiveFields {
  before?: Uint8Array;
  comment?: string;
  count?: number;
  /** Between the directory and the end record. */
  beforeEnd?: (directory: { start: number; size: number; count: number }) => Uint8Array;
  end?: { size?: number; start?: number; count?: number };
}

const encode = (text: string | Uint8Array) =>
  typeof text === 'string' ? new TextEncoder().encode(text) : text;

/** Numbers of 1, 2, 4 or 8 bytes as `[value, width]`, and bytes, in a row. */
export function packed(
  ...parts: readonly (readonly [value: number, width: number] | Uint8Array)[]
): Uint8Array {
  const widthOf = (part: (typeof parts)[number]) =>
    part instanceof Uint8Array ? part.length : part[1];
  const out = new Uint8Array(parts.reduce((sum, part) => sum + widthOf(part), 0));
  let at = 0;
  for (const part of parts) {
    if (part instanceof Uint8Array) out.set(part, at);
    else for (let i = 0; i < part[1]; i++) out[at + i] = Math.floor(part[0] / 256 ** i) % 256;
    at += widthOf(part);
  }
  return out;
}

function record(member: Omit<Member, 'local'>, isLocal: boolean, offset: number): Uint8Array {
  const data = member.data ?? new Uint8Array(0);
  const content = member.packed ?? data;
  const name = encode(member.name);
  const extra = member.extra ?? new Uint8Array(0);
  const common = packed(
    [member.flags ?? 0, 2],
    [member.method ?? (member.packed ? 8 : 0), 2],
    [0x00210000, 4],
    [member.crc ?? crc32(data), 4],
    [member.packedSize ?? content.length, 4],
    [member.size ?? data.length, 4],
    [name.length, 2],
    [extra.length, 2],
  );
  if (isLocal) return packed([0x04034b50, 4], [20, 2], common, name, extra);
  return packed(
    [0x02014b50, 4],
    [0x0314, 2],
    [20, 2],
    common,
    [0, 2],
    [0, 2],
    [0, 2],
    [member.attributes ?? 0o100600 * 65536, 4],
    [member.offset ?? offset, 4],
    name,
    extra,
  );
}

/** An archive of these members, honest but for the fields that are given. */
export function archive(members: readonly Member[], fields: ArchiveFields = {}): Uint8Array {
  const pieces: Uint8Array[] = [fields.before ?? new Uint8Array(0)];
  let length = pieces[0]!.length;
  const add = (piece: Uint8Array) => {
    pieces.push(piece);
    length += piece.length;
  };
  const offsets = members.map((member) => {
    const at = length;
    const local = { ...member, ...member.local };
    add(record(local, true, 0));
    add(local.packed ?? local.data ?? new Uint8Array(0));
    add(member.after ?? new Uint8Array(0));
    return at;
  });
  const start = length;
  members.forEach((member, i) => {
    add(record(member, false, offsets[i]!));
  });
  const size = length - start;
  const count = fields.count ?? members.length;
  if (fields.beforeEnd) add(fields.beforeEnd({ start, size, count }));
  const { end = {} } = fields;
  const comment = encode(fields.comment ?? '');
  const shown = end.count ?? count;
  add(
    packed(
      [0x06054b50, 4],
      [0, 4],
      [shown, 2],
      [shown, 2],
      [end.size ?? size, 4],
      [end.start ?? start, 4],
      [comment.length, 2],
      comment,
    ),
  );
  const out = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    out.set(piece, at);
    at += piece.length;
  }
  return out;
}

/** An archive of one member that is deflated. */
export function deflatedZip(name: string, data: Uint8Array, deflated: Uint8Array): Uint8Array {
  return archive([{ name, data, packed: new Uint8Array(deflated) }]);
}
