/**
 * @file Images of ONNX at another size: `Resize` and `Upsample`, and the five nodes by which tsuno itself exports a product
 * with a matrix along one axis, which is what its resizing layers compute. What Keras has a layer for becomes that layer.
 */
import { show } from '../core/errors.ts';
import { resizing } from '../layers/resizing.ts';
import type { SymbolicTensor } from '../layers/symbolic.ts';
import { upSampling2d } from '../layers/up_sampling_2d.ts';
import type { OnnxCall } from './onnx_call.ts';
import { axisOf } from './onnx_constants.ts';
import type { Constant, DecodedGraph, DecodedNode } from './onnx_decode.ts';
import { OnnxOperation } from './onnx_operation.ts';
import { apply, channelsFirst, float32, type Known, plainAxes, sameList } from './onnx_values.ts';

/** An axis of a tensor brought from `source` to `target` elements. */
interface Change {
  readonly axis: number;
  readonly source: number;
  readonly target: number;
  /** Where each element is taken from, between two of the source; `undefined` where it takes from others as well. */
  readonly places: ArrayLike<number> | undefined;
  /** [target, source]: what each element takes from each. */
  matrix(): ArrayLike<number>;
}

/** What is taken at `place` from element `i`. */
const share = (place: number, i: number) => Math.max(0, 1 - Math.abs(place - i));

/** Where Keras's layers take elements from. */
const kerasPlaces = {
  nearest: (i: number, scale: number, source: number) =>
    Math.min(Math.floor((i + 0.5) / scale), source - 1),
  bilinear: (i: number, scale: number, source: number) =>
    Math.min(Math.max((i + 0.5) / scale - 0.5, 0), source - 1),
};

function isOfKeras({ places, source, target }: Change, kind: keyof typeof kerasPlaces): boolean {
  if (!places) return false;
  const near = 1e-6 * Math.max(1, source);
  for (let i = 0; i < target; i++)
    if (Math.abs(places[i]! - kerasPlaces[kind](i, target / source, source)) > near) return false;
  return true;
}

/** The tensor with some of its axes changed, by a layer of Keras where one does that. */
function changed(call: OnnxCall, x: SymbolicTensor, changes: readonly Change[]): SymbolicTensor {
  const sizes = [1, 2].map(
    (axis) => changes.find((change) => change.axis === axis)?.target ?? x.shape[axis],
  );
  const isImage = x.shape.length === 4 && changes.every(({ axis }) => axis === 1 || axis === 2);
  const interpolation = (['nearest', 'bilinear'] as const).find((kind) =>
    changes.every((change) => isOfKeras(change, kind)),
  );
  if (isImage && interpolation) {
    const factors = [1, 2].map((axis) => {
      const change = changes.find((found) => found.axis === axis);
      return change ? change.target / change.source : 1;
    });
    const [height, width] = sizes;
    if (factors.every(Number.isInteger))
      return apply(upSampling2d(factors, { interpolation, name: call.name() }), x);
    if (typeof height === 'number' && typeof width === 'number')
      return apply(resizing(height, width, { interpolation, name: call.name() }), x);
  }
  return changes.reduce((y, { axis, source, target, matrix }) => {
    const shape = [target, source];
    const layer = new OnnxOperation({
      operation: 'product_along',
      places: ['input', { shape, trainable: false }],
      numbers: { axis: [axis] },
      name: call.name(),
    });
    return apply(layer, y, [float32(matrix(), shape)]);
  }, x);
}

/** Rows or columns of the largest image. */
const longest = 2 ** 16;

/** Where the elements of one axis come from, as the attributes of a `Resize` have it. */
function placesOf(call: OnnxCall, source: number, target: number, scale: number): Float64Array {
  const isOld = call.opset < 11 || call.node.op === 'Upsample';
  const coordinates = isOld
    ? 'asymmetric'
    : call.text('coordinate_transformation_mode', 'half_pixel');
  const rounding = isOld ? 'floor' : call.text('nearest_mode', 'round_prefer_floor');
  const mode = call.text('mode', 'nearest');
  const exact = coordinateModes.get(coordinates);
  if (!exact)
    throw call.refuse(
      'UNSUPPORTED',
      'coordinate_transformation_mode',
      [...coordinateModes.keys()].join(', '),
      show(coordinates),
    );
  const round = mode === 'nearest' ? nearestModes.get(rounding) : (place: number) => place;
  if (!round)
    throw call.refuse(
      'UNSUPPORTED',
      'nearest_mode',
      [...nearestModes.keys()].join(', '),
      show(rounding),
    );
  if (target > longest)
    throw call.refuse('ONNX_LIMIT', 'image', `at most ${longest} long`, String(target));
  return Float64Array.from({ length: call.allowed(target) }, (_, i) => {
    const place = round(Math.fround(exact(i, scale, source, target)));
    return Math.min(Math.max(place, 0), source - 1);
  });
}

