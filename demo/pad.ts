/** @file A square to draw on, with a mouse, a finger or a pen. Out: strokes, whenever they change. */
import type { Point } from './digit.ts';
import { colour, onTheme } from './page.ts';

/** Width of the pen, as a part of the pad's side. */
const penPart = 0.075;

export class Pad {
  readonly strokes: Point[][] = [];
  private readonly canvas: HTMLCanvasElement;
  private readonly changed: () => void;
  /** The pointer that draws; others are ignored meanwhile. */
  private pointer: number | undefined;

  constructor(canvas: HTMLCanvasElement, changed: () => void) {
    this.canvas = canvas;
    this.changed = changed;
    canvas.addEventListener('pointerdown', (event) => this.begin(event));
    canvas.addEventListener('pointermove', (event) => this.go(event));
    for (const end of ['pointerup', 'pointercancel'] as const) {
      canvas.addEventListener(end, (event) => {
        if (event.pointerId === this.pointer) this.pointer = undefined;
      });
    }
    new ResizeObserver(() => this.draw()).observe(canvas);
    onTheme(() => this.draw());
  }

  /** Strokes are in this unit: the side of the square is 1. */
  static readonly side = 1;

  clear(): void {
    this.strokes.length = 0;
    this.draw();
    this.changed();
  }

  private begin(event: PointerEvent): void {
    if (this.pointer !== undefined || event.button !== 0) return;
    this.pointer = event.pointerId;
    this.canvas.setPointerCapture(event.pointerId);
    this.strokes.push([this.place(event)]);
    this.draw();
    this.changed();
  }

  private go(event: PointerEvent): void {
    if (event.pointerId !== this.pointer) return;
    const between = event.getCoalescedEvents();
    const events = between.length > 0 ? between : [event];
    this.strokes.at(-1)!.push(...events.map((each) => this.place(each)));
    this.draw();
    this.changed();
  }

  private place({ clientX, clientY }: PointerEvent): Point {
    const { left, top, width, height } = this.canvas.getBoundingClientRect();
    return { x: (clientX - left) / width, y: (clientY - top) / height };
  }

  private draw(): void {
    const { canvas } = this;
    const size = Math.round(canvas.clientWidth * devicePixelRatio);
    if (canvas.width !== size) canvas.width = canvas.height = size;
    const context = canvas.getContext('2d')!;
    context.clearRect(0, 0, size, size);
    context.lineWidth = size * penPart;
    context.lineCap = context.lineJoin = 'round';
    context.strokeStyle = colour('--ink');
    for (const stroke of this.strokes) {
      context.beginPath();
      for (const { x, y } of stroke) context.lineTo(x * size, y * size);
      // A line of no length is still a dot.
      if (stroke.length === 1) context.lineTo(stroke[0]!.x * size, stroke[0]!.y * size);
      context.stroke();
    }
  }
}
