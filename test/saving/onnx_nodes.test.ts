/**
 * @file Single nodes of ONNX that resize, cut and convolve in groups, as PyTorch and Keras export them: they compute what
 * onnxruntime computes, with channels last and first, after saving and loading too; what cannot be read is named.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  deserializeModel,
  Input,
  layers,
  loadOnnx,
  type Model,
  Sequential,
  serializeModel,
  setRandomSeed,
  type Tensor,
  tensor,
  toOnnx,
} from '../../src/index.ts';
import {
  integersProto,
  message,
  nodeProto,
  type OnnxNode,
  tensorProto,
  valueProto,
} from '../../src/saving/onnx_encode.ts';
import { OnnxOperation, type OnnxOperationOptions } from '../../src/saving/onnx_operation.ts';
import { channelsLast, checkEqual, judged } from './onnx_judge.ts';
import { uniform } from './onnx_networks.ts';

type Attributes = NonNullable<OnnxNode['attributes']>;

/** A node after the one before it: its operator, further inputs, attributes. */
type Step = readonly [op: string, more?: readonly string[], attributes?: Attributes];

interface Graph {
  readonly shape: readonly (number | null)[];
  readonly nodes: readonly OnnxNode[];
  readonly constants?: readonly Uint8Array[];
  readonly opset?: number;
}

/** A file whose input is x and whose output is y. */
function file({ shape, nodes, constants = [], opset = 18 }: Graph): Uint8Array {
  const output = message([1, 'y'], [2, message([1, message([1, 1])])]);
  const input = valueProto('x', 'float32', [null, ...shape]);
  const encoded = nodes.map(nodeProto);
  const graph = message([1, encoded], [2, 'g'], [5, constants], [11, input], [12, output]);
  return message([1, 8], [7, graph], [8, message([1, ''], [2, opset])]);
}

function chain(steps: readonly Step[]): OnnxNode[] {
  return steps.map(([op, more = [], attributes = {}], i) => ({
    op,
    inputs: [i === 0 ? 'x' : `v${i}`, ...more],
    outputs: [i === steps.length - 1 ? 'y' : `v${i + 1}`],
    attributes,
    name: `${op}_${i}`,
  }));
}

const floats = (name: string, ...values: number[]) =>
  tensorProto(name, tensor(Float32Array.from(values), [values.length]));
const weights = (name: string, ...shape: number[]) => tensorProto(name, uniform(...shape));
const last = (x: Tensor) => (x.rank === 4 ? channelsLast(x) : x);

/** What a file computes, here and in onnxruntime. Images of the file have channels first. */
async function compare(graph: Graph, shape: readonly number[] = graph.shape as number[]) {
  const bytes = file(graph);
  const x = uniform(2, ...shape);
  const expected = await judged(bytes, x);
  const open = { layout: 'nchw' } as const;
  const [first, model] = [loadOnnx(bytes, open), loadOnnx(bytes)];
  checkEqual(await first.predictAll(x), expected);
  const image = last(x);
  checkEqual(await model.predictAll(image), expected.map(last));
  const again = await deserializeModel(await serializeModel(model));
  checkEqual(await again.predictAll(image), await model.predictAll(image));
  first.close();
  again.close();
  return model;
}

/** Whether all layers are those that Keras has too. */
const isOfKeras = (model: Model) =>
  model.layers.every((layer) => layer.className !== 'OnnxOperation');

/** A resize by scales (of rows, of columns), or to sizes. */
function resized(by: 'scales' | 'sizes', amounts: readonly number[], attributes: Attributes) {
  const isScales = by === 'scales';
  const list = isScales ? floats('n', 1, 1, ...amounts) : integersProto('n', [2, 3, ...amounts]);
  const inputs = isScales ? ['', 'n'] : ['', '', 'n'];
  return { nodes: chain([['Resize', inputs, attributes]]), constants: [list] };
}

const linear = { mode: 'linear' };
const mode = (name: string) => ({ coordinate_transformation_mode: name });
const rounded = (name: string, nearest: string) => ({ ...mode(name), nearest_mode: nearest });