type Coordinate = (i: number, scale: number, source: number, target: number) => number;

const halfPixel: Coordinate = (i, scale) => (i + 0.5) / scale - 0.5;

const coordinateModes: ReadonlyMap<string, Coordinate> = new Map<string, Coordinate>([
  ['half_pixel', halfPixel],
  [
    'pytorch_half_pixel',
    (i, scale, _, target) => (target > 1 ? halfPixel(i, scale, _, target) : 0),
  ],
  ['asymmetric', (i, scale) => i / scale],
  ['align_corners', (i, _, source, target) => (target > 1 ? (i * (source - 1)) / (target - 1) : 0)],
]);

const nearestModes: ReadonlyMap<string, (place: number) => number> = new Map([
  ['round_prefer_floor', (place: number) => Math.ceil(place - 0.5)],
  ['round_prefer_ceil', (place: number) => Math.floor(place + 0.5)],
  ['floor', Math.floor],
  ['ceil', Math.ceil],
]);

/** Scales and sizes of a `Resize` or `Upsample`, of all axes; one of the two is there. */
function wantedOf(call: OnnxCall, rank: number) {
  const { node, opset } = call;
  const isOld = node.op === 'Upsample' || opset < 11;
  const given = call.list('scales') ?? call.constant(isOld ? 1 : 2)?.data;
  const scales = given && given.length > 0 ? given : undefined;
  const sizes = isOld ? undefined : call.constant(3)?.data;
  const axes = (call.list('axes') ?? plainAxes(rank)).map((axis) => axisOf(call, axis, rank));
  const list = scales ?? sizes;
  if (!list || list.length !== axes.length || (scales && sizes && sizes.length > 0))
    throw call.refuse('UNSUPPORTED', 'scales', `${axes.length} scales or sizes`, 'others');
  const placed = (from: ArrayLike<number> | undefined, otherwise: number) =>
    plainAxes(rank).map((axis) => from?.[axes.indexOf(axis)] ?? otherwise);
  return {
    scales: scales && placed(scales, 1),
    sizes: placed(scales ? undefined : sizes, Number.NaN),
  };
}

function checkPlain(call: OnnxCall): void {
  const mode = call.text('mode', 'nearest');
  const policy = call.text('keep_aspect_ratio_policy', 'stretch');
  if (mode !== 'nearest' && mode !== 'linear')
    throw call.refuse('UNSUPPORTED', 'mode', 'nearest or linear', show(mode));
  if (call.whole('antialias', 0) !== 0)
    throw call.refuse('UNSUPPORTED', 'antialias', '0', String(call.whole('antialias', 0)));
  if (policy !== 'stretch')
    throw call.refuse('UNSUPPORTED', 'keep_aspect_ratio_policy', 'stretch', show(policy));
}

/** An extent that stands for an open one: long enough that what repeats in it repeats in all. */
const sample = 8;

/** Images of another size: pixels repeated, or interpolated between two. */
export function resize(call: OnnxCall): Known {
  const x = call.image(0);
  checkPlain(call);
  const { scales, sizes } = wantedOf(call, x.rank);
  const refuseScales = () =>
    call.refuse('UNSUPPORTED', 'scales', 'above 0, 1 for the batch', show(scales ?? sizes));
  if (scales && scales[0] !== 1) throw refuseScales();
  const found = plainAxes(x.rank).flatMap((axis) => {
    const extent = x.shape[axis] ?? null;
    if (axis === 0) return [];
    const scale = scales?.[axis] ?? sizes[axis]! / (extent ?? Number.NaN);
    if (scale === 1 || sizes[axis] === extent) return [];
    // Extents that are open can be a whole number of times larger.
    if (extent === null && !(Number.isSafeInteger(scale) && scale < 2 ** 15)) throw refuseScales();
    const source = extent ?? sample;
    const target = scales ? Math.floor(source * scale) : sizes[axis]!;
    if (!(Number.isSafeInteger(target) && target > 0)) throw refuseScales();
    return [{ axis, extent, source, target, scale }];
  });
  if (found.length === 0) return x;
  const isFirst = found.every(({ axis }) => axis >= 2);
  const axes = isFirst ? channelsFirst : x.axes;
  const changes = found.map(({ axis, source, target, scale }): Change => {
    const places = placesOf(call, source, target, scale);
    const matrix = () => {
      const size = call.allowed(target * source);
      return Float64Array.from({ length: size }, (_, i) =>
        share(places[Math.floor(i / source)]!, i % source),
      );
    };
    return { axis: axes[axis]!, source, target, places, matrix };
  });
  const isOpen = found.some(({ extent }) => extent === null);
  const isUsual =
    changes.every((change) => isOfKeras(change, 'nearest')) ||
    changes.every((change) => isOfKeras(change, 'bilinear'));
  if (isOpen && !(isUsual && changes.every(({ axis }) => axis < 3))) throw refuseScales();
  const y = changed(call, call.ordered(x, axes), changes);
  const shape = x.shape.map((extent, axis) => {
    const change = found.find((one) => one.axis === axis);
    if (!change) return extent;
    return extent === null ? null : change.target;
  });
  return call.flowOf({ shape, axes, isNonNegative: x.isNonNegative }, y);
}

