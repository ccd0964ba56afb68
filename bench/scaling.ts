/**
 * @file How the time of a training step grows with the batch, with the images' area and with the channels; its memory, and
 * what threads could gain.
 */
import type { NodeBinary } from '../tools/node_binaries.ts';
import type { Job } from './job.ts';
import { runJob } from './run_job.ts';
import { stepMemories, stepMemoryTable } from './step_memory.ts';
import { stepShares, stepSharesTable } from './step_shares.ts';
import { digits, table } from './tables.ts';

interface Point {
  /** What is doubled, for people. */
  value: string;
  batch: number;
  image: readonly number[];
  filters: readonly number[];
}

const base = { batch: 16, image: [16, 16, 3], filters: [16, 32] } as const;
const doubled = [1, 2, 4, 8];

const series: readonly { title: string; points: readonly Point[] }[] = [
  {
    title: 'batch',
    points: doubled.map((by) => ({ ...base, batch: base.batch * by, value: `${base.batch * by}` })),
  },
  {
    title: 'image area',
    points: [
      [16, 16],
      [16, 32],
      [32, 32],
      [32, 64],
    ].map(([h, w]) => ({ ...base, image: [h!, w!, 3], value: `${h} × ${w}` })),
  },
  {
    title: 'channels',
    points: doubled.map((by) => {
      const filters = base.filters.map((count) => count * by);
      return { ...base, filters, value: filters.join(' and ') };
    }),
  },
];

export interface ScalingRow {
  series: string;
  value: string;
  trainMs: number;
  multiplyAdds: number;
  /** Growth of the time over that of the multiply-adds, from the first row: 1 is linear. */
  toLinear: number;
}

export async function measureScaling(
  binary: NodeBinary,
  given: Pick<Job, 'threads' | 'arithmetic' | 'revectorize' | 'smoke'>,
  watch: (what: string) => void,
): Promise<ScalingRow[]> {
  const rows: ScalingRow[] = [];
  for (const { title, points } of series) {
    let first: ScalingRow | undefined;
    for (const { value, batch, image, filters } of given.smoke ? points.slice(0, 2) : points) {
      watch(`${title} ${value}`);
      const job = { ...given, name: 'vgg-like', batch, variant: { image, filters } };
      const { trainMs, multiplyAdds } = await runJob(binary, { ...job, task: 'train' });
      const growth = first ? trainMs / first.trainMs / (multiplyAdds / first.multiplyAdds) : 1;
      const row = { series: title, value, trainMs, multiplyAdds, toLinear: growth };
      first ??= row;
      rows.push(row);
    }
  }
  return rows;
}

export function scalingTables(rows: readonly ScalingRow[]): string {
  const tables = [...new Set(rows.map((row) => row.series))].map((title) => {
    const lines = rows
      .filter((row) => row.series === title)
      .map(({ value, trainMs, multiplyAdds, toLinear }) => [
        value,
        digits(trainMs),
        digits(multiplyAdds / 1e6),
        toLinear.toFixed(2),
      ]);
    const head = [title, 'step, ms', 'M multiply-adds', 'time / multiply-adds, to the first row'];
    return `## Scaling with the ${title}\n\n${table(head, lines)}`;
  });
  const planned = [stepSharesTable(stepShares()), stepMemoryTable(stepMemories())];
  return [...tables, ...planned].join('\n\n');
}
