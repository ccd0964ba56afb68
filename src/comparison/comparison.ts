/**
 * @file What `compare` found: a row for each variant, what differences there are and how sure they are, as text, as data
 * and as curves.
 */
import { fixed } from '../callbacks/number_format.ts';
import { show, TsunoError } from '../core/errors.ts';
import type { ComparisonChartOptions } from '../plots/comparison.ts';
import { comparison as drawComparison } from '../plots/files.ts';
import {
  lastValues,
  type RunResult,
  type Spread,
  spreadOf,
  type VariantResult,
} from './results.ts';
import { welchInterval } from './statistics.ts';
import { comparisonTable, isShare } from './table.ts';

/** How a variant differs from the baseline in what was monitored. */
export interface Difference {
  variant: string;
  baseline: string;
  /** The variant's mean less the baseline's. */
  difference: number;
  /** Half the width of the interval; `undefined` where one of them has fewer than two complete runs. */
  margin: number | undefined;
  /** `better`, `worse`, `none` seen, or `unknown` without a margin. */
  verdict: 'better' | 'worse' | 'none' | 'unknown';
  /** In words. */
  text: string;
}

/** What a comparison is made of. */
export interface ComparisonParts {
  variants: readonly VariantResult[];
  monitor: string;
  direction: 'up' | 'down';
  baseline: string;
  confidence: number;
  seeds: readonly number[];
  interrupted: boolean;
}

/**
 * The outcome of `compare`.
 *
 * Differences are judged by Welch's t interval over the seeds' values after the last epoch. The confidence is that of
 * all comparisons with the baseline together (Bonferroni: with k of them each interval has 1 − (1 − confidence)/k). What
 * the intervals tell is how far the draws of weights, order and dropout go; another validation set is another matter.
 */
export class Comparison {
  readonly variants: readonly VariantResult[];
  /** What decided, e.g. `val_accuracy`. */
  readonly monitor: string;
  readonly baseline: string;
  readonly seeds: readonly number[];
  /** Whether Ctrl-C or the signal ended it before all was trained. */
  readonly interrupted: boolean;
  private readonly parts: ComparisonParts;

  constructor(parts: ComparisonParts) {
    this.parts = parts;
    this.variants = parts.variants;
    this.monitor = parts.monitor;
    this.baseline = parts.baseline;
    this.seeds = parts.seeds;
    this.interrupted = parts.interrupted;
  }

  /** The variant whose mean is best, sure or not; `undefined` where no run is complete. */
  get best(): VariantResult | undefined {
    const sign = this.parts.direction === 'up' ? 1 : -1;
    let best: { variant: VariantResult; value: number } | undefined;
    for (const variant of this.variants) {
      const found = spreadOf(variant, this.monitor);
      const value = found && sign * found.mean;
      if (value !== undefined && !(best && best.value >= value)) best = { variant, value };
    }
    return best?.variant;
  }

  /**
   * Losses and metrics by epoch of one run.
   *
   * @throws TsunoError `ARGUMENT` for a variant or seed that is not there.
   */
  history(variant: string, seed: number): RunResult {
    const found = this.variants
      .find(({ name }) => name === variant)
      ?.runs.find((run) => run.seed === seed);
    if (found) return found;
    const names = this.variants.map(({ name }) => name).join(', ');
    throw new TsunoError('ARGUMENT', {
      where: 'Comparison.history',
      what: 'variant and seed',
      expected: `one of ${names}, and one of ${this.seeds.join(', ')}`,
      found: `${show(variant)}, ${seed}`,
    });
  }

  /** Mean and spread over the seeds of `metric` after the last epoch; `undefined` without a complete run. */
  spread(variant: string, metric = this.monitor): Spread | undefined {
    const found = this.variants.find(({ name }) => name === variant);
    return found && spreadOf(found, metric);
  }

  /** Each variant beside the baseline, in order. */
  get differences(): Difference[] {
    const { baseline, monitor, confidence, direction } = this.parts;
    const base = this.variants.find(({ name }) => name === baseline)!;
    const others = this.variants.filter(
      (one) => one !== base && lastValues(one, monitor).length > 0,
    );
    const from = lastValues(base, monitor);
    if (from.length === 0) return [];
    const each = 1 - (1 - confidence) / Math.max(1, others.length);
    return others.map((variant) => {
      const to = lastValues(variant, monitor);
      const interval = welchInterval(from, to, each);
      const gain = direction === 'up' ? interval.difference : -interval.difference;
      const { margin } = interval;
      const isSeen = margin !== undefined && Math.abs(gain) > margin;
      const verdict =
        margin === undefined ? 'unknown' : isSeen ? (gain > 0 ? 'better' : 'worse') : 'none';
      const found = { variant: variant.name, baseline, ...interval, verdict } as const;
      return { ...found, text: inWords(found, monitor, [from.length, to.length]) };
    });
  }