describe('Resize', () => {
  const images = { shape: [3, 9, 8] };
  const cases: [string, 'scales' | 'sizes', number[], Attributes, string | undefined][] = [
    ['bilinear, by whole numbers', 'scales', [2, 3], linear, 'UpSampling2D'],
    ['bilinear, to a size', 'sizes', [5, 12], linear, 'Resizing'],
    ['bilinear, rows alone', 'scales', [2, 1], linear, 'UpSampling2D'],
    [
      'bilinear, of PyTorch',
      'sizes',
      [18, 5],
      { ...linear, ...mode('pytorch_half_pixel') },
      'Resizing',
    ],
    [
      'bilinear, corners aligned',
      'sizes',
      [17, 5],
      { ...linear, ...mode('align_corners') },
      undefined,
    ],
    ['bilinear, to one pixel', 'sizes', [1, 1], { ...linear, ...mode('align_corners') }, undefined],
    [
      'bilinear, from the corner',
      'scales',
      [1.5, 2],
      { ...linear, ...mode('asymmetric') },
      undefined,
    ],
    ['nearest, by whole numbers', 'scales', [3, 2], rounded('asymmetric', 'floor'), 'UpSampling2D'],
    ['nearest, rounded', 'scales', [3, 2], rounded('asymmetric', 'round_prefer_floor'), undefined],
    [
      'nearest, rounded up',
      'sizes',
      [5, 11],
      rounded('half_pixel', 'round_prefer_ceil'),
      undefined,
    ],
    ['nearest, above', 'sizes', [13, 5], rounded('asymmetric', 'ceil'), undefined],
    ['nearest, below', 'sizes', [4, 12], rounded('asymmetric', 'floor'), undefined],
  ];
  for (const [name, by, amounts, attributes, layer] of cases)
    test(name, async () => {
      const model = await compare({ ...images, ...resized(by, amounts, attributes) });
      if (layer) assert.equal(model.layers.at(-1)!.className, layer);
      model.close();
    });

  test('before version 11, and as Upsample', async () => {
    const constants = [floats('n', 1, 1, 2, 3)];
    for (const [op, opset] of [
      ['Resize', 10],
      ['Upsample', 9],
    ] as const)
      for (const attributes of [linear, { mode: 'nearest' }]) {
        const graph = { ...images, nodes: chain([[op, ['n'], attributes]]), constants, opset };
        (await compare(graph)).close();
      }
  });

  test('axes of their own, and an image whose extents are open', async () => {
    const attributes = { ...linear, axes: [3, 2] };
    const nodes = chain([['Resize', ['', 'n'], attributes]]);
    (await compare({ ...images, nodes, constants: [floats('n', 2, 3)] })).close();
    const half = resized('scales', [2, 3], rounded('half_pixel', 'round_prefer_floor'));
    (await compare({ shape: [3, null, null], ...half }, [3, 5, 6])).close();
  });

  test('what is none of that is named', () => {
    const refused = (graph: Graph, text: RegExp) =>
      assert.throws(() => loadOnnx(file(graph)), { code: 'UNSUPPORTED', message: text });
    const by = (attributes: Attributes, amounts = [2, 2]) => ({
      ...images,
      ...resized('scales', amounts, attributes),
    });
    refused(by({ mode: 'cubic' }), /node "Resize_0".*mode.*"cubic"/s);
    refused(by({ ...linear, antialias: 1 }), /antialias/);
    refused(by(mode('tf_crop_and_resize')), /coordinate_transformation_mode/);
    refused(by({ nearest_mode: 'some' }), /nearest_mode/);
    refused(by({}, [0, 2]), /scales/);
    refused(by({}, [Number.NaN, 2]), /scales/);
    refused({ ...by({}, [1.5, 2]), shape: [3, null, null] }, /scales/);
    refused({ ...by(rounded('half_pixel', 'ceil')), shape: [3, null, null] }, /scales/);
    for (const rows of [2 ** 30, 2 ** 22, 2 ** 16 + 1]) {
      const huge = file({ ...images, ...resized('sizes', [rows, 4], linear) });
      assert.throws(() => loadOnnx(huge), { code: 'ONNX_LIMIT', message: /at most 65536/ });
    }
  });
});

