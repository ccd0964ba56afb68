/**
 * @file The progress bar: what it prints, to the character as Keras prints it. It knows no model and no clock of its
 * own: steps and running means come from the caller, text goes to `write`.
 *
 * On a terminal the line is redrawn in place. Elsewhere (a file, a pipe) Keras writes every redraw; here an epoch
 * leaves one line, the final one, without escape sequences.
 */
import { exponential, fixed, metricValue } from './number_format.ts';

export interface ProgbarOptions {
  /** Steps expected; `undefined` if not known. */
  target: number | undefined;
  /** Where the text goes. */
  write: (text: string) => void;
  /** Whether `write` goes to a terminal, which can redraw a line. */
  isTerminal: boolean;
  /** 0 prints nothing, 1 (default) a bar, 2 one line at the end. */
  verbose?: 0 | 1 | 2;
  /** Characters of the bar, default 20. */
  width?: number;
  /** Least time between two redraws in seconds, default 0.05. */
  interval?: number;
  /** What is counted, default `step`. */
  unitName?: string;
  /** The time in seconds, from any origin; `performance.now()` by default. */
  clock?: () => number;
}

/** Losses and metrics by name: running means over the steps so far. */
export type Logs = Readonly<Record<string, number>>;

/**
 * A progress bar over the steps of one epoch, one evaluation or one prediction.
 *
 * @example
 * ```ts
 * const bar = new Progbar({ target: 1875, write: (text) => process.stdout.write(text), isTerminal: true });
 * bar.update(937, { loss: 0.312, accuracy: 0.9123 });
 * bar.finish({ loss: 0.1402, accuracy: 0.9571 });
 * // 1875/1875 ━━━━━━━━━━━━━━━━━━━━ 13s 6ms/step - accuracy: 0.9571 - loss: 0.1402
 * ```
 *
 * @see https://keras.io/api/utils/python_utils/#progbar-class
 */
export class Progbar {
  private readonly options: Required<Omit<ProgbarOptions, 'target'>>;
  private target: number | undefined;
  private readonly start: number;
  private afterFirstStep: number | undefined;
  private lastRedraw = Number.NEGATIVE_INFINITY;
  private step = 0;
  private logs: Logs = {};
  /** Characters the line on the terminal takes now. */
  private drawn = 0;

  constructor({ target, ...options }: ProgbarOptions) {
    this.options = {
      verbose: 1,
      width: 20,
      interval: 0.05,
      unitName: 'step',
      clock: () => performance.now() / 1000,
      ...options,
    };
    this.target = target;
    this.start = this.options.clock();
  }

  /** Says that `step` steps are done; redraws if the last redraw is long enough ago. */
  update(step: number, logs: Logs = {}): void {
    this.step = step;
    this.logs = { ...this.logs, ...logs };
    // The single line of verbose 2 averages over all steps, the slower first one with them.
    if (this.options.verbose === 1) this.show(false);
  }

  /** The last line. All expected steps count as done; `logs` may bring the validation's values. */
  finish(logs: Logs = {}): void {
    this.target ??= this.step;
    this.step = this.target;
    this.logs = { ...this.logs, ...logs };
    if (this.options.verbose > 0) this.show(true);
  }

  private show(final: boolean): void {
    const { verbose, isTerminal, interval, write, clock } = this.options;
    const now = clock();
    const perStep = this.stepDuration(now);
    if (verbose === 2) {
      if (this.step > 0) write(this.plainLine(now, perStep));
    } else if (!isTerminal) {
      if (final) write(`${this.line(now, perStep, final, plainStyle)}\n`);
    } else if (final || now - this.lastRedraw >= interval) {
      this.redraw(now, perStep, final);
      this.lastRedraw = now;
    }
  }

  private redraw(now: number, perStep: number, final: boolean): void {
    const length = this.line(now, perStep, final, plainStyle).length;
    const back = `${'\b'.repeat(this.drawn)}\r`;
    const erase = ' '.repeat(Math.max(0, this.drawn - length));
    const line = this.line(now, perStep, final, terminalStyle);
    this.options.write(`${back}${line}${erase}${final ? '\n' : ''}`);
    this.drawn = length;
  }

