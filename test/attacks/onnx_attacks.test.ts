/** @file ONNX files that lie or lead elsewhere: refused with the node or the byte named, in time that their length bounds. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Input, layers, loadOnnx, Model, tensor, toOnnx } from '../../src/index.ts';
import {
  type Field,
  integersProto,
  message,
  nodeProto,
  tensorProto,
  valueProto,
} from '../../src/saving/onnx_encode.ts';
import { assertCheap } from '../support/cost.ts';

type Fields = readonly Field[];
type Node = Parameters<typeof nodeProto>[0];

const x = valueProto('x', 'float32', [null, 4]);
const y = valueProto('y', 'float32', [null, 2]);
const w = tensorProto('w', tensor(new Float32Array(8), [4, 2]));
const product: Node = { op: 'MatMul', inputs: ['x', 'w'], outputs: ['y'], name: 'last' };

/** A file of one product, changed. */
function file({
  nodes = [nodeProto(product)],
  constants = [w],
  inputs = [x],
  outputs = [y],
  version = 8,
  opset = 17,
  domain = '',
  more = [] as Fields,
}: {
  nodes?: Uint8Array[];
  constants?: Uint8Array[];
  inputs?: Uint8Array[];
  outputs?: Uint8Array[];
  version?: number;
  opset?: number;
  domain?: string;
  more?: Fields;
} = {}): Uint8Array {
  const graph = message([1, nodes], [2, 'g'], [5, constants], [11, inputs], [12, outputs]);
  return message([1, version], [7, graph], [8, message([1, domain], [2, opset])], ...more);
}

/** A node before the product, on the input. */
function before(op: string, node: Partial<Node> = {}, constants: Uint8Array[] = []): Uint8Array {
  const first: Node = { op, inputs: ['x'], outputs: ['h'], name: 'first', ...node };
  const second: Node = { ...product, inputs: ['h', 'w'] };
  return file({ nodes: [nodeProto(first), nodeProto(second)], constants: [w, ...constants] });
}

async function refused(bytes: Uint8Array, code: string, text: RegExp): Promise<void> {
  const error = { name: 'TsunoError', code, message: text };
  await assertCheap(() => assert.throws(() => loadOnnx(bytes), error), { cpu: 500, memory: 50e6 });
  assert.equal(Object.keys(Object.prototype).length, 0);
}

test('the honest file is read', () => {
  assert.equal(loadOnnx(file()).layers.length, 2);
});

/** Bytes by their values, texts by their characters. */
function bytesOf(...parts: (number | string)[]): Uint8Array {
  return Uint8Array.from(
    parts.flatMap((part) =>
      typeof part === 'number' ? [part] : [...part].map((c) => c.charCodeAt(0)),
    ),
  );
}

/** A constant with fields of its own, under the name of the weights. */
const constant = (...fields: Fields) => file({ constants: [message([8, 'w'], ...fields)] });
const floats = (count: number) => new Uint8Array(4 * count);

describe('data in another file is refused, whatever it names', () => {
  for (const path of [
    'weights.bin',
    '../../etc/passwd',
    '/etc/passwd',
    'junk/../..',
    'C:\\x',
    '',
    'link',
  ]) {
    const entry = (key: string, value: string) => message([1, key], [2, value]);
    const external = [entry('location', path), entry('offset', '0'), entry('length', '32')];
    test(JSON.stringify(path), async () => {
      await refused(
        constant([1, [4, 2]], [2, 1], [13, external], [14, 1]),
        'ONNX_LINK',
        /"w".*in this file/,
      );
      await refused(constant([1, [4, 2]], [2, 1], [13, external]), 'ONNX_LINK', /"w"/);
      await refused(constant([1, [4, 2]], [2, 1], [14, 1]), 'ONNX_LINK', /"w"/);
    });
  }
  test('in an attribute of a node', async () => {
    const value = message([1, [4, 2]], [2, 1], [8, 'w'], [14, 1]);
    const node = message(
      [2, 'w'],
      [4, 'Constant'],
      [5, message([1, 'value'], [5, value], [20, 4])],
    );
    const bytes = file({ nodes: [node, nodeProto(product)], constants: [] });
    await refused(bytes, 'ONNX_LINK', /byte \d+/);
  });
});