describe('Slice', () => {
  const steps = (...lists: number[][]) =>
    ['starts', 'ends', 'axes', 'steps'].map((name, i) => integersProto(name, lists[i]!));
  const nodes = chain([['Slice', ['starts', 'ends', 'axes', 'steps']]]);
  const cases: [string, number[][], boolean][] = [
    [
      'every second pixel',
      [
        [0, 1],
        [9, 8],
        [2, 3],
        [2, 2],
      ],
      false,
    ],
    [
      'every third row and every second channel',
      [
        [1, 0],
        [-1, 3],
        [2, 1],
        [3, 2],
      ],
      false,
    ],
    [
      'steps longer than the image',
      [
        [4, 0],
        [9, 8],
        [2, 3],
        [100, 8],
      ],
      false,
    ],
    [
      'a part of rows and columns',
      [
        [1, -5],
        [-2, 8],
        [2, 3],
        [1, 1],
      ],
      true,
    ],
    ['some channels', [[1], [3], [1], [1]], false],
  ];
  for (const [name, lists, isCropping] of cases)
    test(name, async () => {
      const model = await compare({ shape: [3, 9, 8], nodes, constants: steps(...lists) });
      assert.equal(isOfKeras(model), isCropping);
      model.close();
    });

  test('every second pixel four times, and a convolution, learn', async () => {
    const parts = [0, 1, 2, 3].map((i): OnnxNode => {
      const inputs = ['x', `s${i}`, 'ends', 'axes', 'steps'];
      return { op: 'Slice', inputs, outputs: [`p${i}`], name: `part${i}` };
    });
    const outputs = parts.map((part) => part.outputs[0]!);
    const graph = {
      shape: [3, 8, 10],
      nodes: [
        ...parts,
        { op: 'Concat', inputs: outputs, outputs: ['all'], attributes: { axis: 1 }, name: 'c' },
        { op: 'Conv', inputs: ['all', 'k'], outputs: ['y'], name: 'conv' },
      ],
      constants: [
        ...[0, 1, 2, 3].map((i) => integersProto(`s${i}`, [i % 2, i >> 1])),
        integersProto('ends', [2n ** 63n - 1n, 2n ** 31n]),
        integersProto('axes', [2, 3]),
        integersProto('steps', [2, 2]),
        weights('k', 4, 12, 3, 3),
      ],
    };
    await learns(await compare(graph), uniform(2, 8, 10, 3));
  });

  test('backwards is refused', () => {
    const constants = steps([-1], [-10], [2], [-1]);
    const error = { code: 'UNSUPPORTED', message: /node "Slice_0".*steps/s };
    assert.throws(() => loadOnnx(file({ shape: [3, 9, 8], nodes, constants })), error);
  });
});

/** Five steps of training make the loss smaller. */
async function learns(model: Model, x: Tensor): Promise<void> {
  setRandomSeed(1);
  model.compile({ optimizer: 'adam', loss: 'mse' });
  const [y] = await model.predictAll(x);
  const wanted = tensor(
    Float32Array.from(y!.data, (value) => value / 2),
    y!.shape,
  );
  const { history } = await model.fit(x, wanted, { epochs: 5, verbose: 0 });
  assert.ok(history.loss!.at(-1)! < history.loss![0]!, String(history.loss));
  model.close();
}

