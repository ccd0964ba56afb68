/** @file Two live charts, loss and accuracy over the epochs, each with a line of training and one of validation. */
import uPlot from 'uplot';
import { colour, created, element, number, onTheme, percent } from './page.ts';
import type { CurvePoint } from './training.ts';

const height = 220;
/** The axis of accuracy shows this much at least. */
const leastRange = 0.02;

type Row = (number | null)[];

interface ChartOptions {
  show(value: number): string;
  scale: uPlot.Scale;
  /** Where the axis has ticks, between the lowest and the highest value; default: uPlot's choice. */
  splits?: (low: number, high: number) => number[];
  tick(value: number): string;
}

/** One chart in a figure of the page. */
class Chart {
  private readonly plot: uPlot;
  private readonly keys: readonly HTMLElement[];
  private readonly show: (value: number) => string;
  private epochs = 1;
  /** Epochs, training, validation. */
  private rows: [number[], Row, Row] = [[], [], []];

  constructor(figure: HTMLElement, { show, scale, splits, tick }: ChartOptions) {
    this.show = show;
    this.keys = ['training', 'validation'].map((name) => created('span', `key ${name}`, name));
    figure.querySelector('figcaption')!.append(...this.keys);
    const place = created('div', 'plot');
    figure.append(place);
    const line = (name: '--accent' | '--second') => ({ stroke: () => colour(name), width: 2 });
    const axis: uPlot.Axis = {
      stroke: () => colour('--soft'),
      font: '12px system-ui, sans-serif',
      grid: { stroke: () => colour('--line'), width: 1 },
      ticks: { show: false },
    };
    this.plot = new uPlot(
      {
        width: place.clientWidth,
        height,
        padding: [10, 12, 0, 0],
        legend: { show: false },
        cursor: { y: false, points: { size: 7 }, drag: { x: false, y: false } },
        scales: { x: { time: false, range: () => [0, this.epochs] }, y: scale },
        series: [
          {},
          { ...line('--accent'), points: { show: false } },
          {
            ...line('--second'),
            spanGaps: true,
            points: { show: true, size: 7, fill: () => colour('--second') },
          },
        ],
        axes: [
          {
            ...axis,
            incrs: [1, 2, 5, 10, 20, 50],
            values: (_, ticks) => ticks.map(String),
            label: 'epoch',
            labelGap: -4,
            labelSize: 18,
            labelFont: axis.font!,
            size: 30,
          },
          {
            ...axis,
            size: 52,
            ...(splits ? { splits: (_, __, low, high) => splits(low, high) } : {}),
            filter: (_, ticks) => ticks,
            values: (_, ticks) => ticks.map(tick),
          },
        ],
        hooks: { setCursor: [() => this.readOut()] },
      },
      this.rows,
      place,
    );
    new ResizeObserver(() => {
      if (place.clientWidth > 0) this.plot.setSize({ width: place.clientWidth, height });
    }).observe(place);
    onTheme(() => this.plot.redraw());
  }

  clear(epochs: number): void {
    this.epochs = epochs;
    this.rows = [[], [], []];
    this.draw();
  }

  addTraining(epochs: number, value: number): void {
    const [x, training, validation] = this.rows;
    x.push(epochs);
    training.push(value);
    validation.push(null);
    this.draw();
  }

  /** To the last point of training, where an epoch ends. */
  addValidation(value: number): void {
    const [, , validation] = this.rows;
    validation[validation.length - 1] = value;
    this.draw();
  }

  private draw(): void {
    this.plot.setData(this.rows);
    this.readOut();
  }

  /** The values under the cursor, else the last ones. */
  private readOut(): void {
    const [, ...lines] = this.rows;
    const { idx } = this.plot.cursor;
    this.keys.forEach((key, i) => {
      const value = lines[i]!.slice(0, (idx ?? lines[i]!.length) + 1).findLast((at) => at !== null);
      const name = i === 0 ? 'training' : 'validation';
      key.textContent =
        value === undefined || value === null ? name : `${name} ${this.show(value)}`;
    });
  }
}

/** From a bit below the lowest of what was trained of late up to 1: what is far below would flatten the rest. */
function accuracyRange(plot: uPlot): [number, number] {
  const values = Array.from(plot.data[1] ?? []).filter((value) => typeof value === 'number');
  const recent = values.slice(Math.min(values.length - 1, Math.ceil(values.length / 10)));
  const low = recent.length === 0 ? 0 : Math.min(1 - leastRange, ...recent);
  return [Math.max(0, Math.floor(low * 50) / 50), 1];
}

/** 1, 2 and 5 times the powers of ten between two values. */
function logarithmicSplits(low: number, high: number): number[] {
  return [0.0001, 0.001, 0.01, 0.1, 1, 10, 100]
    .flatMap((power) => [power, 2 * power, 5 * power])
    .map((value) => Number(value.toPrecision(1)))
    .filter((value) => value >= low && value <= high);
}

/** The charts of the page. */
export class Curves {
  private readonly loss = new Chart(element('loss', HTMLElement), {
    show: (value) => number(value, 4),
    tick: String,
    splits: logarithmicSplits,
    scale: {
      distr: 3,
      range: (_, low, high) =>
        low === null || high === null ? [0.01, 3] : [low / 1.3, high * 1.1],
    },
  });
  private readonly accuracy = new Chart(element('score', HTMLElement), {
    show: (value) => percent(value, 2),
    tick: (value) => `${Math.round(value * 100)} %`,
    scale: { range: accuracyRange },
  });

  /** Empties both for a training of so many epochs. */
  clear(epochs: number): void {
    for (const chart of [this.loss, this.accuracy]) chart.clear(epochs);
  }

  trained({ epochs, loss, accuracy }: CurvePoint): void {
    this.loss.addTraining(epochs, loss);
    this.accuracy.addTraining(epochs, accuracy);
  }

  validated({ loss, accuracy }: CurvePoint): void {
    this.loss.addValidation(loss);
    this.accuracy.addValidation(accuracy);
  }
}
