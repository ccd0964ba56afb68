/**
 * @file The table while it grows: on a terminal redrawn in place, elsewhere one line for each run that ends. What is drawn
 * is told from outside; it knows no model.
 */
import { writeOut } from '../callbacks/messages.ts';
import { type Terminal, terminal } from '../callbacks/terminal.ts';
import type { VariantResult } from './results.ts';
import { comparisonTable, grouped, meanText, type TableOptions } from './table.ts';

/** What is shown now. */
export interface Shown {
  variants: readonly VariantResult[];
  options: TableOptions;
  /** Part of all epochs that is done, from 0 to 1. */
  done: number;
  runs: { ended: number; all: number };
}

export interface LiveTableOptions {
  write?: (text: string) => void;
  where?: Pick<Terminal, 'isTerminal' | 'columns' | 'colour'>;
  /** Lines of the terminal; default those of standard output. */
  rows?: number | undefined;
  /** In seconds. */
  clock?: () => number;
}

/** Least time between two redraws, in seconds. */
const interval = 0.1;

export class LiveTable {
  private readonly write: (text: string) => void;
  private readonly where: Pick<Terminal, 'isTerminal' | 'columns' | 'colour'>;
  private readonly rows: number;
  private readonly clock: () => number;
  private readonly started: number;
  private drawn = 0;
  private lastDraw = Number.NEGATIVE_INFINITY;

  constructor(options: LiveTableOptions = {}) {
    const here = globalThis.process as typeof process | undefined;
    this.write = options.write ?? writeOut;
    this.where = options.where ?? terminal();
    this.rows = options.rows ?? here?.stdout?.rows ?? 24;
    this.clock = options.clock ?? (() => performance.now() / 1000);
    this.started = this.clock();
  }

  /** Redraws, unless that was a moment ago. */
  update(shown: Shown): void {
    if (!this.where.isTerminal || this.clock() - this.lastDraw < interval) return;
    this.draw(shown);
  }

  /** A run has ended. */
  ended(shown: Shown, variant: VariantResult): void {
    if (this.where.isTerminal) this.draw(shown);
    else this.write(`${lineOf(variant, shown)}\n`);
  }

  /** Takes the live table away; the whole one is written in its place. */
  finish(text: string): void {
    this.write(`${this.back()}${this.where.isTerminal ? '' : '\n'}${text}`);
    this.drawn = 0;
  }

  private draw({ variants, options, done, runs }: Shown): void {
    this.lastDraw = this.clock();
    const { columns, colour } = this.where;
    const seconds = this.clock() - this.started;
    const left = done > 0.02 ? `, about ${clockTime((seconds * (1 - done)) / done)} left` : '';
    const bar = '━'.repeat(Math.round(20 * done));
    const rest = '━'.repeat(20 - bar.length);
    const painted = colour
      ? `\x1b[32m${bar}\x1b[37m${rest}\x1b[0m`
      : bar + rest.replaceAll('━', ' ');
    const state = ` ${runs.ended} of ${runs.all} runs, ${clockTime(seconds)}${left}`;
    const table = comparisonTable(variants, { ...options, columns: columns - 1, colours: colour });
    // More lines than the terminal has cannot be redrawn.
    const lines = [...table.slice(0, this.rows - 3), `${painted}${state.slice(0, columns - 21)}`];
    const text = lines.map((line) => `\x1b[2K${line}\n`).join('');
    this.write(`${this.back()}${text}`);
    this.drawn = lines.length;
  }

  /** To the first line of what is there. */
  private back(): string {
    return this.drawn === 0 ? '' : `\x1b[${this.drawn}A\r\x1b[J`;
  }
}

/** `0:42`, `1:02:03` */
function clockTime(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const two = (value: number) => String(value).padStart(2, '0');
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours > 0
    ? `${hours}:${two(minutes)}:${two(whole % 60)}`
    : `${minutes}:${two(whole % 60)}`;
}

/** `wide, seed 2: 54,410 parameters, 2.61 ms/step, 5 epochs, loss 0.0412, accuracy 98.71 %, val_accuracy 98.52 %`. */
function lineOf(variant: VariantResult, { runs }: Shown): string {
  const run = variant.runs.at(-1)!;
  const head = `[${runs.ended}/${runs.all}] ${variant.name}, seed ${run.seed}: `;
  if (run.failure) return `${head}${run.failure.message.split('\n')[0]}`;
  const values = Object.entries(run.history)
    .filter(([name]) => name !== 'learning_rate')
    .map(([name, numbers]) => `${name} ${meanText(numbers.at(-1)!, undefined, name)}`);
  const parts = [
    `${grouped(variant.parameters ?? 0)} parameters`,
    `${run.msPerStep.toFixed(2)} ms/step`,
    `${run.epoch.length} of ${variant.epochs} epochs`,
    ...values,
  ];
  return `${head}${parts.join(', ')}`;
}
