/**
 * @file TensorBoard's event files, written by hand: a chain of records, each an `Event` message of protocol buffers
 * between two checksums.
 *
 * - record: length (uint64), its masked CRC-32C, the message, its masked CRC-32C
 * - message: fields of (number, wire type), as in tensorflow/core/util/event.proto and framework/summary.proto
 */

/** CRC-32C (Castagnoli) of each byte. */
const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc >>> 0;
});

/** CRC-32C, rotated and shifted so that a checksum of data with checksums in it stays one. */
export function maskedCrc(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = table[(crc ^ byte) & 255]! ^ (crc >>> 8);
  crc = ~crc >>> 0;
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

/** A message framed as a record. */
export function record(message: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(message.length + 16);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(message.length), true);
  view.setUint32(8, maskedCrc(bytes.subarray(0, 8)), true);
  bytes.set(message, 12);
  view.setUint32(12 + message.length, maskedCrc(message), true);
  return bytes;
}

type Field = readonly number[];

/** A whole number below 2⁵³, seven bits a byte, low ones first. */
function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  return [...bytes, rest];
}

const integer = (field: number, value: number): Field => [field << 3, ...varint(value)];

function bytesField(field: number, value: ArrayLike<number>): Field {
  return [(field << 3) | 2, ...varint(value.length), ...Array.from(value)];
}

const message = (field: number, ...fields: readonly Field[]): Field =>
  bytesField(field, fields.flat());
const text = (field: number, value: string): Field =>
  bytesField(field, new TextEncoder().encode(value));

function double(field: number, value: number): Field {
  return [(field << 3) | 1, ...new Uint8Array(Float64Array.of(value).buffer)];
}

/** `Event`: a time in seconds since 1970, a step, and what happened. */
function event(seconds: number, step: number, content: Field): Uint8Array {
  return Uint8Array.from([...double(1, seconds), ...integer(2, step), ...content]);
}

/** The first event of a file. */
export function fileVersion(seconds: number): Uint8Array {
  return event(seconds, 0, text(3, 'brain.Event:2'));
}

/** `DataType` and class of a plugin's data. */
const float = 1;
const float64 = 2;
const scalarClass = 1;
const tensorClass = 2;

interface Value {
  tag: string;
  plugin: string;
  dataClass: number;
  dtype: number;
  shape: readonly number[];
  content: Uint8Array;
}

/** `Summary` of one value: a tensor, with the plugin that shows it. */
function summary({ tag, plugin, dataClass, dtype, shape, content }: Value): Field {
  const dims = shape.map((size) => message(2, integer(1, size)));
  const tensor = message(8, integer(1, dtype), message(2, ...dims), bytesField(4, content));
  const metadata = message(9, message(1, text(1, plugin)), integer(4, dataClass));
  return message(5, message(1, text(1, tag), tensor, metadata));
}

/** A number for the page of scalars. */
export function scalarEvent(seconds: number, step: number, tag: string, value: number): Uint8Array {
  const content = new Uint8Array(Float32Array.of(value).buffer);
  const plugin = { plugin: 'scalars', dataClass: scalarClass };
  return event(seconds, step, summary({ tag, ...plugin, dtype: float, shape: [], content }));
}

/** Buckets of a histogram, as TensorFlow makes them by default. */
const buckets = 30;

/** The distribution of `values` for the page of histograms: rows of left edge, right edge, count. */
export function histogramEvent(
  seconds: number,
  step: number,
  tag: string,
  values: ArrayLike<number>,
): Uint8Array {
  const rows = histogram(values);
  const content = new Uint8Array(Float64Array.from(rows.flat()).buffer);
  const plugin = { plugin: 'histograms', dataClass: tensorClass };
  const shape = [rows.length, 3];
  return event(seconds, step, summary({ tag, ...plugin, dtype: float64, shape, content }));
}

function histogram(values: ArrayLike<number>): number[][] {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < values.length; i++) {
    low = Math.min(low, values[i]!);
    high = Math.max(high, values[i]!);
  }
  if (values.length === 0) return [];
  if (low === high) return [[low - 0.5, low + 0.5, values.length]];
  const width = (high - low) / buckets;
  const rows = Array.from({ length: buckets }, (_, i) => [
    low + i * width,
    low + (i + 1) * width,
    0,
  ]);
  rows.at(-1)![1] = high;
  for (let i = 0; i < values.length; i++) {
    const bucket = Math.min(buckets - 1, Math.floor((values[i]! - low) / width));
    rows[bucket]![2]!++;
  }
  return rows;
}
