/** @file The lower part of the page: a drawing, what the network sees of it, and how probable it holds each digit. */
import type { Model } from 'tsuno';
import { rasterise, side } from './digit.ts';
import { Pad } from './pad.ts';
import { created, element, percent } from './page.ts';
import { recognise } from './training.ts';

interface Bar {
  row: HTMLElement;
  part: HTMLElement;
  value: HTMLElement;
}

export class Recognition {
  private readonly pad: Pad;
  private readonly bars: readonly Bar[];
  private readonly answer = element('answer', HTMLElement);
  private readonly seen = element('seen', HTMLCanvasElement);
  private readonly invitation = element('invitation', HTMLElement);
  private model: Model | undefined;
  /** The recognition in progress. */
  private running: Promise<void> | undefined;
  private again = false;

  constructor() {
    this.bars = Array.from({ length: 10 }, (_, digit) => {
      const row = created('li');
      const track = created('span', 'track');
      const part = created('div', 'part');
      const value = created('span', 'value');
      track.append(part);
      row.append(created('span', 'digit', String(digit)), track, value);
      return { row, part, value };
    });
    element('bars', HTMLElement).append(...this.bars.map(({ row }) => row));
    this.pad = new Pad(element('pad', HTMLCanvasElement), () => this.update());
    element('clear', HTMLButtonElement).addEventListener('click', () => this.pad.clear());
    this.update();
  }

  /** Recognises with `model` from now on; resolves when nothing uses the one before. */
  async use(model: Model | undefined): Promise<void> {
    this.model = undefined;
    await this.running;
    this.model = model;
    this.update();
  }

  private update(): void {
    const drawn = this.pad.strokes.length > 0;
    this.invitation.hidden = drawn;
    const pixels = rasterise(this.pad.strokes, Pad.side);
    this.paint(pixels);
    if (!drawn || !this.model) {
      this.show(undefined);
      return;
    }
    this.again = true;
    this.running ??= this.run().finally(() => {
      this.running = undefined;
    });
  }

  /** One recognition at a time, the last drawing in any case. */
  private async run(): Promise<void> {
    while (this.again && this.model) {
      this.again = false;
      const probabilities = await recognise(this.model, rasterise(this.pad.strokes, Pad.side));
      if (this.pad.strokes.length > 0) this.show(probabilities);
    }
  }

  private paint(pixels: Uint8Array): void {
    const image = new ImageData(side, side);
    pixels.forEach((ink, i) => {
      image.data.set([ink, ink, ink, 255], i * 4);
    });
    this.seen.getContext('2d')!.putImageData(image, 0, 0);
  }

  private show(probabilities: readonly number[] | undefined): void {
    const best = probabilities ? probabilities.indexOf(Math.max(...probabilities)) : -1;
    this.bars.forEach(({ row, part, value }, digit) => {
      const probability = probabilities?.[digit];
      row.classList.toggle('best', digit === best);
      part.style.width = `${(probability ?? 0) * 100}%`;
      value.textContent = probability === undefined ? '' : percent(probability);
    });
    this.answer.classList.toggle('hint', best < 0);
    this.answer.textContent =
      best >= 0 ? String(best) : this.model ? '' : 'The answer comes when the network is trained.';
  }
}