describe('Split', () => {
  const shape = [3, 9, 8];
  /** The parts, in reverse, side by side again. */
  const parted = (
    axis: number,
    count: number,
    attributes: Attributes = {},
    more: string[] = [],
  ) => {
    const outputs = Array.from({ length: count }, (_, i) => `p${i}`);
    const first = { op: 'Split', inputs: ['x', ...more], outputs, name: 'parts' };
    const joined = { op: 'Concat', inputs: [...outputs].reverse(), outputs: ['y'], name: 'joined' };
    return [
      { ...first, attributes: { axis, ...attributes } },
      { ...joined, attributes: { axis } },
    ];
  };

  test('into parts of given extents', async () => {
    const sizes = [integersProto('sizes', [2, 5, 1])];
    const nodes = parted(3, 3, {}, ['sizes']);
    const model = await compare({ shape, nodes, constants: sizes, opset: 17 });
    assert.ok(isOfKeras(model));
    model.close();
    const channels = [integersProto('sizes', [2, 1])];
    (await compare({ shape, nodes: parted(1, 2, {}, ['sizes']), constants: channels })).close();
    (await compare({ shape, nodes: parted(-2, 2, { split: [4, 5] }), opset: 11 })).close();
  });

  test('into equal parts, the last one smaller', async () => {
    (await compare({ shape, nodes: parted(3, 4), opset: 13 })).close();
    (await compare({ shape, nodes: parted(3, 3, { num_outputs: 3 }) })).close();
  });

  test('of features, one part unnamed', async () => {
    const outputs = ['a', '', 'b'];
    const split = { op: 'Split', inputs: ['x'], outputs, attributes: { axis: 1 }, name: 'parts' };
    const gate = { op: 'Sigmoid', inputs: ['b'], outputs: ['g'], name: 'gate' };
    const product = { op: 'Mul', inputs: ['a', 'g'], outputs: ['y'], name: 'product' };
    const graph = { shape: [6], nodes: [split, gate, product], opset: 13 };
    const model = loadOnnx(file(graph));
    const x = uniform(2, 6);
    const whole = ['a', 'c', 'b'];
    const named = { ...graph, nodes: [{ ...split, outputs: whole }, gate, product] };
    checkEqual(await model.predictAll(x), await judged(file(named), x));
    model.close();
  });

  test('of the batch, or into parts that do not fit, is refused', () => {
    const refused = (graph: Graph, text: RegExp) =>
      assert.throws(() => loadOnnx(file(graph)), { code: 'UNSUPPORTED', message: text });
    refused({ shape, nodes: parted(0, 2) }, /node "parts".*axis/s);
    const constants = [integersProto('sizes', [2, 2])];
    refused({ shape, nodes: parted(1, 2, {}, ['sizes']), constants }, /node "parts".*split/s);
    refused({ shape, nodes: parted(1, 4) }, /node "parts".*split/s);
    refused({ shape: [null, 4], nodes: parted(1, 2) }, /node "parts".*axis/s);
    const many = file({ shape: [5000], nodes: parted(1, 5000) });
    assert.throws(() => loadOnnx(many), { code: 'ONNX_LIMIT', message: /at most 1024/ });
  });
});

describe('ConvTranspose in groups', () => {
  const shape = [4, 5, 6];
  const constants = [weights('k', 4, 3, 3, 2), weights('b', 6), weights('d', 4, 1, 4, 4)];
  const cases: [string, string[], Attributes][] = [
    ['with margins', ['k', 'b'], { group: 2, strides: [2, 3], pads: [1, 0, 0, 1] }],
    ['dilated', ['k'], { group: 2, strides: [2, 1], dilations: [2, 3], output_padding: [1, 0] }],
    ['one for each channel', ['d'], { group: 4, strides: [2, 2], pads: [1, 1, 1, 1] }],
  ];
  for (const [name, more, attributes] of cases)
    test(name, async () => {
      const nodes = chain([['ConvTranspose', more, attributes], ['Relu']]);
      const model = await compare({ shape, nodes, constants });
      checkEqual(
        await loadOnnx(toOnnx(model)).predictAll(uniform(2, 5, 6, 4)),
        await model.predictAll(uniform(2, 5, 6, 4)),
      );
      await learns(model, uniform(2, 5, 6, 4));
    });

  test('that do not come out even are refused', () => {
    const bad = (attributes: Attributes) => {
      const nodes = chain([['ConvTranspose', ['k'], attributes]]);
      return () => loadOnnx(file({ shape, nodes, constants }));
    };
    assert.throws(bad({ group: 3 }), { code: 'SHAPE', message: /node "ConvTranspose_0"/ });
    assert.throws(bad({ group: 0 }), { code: 'SHAPE', message: /groups/ });
    const error = { code: 'UNSUPPORTED', message: /output_padding/ };
    assert.throws(bad({ group: 2, output_padding: [1, 1] }), error);
  });
});

