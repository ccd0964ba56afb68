/** @file What tsuno and its peers took, round after round, and its tables. */
import type { Measurement } from './job.ts';
import type { PeerLine } from './peers/line.ts';
import { digits, range, table } from './tables.ts';
import { medianOf } from './timing.ts';

interface Kind {
  title: string;
  /** Units of the figure in one of the table. */
  unit: number;
  /** Whether a peer that is slow in all of these is left out of further rounds. */
  decides: boolean;
}

/** The kinds of figures, in the order of their tables. */
const kinds = {
  train: { title: 'Training step, ms', unit: 1, decides: true },
  infer: { title: 'Inference of a batch, ms', unit: 1, decides: true },
  epoch: { title: 'An epoch of MNIST with validation, s', unit: 1000, decides: true },
  firstStep: {
    title: 'From the start of the process to the end of the first step, s',
    unit: 1000,
    decides: false,
  },
  peak: { title: 'Largest resident memory, MiB', unit: 1, decides: false },
} as const satisfies Record<string, Kind>;

export interface Figure {
  kind: keyof typeof kinds;
  peer: string;
  network: string;
  batch: number;
  threads: number;
  /** The median of each process. */
  values: readonly number[];
  /** The least and the most of all rounds of all processes. */
  min: number;
  max: number;
}

/** Milliseconds or MiB of one process. */
interface Spread {
  median: number;
  min: number;
  max: number;
}

const once = (value: number): Spread => ({ median: value, min: value, max: value });

function figuresOf(
  common: Pick<Figure, 'peer' | 'network' | 'threads'>,
  found: readonly (readonly [Figure['kind'], batch: number, Spread | null])[],
): Figure[] {
  return found.flatMap(([kind, batch, spread]) => {
    if (!spread) return [];
    const { median, min, max } = spread;
    return [{ kind, ...common, batch, values: [median], min, max }];
  });
}

/** The figures of a peer's process. */
export function peerFigures(line: PeerLine): Figure[] {
  const { peer, network, batch, threads, train, firstStepMs, epochMs, peakMb, infer } = line;
  return figuresOf({ peer, network, threads }, [
    ['train', batch, train],
    ...infer.map((one) => ['infer', one.batch, one] as const),
    ['epoch', batch, epochMs === null ? null : once(epochMs)],
    ['firstStep', batch, firstStepMs === null ? null : once(firstStepMs)],
    ['peak', batch, once(peakMb)],
  ]);
}

/** Ours is the first column of each table. */
const isOurs = (peer: string) => peer.startsWith('tsuno');

/** Ours: batches of predictions in one dispatch, and as calls of `predict`. */
export function ourFigures(network: string, found: Measurement): Figure[] {
  const { batch, threads, infer, epochMs } = found;
  const common = { network, threads };
  return [
    ...figuresOf({ peer: 'tsuno', ...common }, [
      ['train', batch, { median: found.trainMs, min: found.trainMsMin, max: found.trainMsMax }],
      ...infer.map((one) => ['infer', one.batch, once(one.programMs)] as const),
      ['epoch', batch, epochMs === null ? null : once(epochMs)],
      [
        'firstStep',
        batch,
        { median: found.firstStepMs, min: found.firstStepMsMin, max: found.firstStepMsMax },
      ],
      ['peak', batch, once(found.peakMb)],
    ]),
    ...figuresOf(
      { peer: 'tsuno, `predict`', ...common },
      infer.map((one) => ['infer', one.batch, once(one.predictMs)] as const),
    ),
  ];
}

/** One figure for each thing measured. */
export function joined(figures: readonly Figure[]): Figure[] {
  const all = new Map<string, Figure>();
  for (const figure of figures) {
    const { kind, peer, network, batch, threads } = figure;
    const key = [kind, peer, network, batch, threads].join();
    const old = all.get(key);
    all.set(key, {
      ...figure,
      values: [...(old?.values ?? []), ...figure.values],
      min: Math.min(figure.min, old?.min ?? figure.min),
      max: Math.max(figure.max, old?.max ?? figure.max),
    });
  }
  return [...all.values()];
}

const medianOfFigure = ({ values }: Figure) => medianOf(values);
const rowOf = ({ network, batch }: Figure) => `${network}, ${batch}`;

/** The least median of the peers, where there is one. */
function fastestPeer(figures: readonly Figure[]): number | undefined {
  const peers = figures.filter(({ peer }) => !isOurs(peer)).map(medianOfFigure);
  return peers.length > 0 ? Math.min(...peers) : undefined;
}

/** The peers that took at most `times` as long as the fastest one in some figure of this network. */
export function contenders(
  figures: readonly Figure[],
  network: string,
  threads: number,
  times: number,
): Set<string> {
  const deciding = joined(figures).filter(
    (one) => one.network === network && one.threads === threads && kinds[one.kind].decides,
  );
  const near = deciding.filter((one) => {
    const row = deciding.filter(({ kind, batch }) => kind === one.kind && batch === one.batch);
    return medianOfFigure(one) <= times * (fastestPeer(row) ?? Number.POSITIVE_INFINITY);
  });
  return new Set(near.map(({ peer }) => peer).filter((peer) => !isOurs(peer)));
}

/** A table for each kind; ours first, and last how many times as much the best peer took. */
export function figureTables(figures: readonly Figure[]): string {
  const trains = new Set(figures.filter(({ kind }) => kind === 'train').map(({ peer }) => peer));
  const texts = Object.entries<Kind>(kinds).flatMap(([kind, { title, unit }]) => {
    const own = joined(figures).filter((figure) => figure.kind === kind);
    const names = [...new Set(own.map(({ peer }) => peer))];
    const peers = [...names.filter(isOurs), ...names.filter((peer) => !isOurs(peer))];
    const cell = (found: Figure | undefined) => {
      if (!found) return '';
      const [min, max] = [found.min / unit, found.max / unit];
      const spread = min < max ? ` (${range(min, max)})` : '';
      return `${digits(medianOfFigure(found) / unit)}${spread}`;
    };
    const rows = [...new Set(own.map(rowOf))].map((row) => {
      const all = own.filter((figure) => rowOf(figure) === row);
      const ours = all.find(({ peer }) => peer === 'tsuno');
      // Who only predicts keeps less in memory.
      const rivals = all.filter(({ peer }) => kind !== 'peak' || trains.has(peer));
      const best = fastestPeer(rivals);
      const ratio = ours && best !== undefined ? digits(best / medianOfFigure(ours)) : '';
      return [row, ...peers.map((peer) => cell(all.find((one) => one.peer === peer))), ratio];
    });
    if (rows.length === 0) return [];
    return [`### ${title}\n\n${table(['network, batch', ...peers, 'best peer / tsuno'], rows)}`];
  });
  return texts.join('\n\n');
}
