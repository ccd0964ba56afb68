/** @file Measurements as Markdown. */
import type { Measurement } from './job.ts';
import type { Profile } from './profile.ts';

/** A table; columns after the first `left` are set to the right. */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  left = 1,
): string {
  const widths = head.map((title, i) =>
    Math.max(3, title.length, ...rows.map((row) => row[i]!.length)),
  );
  const line = (cells: readonly string[]) => {
    const padded = cells.map((cell, i) =>
      i < left ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!),
    );
    return `| ${padded.join(' | ')} |`;
  };
  const rule = widths.map((width, i) =>
    i < left ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  );
  return [line(head), line(rule), ...rows.map(line)].join('\n');
}

/** Three digits that count: 1234, 123, 12.3, 1.23, 0.123. */
export function digits(value: number): string {
  if (value >= 100) return value.toFixed(0);
  return value >= 10 ? value.toFixed(1) : value >= 1 ? value.toFixed(2) : value.toFixed(3);
}

export const range = (min: number, max: number): string => `${digits(min)}–${digits(max)}`;

/** One table of training, one of inference. */
export function measurementTables(measurements: readonly Measurement[]): string {
  const several = (key: 'node' | 'threads' | 'arithmetic' | 'revectorized') =>
    new Set(measurements.map((one) => one[key])).size > 1;
  const [nodes, threads, arithmetics, joins] = [
    several('node'),
    several('threads'),
    several('arithmetic'),
    several('revectorized'),
  ];
  const label = (one: Measurement) =>
    [
      `${one.name}, ${one.batch}`,
      ...(threads ? [`${one.threads} threads`] : []),
      ...(arithmetics ? [one.arithmetic] : []),
      ...(joins ? [one.revectorized ? '256 bits' : '128 bits'] : []),
      ...(nodes ? [`Node ${one.node}`] : []),
    ].join(', ');
  const training = table(
    ['network, batch', 'step, ms', 'least–most', 'first step, ms', 'epoch, s', 'peak, MiB'],
    measurements.map((one) => [
      label(one),
      digits(one.trainMs),
      range(one.trainMsMin, one.trainMsMax),
      digits(one.firstStepMs),
      one.epochMs === null ? '' : digits(one.epochMs / 1000),
      digits(one.peakMb),
    ]),
  );
  const sizes = measurements[0]?.infer.map(({ batch }) => batch) ?? [];
  const inference = table(
    [
      'network',
      ...sizes.map((size) => `${size}, ms`),
      ...sizes.map((size) => `predict ${size}, ms`),
    ],
    measurements.map((one) => [
      label(one),
      ...one.infer.map(({ programMs }) => digits(programMs)),
      ...one.infer.map(({ predictMs }) => digits(predictMs)),
    ]),
  );
  return `## Training\n\n${training}\n\n## Inference\n\n${inference}`;
}

/** The same network in every setting: how fast each is, and how many times as long it takes as the fastest with as many threads. */
export function matrixTable(measurements: readonly Measurement[]): string {
  const fastest = (threads: number) =>
    Math.min(...measurements.filter((one) => one.threads === threads).map((one) => one.trainMs));
  const rows = measurements.map((one) => [
    one.node,
    one.arithmetic,
    one.revectorized ? '256 bits' : '128 bits',
    `${one.threads}`,
    digits(one.trainMs),
    range(one.trainMsMin, one.trainMsMax),
    (one.trainMs / fastest(one.threads)).toFixed(2),
    digits(one.inferMs),
    digits(one.firstStepMs),
    one.epochMs === null ? '' : digits(one.epochMs / 1000),
    digits(one.peakMb),
  ]);
  const head = ['Node', 'arithmetic', 'vectors', 'threads', 'step, ms', 'least–most'];
  head.push('to the fastest', 'inference, ms', 'first step, ms', 'epoch, s', 'peak, MiB');
  return table(head, rows, 3);
}

/** The `most` slowest kinds of kernel, the others in one row. */
export function profileTable(title: string, profile: Profile, most = 25): string {
  const { peak, threads, stepMs, multiplyAdds, idle, rows } = profile;
  const percent = (part: number) => `${(part * 100).toFixed(1)} %`;
  const rate = (count: number, ms: number) => (count === 0 ? '' : digits((2 * count) / ms / 1e6));
  const ofPeak = (count: number, ms: number) =>
    count === 0 ? '' : percent(count / ms / 1e6 / (peak * threads));
  const sum = (key: 'count' | 'ms' | 'multiplyAdds' | 'waitMs', list: typeof rows) =>
    list.reduce((total, row) => total + row[key], 0);
  const row = (name: string, list: typeof rows) => [
    name,
    String(sum('count', list)),
    sum('ms', list).toFixed(3),
    percent(sum('ms', list) / stepMs),
    (sum('multiplyAdds', list) / 1e6).toFixed(2),
    rate(sum('multiplyAdds', list), sum('ms', list)),
    ofPeak(sum('multiplyAdds', list), sum('ms', list)),
    percent(sum('waitMs', list) / stepMs),
  ];
  const rest = rows.slice(most);
  const lines = [
    ...rows.slice(0, most).map((one) => row(one.kernel, [one])),
    ...(rest.length > 0 ? [row(`${rest.length} other kinds`, rest)] : []),
  ];
  const head = ['kernel', 'times', 'ms', 'of step', 'M multiply-adds', 'GFLOP/s', 'of peak'];
  return [
    `## ${title}`,
    '',
    `Node ${profile.node}, ${profile.arithmetic} arithmetic, ${threads} ${threads === 1 ? 'thread' : 'threads'}. ` +
      `A step: ${digits(stepMs)} ms with the clock, ${digits(multiplyAdds / 1e6)} M useful multiply-adds, ` +
      `${digits((2 * multiplyAdds) / stepMs / 1e6)} GFLOP/s, ` +
      `${percent(multiplyAdds / stepMs / 1e6 / (peak * threads))} of the peak; threads wait ${percent(idle)} of it. ` +
      `Peak of a core: ${digits(2 * peak)} GFLOP/s.`,
    '',
    table([...head, 'wait before'], lines),
  ].join('\n');
}