  /** `15/20 ━━━━━━━━━━━━━━━━━━━━ 0s 33ms/step - accuracy: 0.2583 - loss: 1.4660` */
  private line(now: number, perStep: number, final: boolean, style: Style): string {
    const { width, unitName } = this.options;
    const known = this.target !== undefined && this.target > 0;
    let head = `${String(this.step).padStart(7)}/Unknown`;
    if (known) {
      const done = Math.trunc(width * (this.step / this.target!));
      head = `${style.bold(this.counter())} ${done > 0 ? style.green('━'.repeat(done)) : ''}`;
      head += style.white('━'.repeat(Math.max(0, width - done)));
    }
    const time =
      known && !final
        ? remainingTime(perStep * (this.target! - this.step))
        : `${fixed(now - this.start, 0)}s`;
    const metrics = ordered(this.logs).map(([name, value]) => ` - ${name}: ${metricValue(value)}`);
    return `${head} ${style.bold(time)} ${duration(perStep)}/${unitName}${metrics.join('')}`;
  }

  /** `20/20 - 0s - 8ms/step - accuracy: 0.2641 - loss: 1.4310` */
  private plainLine(now: number, perStep: number): string {
    const parts = [
      this.counter(),
      `${fixed(now - this.start, 0)}s`,
      `${duration(perStep)}/${this.options.unitName}`,
      // As in Keras, this form writes every negative value with an exponent.
      ...ordered(this.logs).map(
        ([name, value]) => `${name}: ${value < 0 ? exponential(value, 4) : metricValue(value)}`,
      ),
    ];
    return `${parts.join(' - ')}\n`;
  }

  private counter(): string {
    const target = String(this.target);
    return `${String(this.step).padStart(target.length)}/${target}`;
  }

  /** Seconds a step; the first, which is slower, is left out as soon as there are others. */
  private stepDuration(now: number): number {
    const { step } = this;
    if (step === 0) return 0;
    const duration =
      this.afterFirstStep !== undefined && step > 1
        ? (now - this.afterFirstStep) / (step - 1)
        : (now - this.start) / step;
    if (step === 1) this.afterFirstStep = now;
    return duration;
  }
}

/** The line above the bar of an epoch, counted from 0: `Epoch 1/10`; nothing where there is only one epoch. */
export function epochLine(epoch: number, epochs: number): string {
  return epochs > 1 ? `Epoch ${epoch + 1}/${epochs}\n` : '';
}

interface Style {
  bold(text: string): string;
  green(text: string): string;
  white(text: string): string;
}

const terminalStyle: Style = {
  bold: (text) => `\x1b[1m${text}\x1b[0m`,
  green: (text) => `\x1b[32m${text}\x1b[0m`,
  white: (text) => `\x1b[37m${text}\x1b[0m`,
};

const plainStyle: Style = { bold: String, green: String, white: String };

/** Keras's order: the training's values by name, then the validation's. */
function ordered(logs: Logs): [string, number][] {
  const isValidation = (name: string) => Number(name.startsWith('val_'));
  return Object.entries(logs).sort(
    ([a], [b]) => isValidation(a) - isValidation(b) || (a < b ? -1 : 1),
  );
}

/** `5s`, `46:51` over a minute, `1:02:03` over an hour. */
function remainingTime(seconds: number): string {
  const two = (value: number) => String(Math.trunc(value)).padStart(2, '0');
  if (seconds > 3600)
    return `${Math.trunc(seconds / 3600)}:${two((seconds % 3600) / 60)}:${two(seconds % 60)}`;
  if (seconds > 60) return `${Math.trunc(seconds / 60)}:${two(seconds % 60)}`;
  return `${Math.trunc(seconds)}s`;
}

/** `2s`, `6ms`, `120us`. */
function duration(seconds: number): string {
  if (seconds >= 1 || seconds === 0) return `${fixed(seconds, 0)}s`;
  return seconds >= 1e-3 ? `${fixed(seconds * 1e3, 0)}ms` : `${fixed(seconds * 1e6, 0)}us`;
}