  /** The table, and under it what it says in words; no colours. */
  table(): string {
    const notes = this.differences.map(({ text }) => text);
    const { best } = this;
    if (best && this.variants.length > 1) {
      const { mean: value } = spreadOf(best, this.monitor)!;
      notes.unshift(`best ${this.monitor}: ${best.name}, ${inUnits(value, this.monitor)}`);
    }
    for (const { name, runs } of this.variants) {
      const failures = runs.flatMap(({ seed, failure }) => (failure ? [{ seed, failure }] : []));
      const [first] = failures;
      if (!first) continue;
      const seeds = failures.map(({ seed }) => seed).join(', ');
      notes.push(`${name} failed (seed ${seeds}): ${first.failure.message}`);
    }
    if (this.differences.some(({ text }) => text.includes('±'))) {
      const sure = `${Math.round(1000 * this.parts.confidence) / 10} %`;
      notes.push(
        `± of a mean: standard deviation over seeds; of a difference: ${sure} interval, all comparisons together`,
      );
    }
    if (this.interrupted) notes.push('interrupted: runs that are not complete are left out');
    const rows = comparisonTable(this.variants, { monitor: this.monitor });
    return `${[...rows, ...(notes.length > 0 ? ['', ...notes] : [])].join('\n')}\n`;
  }

  /**
   * Draws what was monitored and the validation loss over the epochs: a line for each variant's mean, a band from the
   * least to the greatest of its seeds.
   *
   * @param path where to write it, as `.png` or `.svg`; without it nothing is written.
   * @returns the SVG.
   * @throws TsunoError as `plots.comparison`.
   */
  chart(path?: string, options: ComparisonChartOptions = {}): Promise<string> {
    const all = new Set(
      this.variants.flatMap(({ runs }) => runs.flatMap((run) => Object.keys(run.history))),
    );
    const metrics = [this.monitor, 'val_loss', 'loss'].filter(
      (name, i, list) => all.has(name) && list.indexOf(name) === i,
    );
    return drawComparison(this.variants, path, { metrics: metrics.slice(0, 2), ...options });
  }

  /** Everything as plain data. */
  toJSON() {
    const { direction, confidence } = this.parts;
    return {
      monitor: this.monitor,
      direction,
      baseline: this.baseline,
      confidence,
      method: "Welch's t interval over seeds, Bonferroni over variants",
      seeds: this.seeds,
      interrupted: this.interrupted,
      best: this.best?.name,
      differences: this.differences,
      variants: this.variants,
    };
  }
}

function inUnits(value: number, metric: string): string {
  return isShare(metric) ? `${fixed(100 * value, 2)} %` : fixed(value, 4);
}

/** `b is better than a by 0.41 ± 0.12 points of val_accuracy (3 seeds)`. */
function inWords(
  { variant, baseline, difference, margin, verdict }: Omit<Difference, 'text'>,
  metric: string,
  [from, to]: readonly [number, number],
): string {
  const share = isShare(metric);
  const number = (value: number) => fixed(share ? 100 * value : value, share ? 2 : 4);
  const unit = share ? `points of ${metric}` : `in ${metric}`;
  const seeds = from === to ? `${to} ${to === 1 ? 'seed' : 'seeds'}` : `${to} and ${from} seeds`;
  const size = number(Math.abs(difference));
  // Two seeds give intervals so wide that they tell nothing, of shares even beyond all that is possible.
  const isVague = Math.min(from, to) < 3 || (share && margin! >= 1);
  if (verdict === 'unknown' || (verdict === 'none' && isVague)) {
    const signed = `${difference < 0 ? '−' : '+'}${size}`;
    return `${variant} beside ${baseline}: ${signed} ${unit} (${seeds}: too few to say how sure that is)`;
  }
  const interval = `± ${number(margin!)} ${unit} (${seeds})`;
  if (verdict === 'none') {
    const signed = `${difference < 0 ? '−' : ''}${size}`;
    return `no difference seen between ${variant} and ${baseline}: ${signed} ${interval}`;
  }
  return `${variant} is ${verdict} than ${baseline} by ${size} ${interval}`;
}