test('operations of a description that lack their numbers are refused', () => {
  const kernel = { shape: [2, 2, 1, 2], trainable: true };
  const convolution = {
    operation: 'conv_transpose',
    places: ['input', kernel, { shape: [2], trainable: true }] as const,
    numbers: { image: [4, 4, 2], strides: [2, 2], dilations: [1, 1], margins: [0, 0, 0, 0] },
  };
  const product = {
    operation: 'product_along',
    places: ['input', { shape: [5, 4], trainable: false }] as const,
    numbers: { axis: [1] },
  };
  const cut = { operation: 'slice', places: ['input'] as const };
  const refused = (options: OnnxOperationOptions) =>
    assert.throws(() => new OnnxOperation(options), { code: 'ARGUMENT' });
  refused(convolution);
  refused({ ...product, numbers: {} });
  refused({ ...product, numbers: { axis: [-1] } });
  refused({ ...product, places: ['input'] });
  refused({ ...cut, numbers: { start: [0], extents: [2], steps: [0] } });
  const beyond = new OnnxOperation({ ...product, numbers: { axis: [9] } });
  assert.throws(() => beyond(Input({ shape: [4, 2] })), { name: 'TsunoError' });
});

describe('products along one axis', () => {
  const model = () =>
    new Sequential([Input({ shape: [9, 8, 3] }), layers.resizing(5, 12), layers.conv2d(2, 3)]);

  test('become the layers they were, and are exported again', async () => {
    const again = loadOnnx(toOnnx(model()));
    const names = again.layers.map((layer) => layer.className);
    assert.deepEqual(names, ['InputLayer', 'Resizing', 'Resizing', 'Conv2D']);
    const x = uniform(2, 9, 8, 3);
    checkEqual(await loadOnnx(toOnnx(again)).predictAll(x), await again.predictAll(x));
    again.close();
  });

  test('of large images are within what a file may compute', () => {
    const large = new Sequential([Input({ shape: [500, 500, 3] }), layers.resizing(224, 224)]);
    assert.deepEqual(loadOnnx(toOnnx(large)).outputs[0]!.shape, [null, 224, 224, 3]);
  });

  test('whose extents do not fit are refused', () => {
    const nodes = chain([
      ['Transpose', [], { perm: [1, 0, 2] }],
      ['Reshape', ['rows']],
      ['Gemm', ['m']],
      ['Reshape', ['apart']],
      ['Transpose', [], { perm: [1, 0, 2] }],
    ]).map((node) => (node.op === 'Gemm' ? { ...node, inputs: ['m', node.inputs[0]!] } : node));
    const graph = (rows: number[], apart: number[], m: Uint8Array = weights('m', 5, 4)) => {
      const constants = [integersProto('rows', rows), integersProto('apart', apart), m];
      return file({ shape: [4, 2], nodes, constants });
    };
    const [output] = loadOnnx(graph([4, -1], [5, -1, 2])).outputs;
    assert.deepEqual(output!.shape, [null, 5, 2]);
    const refused = (bytes: Uint8Array) =>
      assert.throws(() => loadOnnx(bytes), {
        code: 'UNSUPPORTED',
        message: /node "Transpose_4".*product along an axis/s,
      });
    refused(graph([2, -1], [5, -1, 2]));
    refused(graph([4, -1], [5, 2, -1]));
    refused(graph([4, -1], [5, -1, 2], weights('m', 5, 8)));
  });
});

test('a constant of negative extents is refused, though their product is positive', () => {
  const node = (op: string, inputs: readonly string[], output: string): OnnxNode => ({
    op,
    inputs,
    outputs: [output],
    attributes: {},
    name: op,
  });
  const reader = (op: string, inputs: readonly string[]) =>
    file({
      shape: [4],
      nodes: [
        node(op, inputs, 'c'),
        node('ReduceSum', ['c'], 'sum'),
        node('Add', ['x', 'sum'], 'y'),
      ],
      constants: [integersProto('s', [-2, -3]), floats('one', 1)],
    });
  for (const bytes of [reader('ConstantOfShape', ['s']), reader('Expand', ['one', 's'])])
    assert.throws(() => loadOnnx(bytes), { code: 'SHAPE', message: /whole numbers from 0/ });
});