/** The nodes of a product with a matrix along one axis. */
export interface AxisProduct {
  /** What is multiplied, and the matrix: names of values. */
  readonly image: string;
  readonly weights: string;
  /** Lists of extents: of the product's rows, and of its result. */
  readonly shapes: readonly [string, string];
  /** Order of the axes before the product: the one along which it is first. */
  readonly order: readonly number[];
  /** All five. */
  readonly nodes: readonly DecodedNode[];
}

const inverse = (order: readonly number[]) => order.map((_, i) => order.indexOf(i));

/** The products along one axis in a graph, by their last node: each a transpose, a reshape, a product and the way back. */
export function axisProducts(
  graph: DecodedGraph,
  uses: ReadonlyMap<string, number>,
): Map<DecodedNode, AxisProduct> {
  const makers = new Map(graph.nodes.map((node) => [node.outputs[0], node]));
  /** The node that gives an input, where it is such a one and nothing else reads it. */
  const maker = (node: DecodedNode | undefined, i: number, op: string) => {
    const name = node?.inputs[i];
    const found = name === undefined || uses.get(name) !== 1 ? undefined : makers.get(name);
    return found?.op === op && found.domain === '' ? found : undefined;
  };
  const products = new Map<DecodedNode, AxisProduct>();
  for (const back of graph.nodes) {
    if (back.op !== 'Transpose') continue;
    const apart = maker(back, 0, 'Reshape');
    const product = maker(apart, 0, 'Gemm');
    const together = maker(product, 1, 'Reshape');
    const front = maker(together, 0, 'Transpose');
    const [order, last] = [front, back].map((node) => node?.attributes.get('perm')) as unknown[];
    if (!apart || !product || !together || !front || !isOrder(order) || !isOrder(last)) continue;
    const isPlain = product.inputs.length === 2 && product.attributes.size === 0;
    const zeros = ['transA', 'transB'].every((name) => (product.attributes.get(name) ?? 0) === 0);
    if (!sameList(inverse(order), last) || !(isPlain || zeros) || order[0] === 0) continue;
    products.set(back, {
      image: front.inputs[0] ?? '',
      weights: product.inputs[0] ?? '',
      shapes: [together.inputs[1] ?? '', apart.inputs[1] ?? ''],
      order,
      nodes: [front, together, product, apart, back],
    });
  }
  return products;
}

function isOrder(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((axis) => Number.isInteger(axis));
}

/** A product along one axis; `call` has the image, the matrix and the two lists of extents as inputs. */
export function axisProduct(call: OnnxCall, order: readonly number[]): Known {
  const x = call.flow(0);
  const [weights, together, apart] = [1, 2, 3].map((i) => call.weights(i)) as [
    Constant,
    Constant,
    Constant,
  ];
  const axis = order[0]!;
  const [target, source] = weights.shape as [number, number];
  const rest = order.slice(1).map((i) => (i === 0 ? -1 : x.shape[i]));
  const isOrdered = sameList(
    [...order].sort((a, b) => a - b),
    plainAxes(x.rank),
  );
  const fits =
    isOrdered &&
    weights.shape.length === 2 &&
    target > 0 &&
    x.shape[axis] === source &&
    sameList([...together.data], [source, -1]) &&
    sameList([...apart.data], [target, ...rest]);
  if (!fits)
    throw call.refuse(
      'UNSUPPORTED',
      'product along an axis',
      'of a matrix that fits, the batch kept',
      `${show([...weights.shape])} for ${show([...x.shape])}`,
    );
  const places = Float64Array.from({ length: target }, (_, i) => {
    let sum = 0;
    for (let j = 0; j < source; j++) sum += j * weights.data[i * source + j]!;
    return sum;
  });
  const near = 1e-6 * Math.max(1, source);
  const isBetween = weights.data.every((value, i) => {
    const place = places[Math.floor(i / source)]!;
    return Math.abs(value - share(place, i % source)) <= near;
  });
  const change: Change = {
    axis: x.axes[axis]!,
    source,
    target,
    places: isBetween ? places : undefined,
    matrix: () => weights.data,
  };
  const shape = x.shape.map((extent, i) => (i === axis ? target : extent));
  const isNonNegative = x.isNonNegative && weights.data.every((value) => value >= 0);
  return call.flowOf({ shape, axes: x.axes, isNonNegative }, changed(call, x.symbol, [change]));
}