/** A model whose only node has a graph of one node that has a graph …, each at the end of what is around it. */
function graphsInGraphs(depth: number): Uint8Array {
  const around: [head: Uint8Array, field: number][] = [
    [message([1, 'then_branch'], [20, 5]), 6],
    [message([1, 'x'], [2, 'y'], [3, 'deep'], [4, 'If']), 5],
    [new Uint8Array(0), 1],
  ];
  const pieces = [message([2, 'leaf'])];
  let length = pieces[0]!.length;
  for (let level = 0; level < depth; level++) {
    for (const [head, field] of around) {
      const piece = bytesOf(...head, 8 * field + 2, ...varint(length));
      pieces.unshift(piece);
      length += piece.length;
    }
  }
  pieces.unshift(message([11, x], [12, y]));
  const graph = Uint8Array.from(pieces.flatMap((piece) => [...piece]));
  return message([1, 8], [7, graph], [8, message([2, 17])]);
}

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [0x80 | (value & 0x7f), ...varint(value >>> 7)];
}

describe('protocol buffers that are none', () => {
  const endless = Array.from({ length: 20 }, () => 0xff);
  const cases: [what: string, bytes: Uint8Array, code: string, text: RegExp][] = [
    ['nothing', new Uint8Array(0), 'ONNX', /model of ONNX/],
    ['a text', bytesOf('this is not a model'), 'ONNX', /./],
    ['a number without end', bytesOf(0x08, ...endless), 'ONNX', /at most 10 bytes/],
    ['a number cut off', bytesOf(0x08, 0xff), 'ONNX', /must end by byte/],
    ['a number of 70 bits', bytesOf(0x08, ...endless.slice(0, 9), 0x7f), 'ONNX', /64 bits/],
    [
      'a length beyond the end',
      bytesOf(0x3a, 0xff, 0xff, 0xff, 0xff, 0x0f),
      'ONNX',
      /at most 0 bytes/,
    ],
    ['a length of 2^63', bytesOf(0x3a, ...endless.slice(0, 8), 0x7f), 'ONNX', /at most 0 bytes/],
    ['a group', bytesOf(0x3b), 'ONNX', /kind of a field/],
    ['field 0', bytesOf(0x02, 0x00), 'ONNX', /number of a field/],
    ['a message for a number', message([1, 'x']), 'ONNX', /a number/],
    ['a number for the graph', message([1, 8], [7, 5]), 'ONNX', /a message/],
    [
      'two graphs',
      message([1, 8], [7, [message([2, 'a']), message([2, 'b'])]]),
      'ONNX',
      /graph must be there once/,
    ],
    ['10,000 graphs in one another', graphsInGraphs(10_000), 'UNSUPPORTED', /node "deep" \(If\)/],
    [
      'a name that is not UTF-8',
      file({ nodes: [message([2, bytesOf(0xff)], [4, 'Relu'])] }),
      'ONNX',
      /UTF-8/,
    ],
    ['a file cut short', file().slice(0, -3), 'ONNX', /./],
  ];
  for (const [what, bytes, code, text] of cases) test(what, () => refused(bytes, code, text));
});

