/**
 * @file A drawing as MNIST would have it: strokes in, 28 × 28 bytes out, 0 paper and 255 ink. As with MNIST's own digits
 * the ink is scaled into a box of 20 × 20, its proportions kept, and its centre of mass put in the middle. Strokes stay
 * lines until the end, so that the pen is as wide as MNIST's however large the drawing.
 *
 * @see http://yann.lecun.com/exdb/mnist/
 */

/** A point of a stroke, in any unit; x to the right, y down. */
export interface Point {
  x: number;
  y: number;
}

/** One line without lifting the pen. */
export type Stroke = readonly Point[];

export const side = 28;
/** Side of the box that the ink fits in. */
const box = 20;
/** Half the width of the pen, in pixels: strokes in MNIST are about 2.6 pixels wide. */
const pen = 1.3;
/** Drawings smaller than this part of the pad are not blown up any further: a dot stays a dot. */
const smallest = 0.08;

/**
 * The picture of a drawing, `uint8` of length 784.
 *
 * @param strokes in the unit of `pad`.
 * @param pad the side of the square that was drawn on.
 */
export function rasterise(strokes: readonly Stroke[], pad: number): Uint8Array {
  const points = strokes.flat();
  if (points.length === 0) return new Uint8Array(side * side);
  const fitted = fit(strokes, points, pad);
  const mass = centreOfMass(render(fitted));
  const middle = (side - 1) / 2;
  return render(moved(fitted, middle - mass.x, middle - mass.y));
}

/** Scaled so that the ink fits in the box, which lies in the middle. */
function fit(strokes: readonly Stroke[], points: readonly Point[], pad: number): Stroke[] {
  const [left, right] = extent(points.map(({ x }) => x));
  const [top, bottom] = extent(points.map(({ y }) => y));
  const size = Math.max(right - left, bottom - top, pad * smallest);
  const scale = (box - 2 * pen) / size;
  const middle = (side - 1) / 2;
  const place = ({ x, y }: Point) => ({
    x: middle + (x - (left + right) / 2) * scale,
    y: middle + (y - (top + bottom) / 2) * scale,
  });
  return strokes.map((stroke) => stroke.map(place));
}

function extent(values: readonly number[]): [number, number] {
  return values.reduce<[number, number]>(
    ([low, high], value) => [Math.min(low, value), Math.max(high, value)],
    [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  );
}

function moved(strokes: readonly Stroke[], dx: number, dy: number): Stroke[] {
  return strokes.map((stroke) => stroke.map(({ x, y }) => ({ x: x + dx, y: y + dy })));
}

/** How much of each pixel is ink: all within the pen, fading over one pixel at its edge. */
function render(strokes: readonly Stroke[]): Uint8Array {
  const lines = strokes.flatMap((stroke) =>
    stroke.map((point, i) => [stroke[Math.max(0, i - 1)]!, point] as const),
  );
  return Uint8Array.from({ length: side * side }, (_, i) => {
    const centre = { x: i % side, y: Math.floor(i / side) };
    const nearest = lines.reduce(
      (least, [from, to]) => Math.min(least, distance(centre, from, to)),
      Number.POSITIVE_INFINITY,
    );
    return Math.round(255 * Math.min(1, Math.max(0, pen + 0.5 - nearest)));
  });
}

/** From a point to a line between two. */
function distance(point: Point, from: Point, to: Point): number {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const length = dx * dx + dy * dy;
  const along = length === 0 ? 0 : ((point.x - from.x) * dx + (point.y - from.y) * dy) / length;
  const part = Math.min(1, Math.max(0, along));
  return Math.hypot(point.x - from.x - part * dx, point.y - from.y - part * dy);
}

function centreOfMass(pixels: Uint8Array): Point {
  let [mass, x, y] = [0, 0, 0];
  pixels.forEach((ink, i) => {
    mass += ink;
    x += ink * (i % side);
    y += ink * Math.floor(i / side);
  });
  return { x: x / mass, y: y / mass };
}
