/** @file What callbacks share that watch one value of the logs: which way is better, and by how much. */
import { show, TsunoError } from '../core/errors.ts';
import { Callback, type Logs } from '../train/callback.ts';
import { warn } from './messages.ts';

/** `min`: less is better; `auto` follows the metric. */
export type MonitorMode = 'auto' | 'min' | 'max';

export interface MonitorOptions {
  /** The value to watch; default `val_loss`. */
  monitor?: string | undefined;
  /** Default `auto`. */
  mode?: MonitorMode | undefined;
  /** Smaller changes are none; default 0. */
  minDelta?: number | undefined;
}

/** Base of callbacks that watch a value. */
export abstract class MonitorCallback extends Callback {
  readonly monitor: string;
  private readonly mode: MonitorMode;
  private readonly minDelta: number;
  private isUp = false;
  /** The best value so far. */
  protected best: number | undefined;

  /** @throws TsunoError `ARGUMENT` for an unknown mode or a minDelta that is no number. */
  constructor(options: MonitorOptions) {
    super();
    this.monitor = options.monitor ?? 'val_loss';
    this.mode = options.mode ?? 'auto';
    this.minDelta = Math.abs(options.minDelta ?? 0);
    if (!['auto', 'min', 'max'].includes(this.mode))
      throw this.refuse('mode', "'auto', 'min' or 'max'", this.mode);
    if (!Number.isFinite(this.minDelta))
      throw this.refuse('minDelta', 'a finite number', options.minDelta);
  }

  protected refuse(what: string, expected: string, found: unknown): TsunoError {
    return new TsunoError('ARGUMENT', {
      where: this.constructor.name,
      what,
      expected,
      found: show(found),
    });
  }

  /** Learns which way is better. @throws TsunoError `ARGUMENT` where `auto` cannot know. */
  override onTrainBegin(_logs: Logs): void {
    const direction = this.model.directionOf(this.monitor.replace(/^val_/, ''));
    if (this.mode === 'auto' && !direction) {
      throw new TsunoError('ARGUMENT', {
        where: this.constructor.name,
        what: `monitor ${show(this.monitor)}`,
        expected: 'a loss or a metric of which more or less is known to be better',
        found: 'another',
        repair: "Say mode: 'max' or mode: 'min'.",
      });
    }
    this.isUp = this.mode === 'auto' ? direction === 'up' : this.mode === 'max';
  }

  /** The watched value; warns where there is none. @param purpose begins the warning. */
  protected monitored(logs: Logs, purpose: string): number | undefined {
    const value = logs[this.monitor];
    if (value === undefined) {
      const available = Object.keys(logs).join(',');
      warn(
        `${purpose} metric \`${this.monitor}\` which is not available. Available metrics are: ${available}`,
      );
    }
    return value;
  }

  /** Whether `value` is better than `reference`, in single precision as Keras compares. */
  protected improves(value: number, reference: number | undefined): boolean {
    if (reference === undefined) return true;
    const [a, b] = this.isUp
      ? [Math.fround(value - this.minDelta), Math.fround(reference)]
      : [Math.fround(reference), Math.fround(value + this.minDelta)];
    return a > b;
  }
}