describe('constants that lie', () => {
  const cases: [what: string, bytes: Uint8Array, code: string, text: RegExp][] = [
    [
      'a negative extent',
      constant([1, [-4, -2]], [2, 1], [9, floats(8)]),
      'ONNX',
      /shape of constant "w"/,
    ],
    [
      'extents beyond 2^53',
      constant([1, [2 ** 40, 2 ** 40]], [2, 1], [9, floats(8)]),
      'ONNX',
      /shape/,
    ],
    [
      '2^40 elements',
      constant([1, [2 ** 40]], [2, 1], [9, floats(8)]),
      'ONNX',
      /4398046511104 bytes/,
    ],
    ['2^40 elements without data', constant([1, [2 ** 40]], [2, 1]), 'ONNX', /numbers/],
    ['data too short', constant([1, [4, 2]], [2, 1], [9, floats(7)]), 'ONNX', /32 bytes/],
    ['data too long', constant([1, [4, 2]], [2, 1], [9, floats(9)]), 'ONNX', /32 bytes/],
    ['data twice', constant([1, [4, 2]], [2, 1], [9, [floats(8), floats(8)]]), 'ONNX', /once/],
    [
      'data in two forms',
      constant([1, [4, 2]], [2, 1], [4, floats(8)], [9, floats(8)]),
      'ONNX',
      /data/,
    ],
    ['whole numbers for floats', constant([1, [1]], [2, 1], [7, 5]), 'ONNX', /another type/],
    [
      'a segment',
      constant([1, [4, 2]], [2, 1], [3, message([1, 0])], [9, floats(8)]),
      'ONNX',
      /whole/,
    ],
    ['texts', constant([1, [1]], [2, 8], [6, 'a']), 'UNSUPPORTED', /type 8/],
    [
      'a type that is not there',
      constant([1, [1]], [2, 99], [9, floats(1)]),
      'UNSUPPORTED',
      /type 99/,
    ],
    ['20 axes', constant([1, new Array(20).fill(1)], [2, 1], [9, floats(1)]), 'ONNX', /at most 8/],
    [
      'weights that are NaN',
      constant([1, [4, 2]], [2, 1], [9, floats(8).fill(0xff)]),
      'WEIGHTS_NONFINITE',
      /node "last" \(MatMul\)/,
    ],
    ['a constant twice', file({ constants: [w, w] }), 'ONNX', /"w" must be there once/],
    [
      'the name of an input',
      file({ nodes: [nodeProto({ ...product, outputs: ['x'] })] }),
      'ONNX',
      /"x" must be given once/,
    ],
    [
      'weights of another shape',
      constant([1, [2, 4]], [2, 1], [9, floats(8)]),
      'UNSUPPORTED',
      /node "last" \(MatMul\).*\[4, units\]/,
    ],
    [
      'sparse constants',
      message(
        [1, 8],
        [7, message([1, nodeProto(product)], [15, message([1, 'w'])])],
        [8, message([2, 17])],
      ),
      'UNSUPPORTED',
      /sparse/,
    ],
  ];
  for (const [what, bytes, code, text] of cases) test(what, () => refused(bytes, code, text));
});

