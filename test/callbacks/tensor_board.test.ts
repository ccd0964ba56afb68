/** @file TensorBoard's files, read back by a strict parser of their own format. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { maskedCrc } from '../../src/callbacks/event_file.ts';
import { TensorBoard } from '../../src/callbacks/index.ts';
import { smallModel, stripes } from '../support/small_models.ts';

type Fields = Map<number, (number | Buffer)[]>;

/** The fields of a message by number; integers as numbers, all else as bytes. */
function fields(bytes: Buffer): Fields {
  const found: Fields = new Map();
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes.readUInt8(at++);
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const key = varint();
    const [number, type] = [key >> 3, key & 7];
    const length =
      type === 0 ? 0 : type === 1 ? 8 : type === 2 ? varint() : assert.fail(`type ${type}`);
    assert.ok(at + length <= bytes.length, 'a field reaches past its message');
    const value = type === 0 ? varint() : bytes.subarray(at, at + length);
    at += length;
    found.set(number, [...(found.get(number) ?? []), value]);
  }
  return found;
}

interface Event {
  step: number;
  tag: string;
  plugin: string;
  shape: number[];
  values: number[];
}

const bytesOf = (found: Fields, number: number) => found.get(number)![0] as Buffer;

function eventOf(message: Buffer): Event | string {
  const event = fields(message);
  assert.ok(Math.abs(bytesOf(event, 1).readDoubleLE() - Date.now() / 1000) < 600);
  if (event.has(3)) return bytesOf(event, 3).toString();
  const value = fields(bytesOf(fields(bytesOf(event, 5)), 1));
  const tensor = fields(bytesOf(value, 8));
  const content = Buffer.from(bytesOf(tensor, 4));
  const isFloat = tensor.get(1)![0] === 1;
  const size = isFloat ? 4 : 8;
  return {
    step: event.get(2)![0] as number,
    tag: bytesOf(value, 1).toString(),
    plugin: bytesOf(fields(bytesOf(fields(bytesOf(value, 9)), 1)), 1).toString(),
    shape: (fields(bytesOf(tensor, 2)).get(2) ?? []).map(
      (dimension) => fields(dimension as Buffer).get(1)![0] as number,
    ),
    values: Array.from({ length: content.length / size }, (_, i) =>
      isFloat ? content.readFloatLE(i * size) : content.readDoubleLE(i * size),
    ),
  };
}

/** All events of the one file in a folder; checksums and lengths must be right. */
function eventsOf(folder: string): Event[] {
  const names = readdirSync(folder);
  assert.equal(names.length, 1);
  assert.match(names[0]!, /^events\.out\.tfevents\.\d+\..+\.v2$/);
  const bytes = readFileSync(join(folder, names[0]!));
  const events: (Event | string)[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = Number(bytes.readBigUInt64LE(at));
    assert.equal(bytes.readUInt32LE(at + 8), maskedCrc(bytes.subarray(at, at + 8)));
    const message = bytes.subarray(at + 12, at + 12 + length);
    assert.equal(bytes.readUInt32LE(at + 12 + length), maskedCrc(message));
    events.push(eventOf(message));
    at += 16 + length;
  }
  assert.equal(events.shift(), 'brain.Event:2');
  return events as Event[];
}

describe('TensorBoard', () => {
  test('the checksum is CRC-32C, masked', () => {
    // CRC-32C of "123456789" is 0xe3069283 (RFC 3720, and every table of checksums).
    const crc = 0xe3069283;
    const masked = (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
    assert.equal(maskedCrc(new TextEncoder().encode('123456789')), masked);
  });

  test('writes what the history has, under Keras’s names', async () => {
    const logDir = mkdtempSync(join(tmpdir(), 'tsuno-board-'));
    const model = smallModel();
    const options = { logDir, histogramFreq: 2, updateFreq: 3, writeStepsPerSecond: true };
    const { history } = await model.fit(stripes(60), {
      epochs: 3,
      batchSize: 8,
      validationSplit: 0.2,
      callbacks: [new TensorBoard(options)],
      verbose: 0,
    });
    model.close();
    const train = eventsOf(join(logDir, 'train'));
    const held = eventsOf(join(logDir, 'validation'));
    const series = (events: Event[], tag: string) => events.filter((event) => event.tag === tag);
    const check = (events: Event[], tag: string, values: number[]) => {
      const found = series(events, tag);
      assert.deepEqual(
        found.map(({ step }) => step),
        [0, 1, 2],
      );
      for (const { plugin, shape } of found) assert.deepEqual([plugin, shape], ['scalars', []]);
      assert.deepEqual(
        found.map(({ values: [value] }) => value),
        values.map(Math.fround),
      );
    };
    check(train, 'epoch_loss', history.loss!);
    check(train, 'epoch_accuracy', history.accuracy!);
    check(train, 'epoch_learning_rate', [0.001, 0.001, 0.001]);
    check(held, 'epoch_loss', history.val_loss!);
    assert.deepEqual(
      series(held, 'evaluation_loss_vs_iterations').map(({ step }) => step),
      [6, 12, 18],
    );
    assert.deepEqual(
      series(train, 'batch_loss').map(({ step }) => step),
      [3, 6, 9, 12, 15, 18],
    );
    for (const { values } of series(train, 'epoch_steps_per_second')) assert.ok(values[0]! > 0);
    const kernel = model.weights[0]!;
    const histograms = series(train, `${kernel.path}/histogram`);
    assert.deepEqual(
      histograms.map(({ step }) => step),
      [0, 2],
    );
    const { shape, values, plugin } = histograms.at(-1)!;
    assert.deepEqual([shape, plugin], [[30, 3], 'histograms']);
    const counts = values.filter((_, i) => i % 3 === 2);
    assert.equal(
      counts.reduce((sum, count) => sum + count, 0),
      kernel.size,
    );
    assert.equal(values[0], Math.min(...kernel.data));
    assert.equal(values.at(-2), Math.max(...kernel.data));
    rmSync(logDir, { recursive: true });
  });

  test('a folder that cannot be written is refused before the first step', async () => {
    const model = smallModel();
    const callbacks = [new TensorBoard({ logDir: '/dev/null/logs' })];
    await assert.rejects(model.fit(stripes(20), { callbacks, verbose: 0 }), { code: 'FILE' });
    assert.equal(model.optimizer.iterations.data[0], 0);
    assert.throws(() => new TensorBoard({ updateFreq: 0 }), { code: 'ARGUMENT' });
    model.close();
  });
});