describe('graphs that cannot be', () => {
  const loop = [
    nodeProto({ op: 'Relu', inputs: ['b'], outputs: ['a'], name: 'one' }),
    nodeProto({ op: 'Relu', inputs: ['a'], outputs: ['b'], name: 'two' }),
  ];
  const huge = integersProto('s', [2 ** 20, 2 ** 20]);
  const cases: [what: string, bytes: Uint8Array, code: string, text: RegExp][] = [
    ['an operator nobody knows', before('Mystery'), 'UNSUPPORTED', /node "first" \(Mystery\)/],
    ['a loop over parts of a graph', before('Loop'), 'UNSUPPORTED', /node "first" \(Loop\)/],
    ['a name of objects', before('constructor'), 'UNSUPPORTED', /node "first"/],
    ['another', before('__proto__'), 'UNSUPPORTED', /node "first"/],
    [
      'an operator of another domain',
      file({ nodes: [message([1, ['x', 'w']], [2, 'y'], [4, 'MatMul'], [7, 'com.evil'])] }),
      'UNSUPPORTED',
      /com\.evil/,
    ],
    ['version 6 of the operators', file({ opset: 6 }), 'UNSUPPORTED', /7 to \d+, received 6/],
    ['version 1000', file({ opset: 1000 }), 'UNSUPPORTED', /received 1000/],
    ['version -1', file({ opset: -1 }), 'UNSUPPORTED', /received -1/],
    ['operators of another domain alone', file({ domain: 'com.evil' }), 'UNSUPPORTED', /version/],
    ['functions', file({ more: [[25, message([1, 'f'])]] }), 'UNSUPPORTED', /functions/],
    [
      'nodes that wait for each other',
      file({ nodes: loop }),
      'ONNX',
      /node "one" \(Relu\) input "b"|node "one" \(Relu\)\] input "b"/,
    ],
    [
      'an input that is missing',
      before('Add', { inputs: ['x', 'ghost'] }),
      'ONNX',
      /node "first" \(Add\).*"ghost"/,
    ],
    [
      'an output that is missing',
      file({ outputs: [valueProto('ghost', 'float32', [null])] }),
      'ONNX',
      /"ghost"/,
    ],
    [
      'an output that is a constant',
      file({ outputs: [valueProto('w', 'float32', [4, 2])] }),
      'ONNX',
      /a constant/,
    ],
    ['no outputs', file({ outputs: [] }), 'ONNX', /outputs/],
    [
      'no inputs',
      file({ inputs: [], nodes: [nodeProto({ ...product, inputs: ['w', 'w'] })] }),
      'ONNX',
      /inputs/,
    ],
    [
      'an input of extent 2^53',
      file({ inputs: [valueProto('x', 'float32', [null, 2 ** 52])] }),
      'UNSUPPORTED',
      /node "last"/,
    ],
    [
      'an input of negative extent',
      file({ inputs: [valueProto('x', 'float32', [null, -4])] }),
      'ONNX',
      /extent of "x"/,
    ],
    [
      'an input of texts',
      file({
        inputs: [
          message(
            [1, 'x'],
            [
              2,
              message([1, message([1, 8], [2, message([1, [message([1, 1]), message([1, 4])]])])]),
            ],
          ),
        ],
      }),
      'UNSUPPORTED',
      /type 8/,
    ],
    ['a node without outputs', file({ nodes: [message([4, 'Relu'])] }), 'ONNX', /node/],
    [
      'an attribute twice',
      file({
        nodes: [
          message(
            [1, 'x'],
            [2, 'y'],
            [4, 'Elu'],
            [5, [message([1, 'alpha'], [2, { f: 1 }]), message([1, 'alpha'], [2, { f: 2 }])]],
          ),
        ],
      }),
      'ONNX',
      /alpha.*once/,
    ],
    ['a text for a number', before('Elu', { attributes: { alpha: 'one' } }), 'ONNX', /"alpha"/],
    [
      'an axis that is not there',
      before('Transpose', { attributes: { perm: [0, 7] } }),
      'SHAPE',
      /node "first" \(Transpose\)/,
    ],
    [
      'a batch that moves',
      before('Transpose', { attributes: { perm: [1, 0] } }),
      'UNSUPPORTED',
      /batch/,
    ],
    ['a shape of 2^40 constants', before('Add', { inputs: ['x', 'c'] }, []), 'ONNX', /"c"/],
    [
      '10,001 nodes',
      file({
        nodes: Array.from({ length: 10_001 }, (_, i) =>
          nodeProto({ op: 'Relu', inputs: ['x'], outputs: [`v${i}`], name: '' }),
        ),
      }),
      'ONNX_LIMIT',
      /nodes/,
    ],
    [
      'a small constant stretched to 2^40 elements',
      file({
        nodes: [
          nodeProto({ op: 'Expand', inputs: ['b', 's'], outputs: ['big'], name: 'bomb' }),
          nodeProto(product),
        ],
        constants: [w, huge, tensorProto('b', tensor([1], [1]))],
      }),
      'ONNX_LIMIT',
      /node "bomb" \(Expand\)/,
    ],
    [
      'zeros of 2^40 elements',
      file({
        nodes: [
          nodeProto({ op: 'ConstantOfShape', inputs: ['s'], outputs: ['big'], name: 'bomb' }),
          nodeProto(product),
        ],
        constants: [w, huge],
      }),
      'ONNX_LIMIT',
      /node "bomb" \(ConstantOfShape\)/,
    ],
    [
      'an index beyond the end',
      file({
        nodes: [
          nodeProto({ op: 'Gather', inputs: ['w', 'i'], outputs: ['part'], name: 'bomb' }),
          nodeProto(product),
        ],
        constants: [w, integersProto('i', [9])],
      }),
      'SHAPE',
      /node "bomb" \(Gather\)/,
    ],
  ];
  for (const [what, bytes, code, text] of cases) test(what, () => refused(bytes, code, text));
});

test('a file cut off at every length is refused, or is the same model', () => {
  const image = Input({ shape: [6, 6, 1] });
  const flat = layers.flatten()(layers.conv2d(2, 3)(image));
  const whole = toOnnx(new Model({ inputs: image, outputs: layers.dense(2)(flat) }));
  const step = Math.max(1, Math.floor(whole.length / 500));
  for (let length = 0; length < whole.length; length += step)
    assert.throws(
      () => loadOnnx(whole.slice(0, length)),
      { name: 'TsunoError' },
      `cut at ${length}`,
    );
});
