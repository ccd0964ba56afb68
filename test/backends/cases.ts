/** @file A case for every operation, on plain and on awkward shapes. */
import type { Value } from '../../src/ir/graph.ts';
import * as ops from '../../src/ops/index.ts';
import { pixelwise, same3x3 } from '../support/geometry.ts';
import type { Case, InputSpec } from './judge.ts';

const positive: InputSpec['fill'] = (u) => 0.1 + u * 3;
const wide: InputSpec['fill'] = (u) => (u * 2 - 1) * 20;

export const cases: Case[] = [];
const add = (
  name: string,
  inputs: InputSpec[],
  build: (values: readonly Value[]) => Value | readonly Value[],
  tolerance?: Case['tolerance'],
) => {
  cases.push({
    name,
    inputs,
    build: (values) => {
      const built = build(values);
      return Array.isArray(built) ? (built as readonly Value[]) : [built as Value];
    },
    ...(tolerance ? { tolerance } : {}),
  });
};

for (const shape of [[1], [3], [4], [7], [64], [2, 3, 5], [3, 1], [1, 8]]) {
  const label = shape.join('×');
  add(`add ${label}`, [{ shape }, { shape }], ([a, b]) => ops.add(a!, b!));
  add(
    `exp and log ${label}`,
    [
      { shape, fill: wide },
      { shape, fill: positive },
    ],
    ([a, b]) => [ops.exp(a!), ops.log(b!)],
  );
  add(`tanh and sigmoid ${label}`, [{ shape, fill: wide }], ([a]) => [
    ops.tanh(a!),
    ops.sigmoid(a!),
  ]);
  add(
    `casts ${label}`,
    [
      { shape, fill: wide },
      { shape, dtype: 'uint8', fill: (u) => u * 256 },
    ],
    ([a, b]) => [
      ops.cast(a!, 'int32'),
      ops.cast(b!, 'float32'),
      ops.cast(ops.less(a!, 0), 'float32'),
      ops.less(a!, 0),
    ],
  );
}
add('broadcast row', [{ shape: [5, 7] }, { shape: [7] }], ([a, b]) => ops.mul(a!, b!));
add('broadcast column', [{ shape: [5, 7] }, { shape: [5, 1] }], ([a, b]) => ops.sub(a!, b!));
add('broadcast both', [{ shape: [5, 1] }, { shape: [1, 6] }], ([a, b]) =>
  ops.div(a!, ops.add(ops.abs(b!), 1)),
);
add('broadcast middle', [{ shape: [2, 1, 3] }, { shape: [2, 5, 3] }], ([a, b]) =>
  ops.maximum(a!, b!),
);
add('one-hot', [{ shape: [6, 1], dtype: 'int32', fill: (u) => u * 10 }], ([label]) =>
  ops.cast(ops.intEqual(label!, ops.iota(label!, 10)), 'float32'),
);
add(
  'random',
  [
    { shape: [], dtype: 'int32', fill: () => 7 },
    { shape: [], dtype: 'int32', fill: () => 3 },
  ],
  ([seed, step]) => ops.randomUniform(seed!, step!, { shape: [3, 11], stream: 5 }),
);
add(
  'integer power',
  [
    { shape: [], fill: () => 0.999 },
    { shape: [], dtype: 'int32', fill: () => 1000 },
  ],
  ([x, n]) => ops.integerPower(x!, n!),
  { rtol: 2e-5, atol: 0 },
);

for (const [shape, axes] of [
  [[5, 7], [1]],
  [[5, 7], [0]],
  [[3, 4, 5], [1]],
  [[33, 70], [0]],
  [[2, 100], [1]],
  [
    [4, 3, 2, 5],
    [0, 1, 2],
  ],
  [[6], [0]],
  [
    [3, 17],
    [0, 1],
  ],
] as const) {
  add(
    `sum ${shape.join('×')} over ${axes}`,
    [{ shape }],
    ([x]) => [ops.reduceSum(x!, axes), ops.reduceMax(x!, axes)],
    { rtol: 2e-6, atol: 1e-5 },
  );
}
add('argmax', [{ shape: [5, 10] }], ([x]) => ops.argMax(x!));
add('softmax', [{ shape: [5, 10], fill: wide }], ([x]) => [ops.softmax(x!), ops.logSoftmax(x!)], {
  rtol: 5e-6,
  atol: 1e-6,
});
add('transpose', [{ shape: [3, 4, 5] }], ([x]) => [
  ops.transpose(x!, [2, 0, 1]),
  ops.transpose(x!, [1, 0, 2]),
]);
// Rows and columns that trade places: whole squares, and what is left beside and below them.
for (const shape of [
  [8, 16],
  [5, 18],
  [9, 35],
  [4, 4],
  [33, 7],
] as const)
  add(`transpose ${shape.join('×')}`, [{ shape: [3, 2, ...shape] }], ([x]) => [
    ops.transpose(x!, [0, 1, 3, 2]),
    ops.transpose(x!, [1, 3, 0, 2]),
    ops.transpose(ops.slice(x!, [1, 1, 0, 0], [1, 1, ...shape]), [0, 1, 3, 2]),
  ]);
add('pad and slice', [{ shape: [2, 3, 4, 5] }], ([x]) => [
  ops.pad(x!, [
    [0, 0],
    [1, 2],
    [2, 1],
    [0, 0],
  ]),
  ops.pad(x!, [
    [1, 0],
    [0, 0],
    [0, 0],
    [0, 2],
  ]),
  ops.slice(x!, [0, 1, 1, 2], [2, 2, 3, 3]),
]);
add('concat', [{ shape: [2, 3, 4] }, { shape: [2, 1, 4] }], ([a, b]) => ops.concat([a!, b!], 1));
add(
  'gather rows',
  [
    { shape: [9, 5], dtype: 'uint8', fill: (u) => u * 256 },
    { shape: [4], dtype: 'int32', fill: (u) => u * 9 },
  ],
  ([data, rows]) => ops.gatherRows(data!, rows!),
);

for (const [shape, bins] of [
  [[1], 1],
  [[7, 5], 3],
  [[2, 3, 100], 256],
] as const) {
  // Some lie below the bins, some above.
  const fill = (u: number) => (u * 1.4 - 0.2) * bins;
  add(`histogram ${shape.join('×')}, ${bins} bins`, [{ shape, dtype: 'int32', fill }], ([x]) =>
    ops.histogram(x!, bins),
  );
}

for (const [m, k, n] of [
  [1, 1, 1],
  [3, 5, 7],
  [4, 8, 8],
  [32, 128, 10],
  [33, 17, 9],
  [5, 40, 65],
  [45, 30, 6],
  [36, 12, 14],
] as const) {
  for (const [ta, tb] of [
    [false, false],
    [true, false],
    [false, true],
    [true, true],
  ] as const) {
    add(
      `matmul ${m}×${k}×${n} ${ta ? 'T' : ''}${tb ? 'T' : ''}`,
      [{ shape: ta ? [k, m] : [m, k] }, { shape: tb ? [n, k] : [k, n] }],
      ([a, b]) => ops.matmul(a!, b!, ta, tb),
      { rtol: 1e-5, atol: 1e-5 },
    );
  }
}
add(
  'dense with bias and relu',
  [{ shape: [7, 12] }, { shape: [12, 9] }, { shape: [9] }],
  ([x, w, b]) => ops.relu(ops.add(ops.matmul(x!, w!), b!)),
  { rtol: 1e-5, atol: 1e-5 },
);

// Products that leave out zeros: of two blocks of rows, and pixel by pixel; with few zeros the same products go the dense way.
for (const zeros of [0, 0.6]) {
  const fill: InputSpec['fill'] = (u) => (u < zeros ? 0 : u - 0.7);
  // More zeros on one side than on the other.
  add(
    `listed gradients, ${zeros} of one side zero`,
    [{ shape: [20, 144], fill }, { shape: [20, 80] }],
    ([x, g]) => [ops.matmul(x!, g!, true), ops.matmul(g!, x!, true)],
    { rtol: 1e-5, atol: 1e-5 },
  );
  add(
    `listed products, ${zeros} of them zero`,
    [{ shape: [20, 132], fill }, { shape: [132, 80] }, { shape: [80] }, { shape: [20, 80], fill }],
    ([x, w, b, g]) => [
      ops.relu(ops.add(ops.matmul(x!, w!), b!)),
      ops.matmul(g!, w!, false, true),
      ops.matmul(x!, g!, true),
    ],
    { rtol: 1e-5, atol: 1e-5 },
  );
  add(
    `a gradient behind a ReLU, ${zeros} of it held back`,
    [{ shape: [20, 72] }, { shape: [80, 72] }, { shape: [20, 80], fill }],
    ([g, w, y]) => ops.select(ops.less(0, y!), ops.matmul(g!, w!, false, true), 0),
    { rtol: 1e-5, atol: 1e-5 },
  );
  add(
    `listed pixels, ${zeros} of them zero`,
    [{ shape: [2, 5, 4, 128], fill }, { shape: [1, 1, 128, 144] }],
    ([x, w]) => ops.conv2d(ops.relu(ops.abs(x!)), w!, pixelwise),
    { rtol: 1e-5, atol: 1e-5 },
  );
}

const convs: { x: number[]; w: number[]; attrs: Partial<ops.ConvAttrs> }[] = [
  { x: [1, 3, 3, 1], w: [3, 3, 1, 1], attrs: {} },
  { x: [2, 7, 6, 3], w: [3, 3, 3, 5], attrs: {} },
  {
    x: [2, 7, 6, 3],
    w: [3, 2, 3, 8],
    attrs: {
      padding: [
        [1, 1],
        [0, 1],
      ],
    },
  },
  {
    x: [2, 9, 9, 4],
    w: [3, 3, 4, 9],
    attrs: {
      strides: [2, 2],
      padding: same3x3.padding,
    },
  },
  { x: [2, 9, 8, 4], w: [3, 3, 4, 16], attrs: { dilation: [2, 2] } },
  { x: [3, 5, 5, 16], w: [1, 1, 16, 24], attrs: {} },
  { x: [3, 6, 6, 16], w: [1, 1, 16, 4], attrs: { strides: [2, 2] } },
  {
    x: [2, 8, 8, 32],
    w: [5, 5, 32, 8],
    attrs: {
      padding: [
        [2, 2],
        [2, 2],
      ],
    },
  },
  { x: [2, 6, 6, 4], w: [3, 3, 2, 6], attrs: { groups: 2 } },
  {
    x: [2, 6, 6, 4],
    w: [3, 3, 1, 8],
    attrs: {
      groups: 4,
      strides: [2, 1],
      padding: [
        [1, 0],
        [1, 1],
      ],
    },
  },
  { x: [1, 7, 7, 2], w: [2, 4, 2, 3], attrs: { strides: [3, 2], dilation: [1, 2] } },
  // Eight channels and fewer: pixels that do and don't divide into eights, lines that do and don't, short and long runs.
  { x: [3, 9, 7, 5], w: [3, 3, 5, 6], attrs: {} },
  { x: [2, 12, 12, 1], w: [5, 5, 1, 6], attrs: {} },
  {
    x: [2, 10, 14, 3],
    w: [5, 5, 3, 7],
    attrs: {
      padding: [
        [2, 2],
        [2, 2],
      ],
    },
  },
  { x: [3, 11, 13, 6], w: [3, 2, 6, 8], attrs: { strides: [2, 2] } },
  { x: [5, 9, 12, 1], w: [4, 3, 1, 5], attrs: { dilation: [2, 1] } },
  { x: [2, 9, 9, 2], w: [3, 3, 2, 7], attrs: { strides: [2, 1], dilation: [1, 2] } },
  { x: [3, 5, 5, 13], w: [1, 1, 13, 6], attrs: {} },
  { x: [3, 6, 6, 9], w: [1, 1, 9, 3], attrs: {} },
  { x: [2, 7, 8, 4], w: [2, 2, 4, 22], attrs: {} },
  // Depthwise: one channel block and several, strides, padding, dilation.
  {
    x: [2, 6, 7, 4],
    w: [3, 3, 1, 4],
    attrs: {
      groups: 4,
      padding: same3x3.padding,
    },
  },
  {
    x: [2, 9, 8, 20],
    w: [3, 3, 1, 20],
    attrs: {
      groups: 20,
      strides: [2, 2],
      padding: [
        [0, 1],
        [0, 1],
      ],
    },
  },
  { x: [1, 9, 9, 8], w: [2, 3, 1, 8], attrs: { groups: 8, strides: [1, 2], dilation: [2, 1] } },
  {
    x: [3, 5, 5, 36],
    w: [5, 5, 1, 36],
    attrs: {
      groups: 36,
      padding: [
        [2, 2],
        [2, 2],
      ],
    },
  },
  // Winograd's method: even and odd results, with and without padding, whole and part strips.
  {
    x: [2, 8, 8, 8],
    w: [3, 3, 8, 8],
    attrs: {
      padding: same3x3.padding,
    },
  },
  { x: [3, 7, 9, 12], w: [3, 3, 12, 20], attrs: {} },
  // No patch lies inside.
  {
    x: [2, 2, 3, 8],
    w: [3, 3, 8, 12],
    attrs: {
      padding: same3x3.padding,
    },
  },
  {
    x: [1, 5, 6, 16],
    w: [3, 3, 16, 8],
    attrs: {
      padding: [
        [2, 1],
        [0, 2],
      ],
    },
  },
  {
    x: [5, 9, 9, 32],
    w: [3, 3, 32, 16],
    attrs: {
      padding: same3x3.padding,
    },
  },
];
for (const { x, w, attrs } of convs) {
  const full: ops.ConvAttrs = { ...pixelwise, ...attrs };
  const g = ops.convGeometry(x, w, full);
  const tolerance = { rtol: 2e-5, atol: 2e-5 };
  add(
    `conv2d ${x} ${w} ${JSON.stringify(attrs)}`,
    [{ shape: x }, { shape: w }, { shape: [g.k] }],
    // Kernels of different sizes, so that each is a product of its own; six is reached from five on.
    ([a, b, c]) => {
      const biased = (factor: number, offset: number) =>
        ops.add(ops.conv2d(a!, ops.mul(b!, factor), full), ops.add(c!, offset));
      return [
        ops.conv2d(a!, b!, full),
        biased(0.25, 1),
        ops.relu(biased(0.5, 0)),
        ops.minimum(ops.relu(biased(0.75, 5)), 6),
      ];
    },
    tolerance,
  );
  add(
    `conv2d gradients ${x} ${w} ${JSON.stringify(attrs)}`,
    [{ shape: x }, { shape: w }, { shape: [g.n, g.oh, g.ow, g.k] }],
    ([a, b, y]) => [
      ops.conv2dInputGradient(y!, b!, x, full),
      ops.conv2dFilterGradient(a!, y!, w, full),
    ],
    tolerance,
  );
}

for (const [x, pool] of [
  [
    [2, 6, 6, 4],
    {
      window: [2, 2],
      strides: [2, 2],
      padding: [
        [0, 0],
        [0, 0],
      ],
    },
  ],
  [
    [2, 7, 5, 3],
    {
      window: [3, 3],
      strides: [2, 2],
      padding: [
        [1, 1],
        [1, 0],
      ],
    },
  ],
  [
    [1, 5, 5, 9],
    {
      window: [2, 3],
      strides: [1, 1],
      padding: [
        [0, 1],
        [1, 1],
      ],
    },
  ],
] as [number[], ops.PoolAttrs][]) {
  const g = ops.poolGeometry(x, pool);
  const window = JSON.stringify(pool.window);
  add(`max pool ${x} ${window}`, [{ shape: x }, { shape: [g.n, g.oh, g.ow, g.c] }], ([a, y]) => {
    const [top, winner] = a!.graph.apply(ops.maxPool2dOp, [a!], pool);
    return [
      top!,
      winner!,
      a!.graph.apply(ops.maxPool2dGradientOp, [y!, winner!], { ...pool, imageShape: x })[0]!,
    ];
  });
  add(
    `average pool ${x} ${window}`,
    [{ shape: x }, { shape: [g.n, g.oh, g.ow, g.c] }],
    ([a, y]) => [
      ops.averagePool2d(a!, pool),
      a!.graph.apply(ops.averagePool2dGradientOp, [y!], { ...pool, imageShape: x })[0]!,
    ],
  );
}

for (const [x, w, attrs] of [
  [[2, 8, 8, 1], [3, 3, 1, 8], { pool: [2, 2] }],
  [[2, 15, 13, 2], [2, 3, 2, 16], { pool: [3, 2], strides: [2, 1], dilation: [1, 2] }],
  [[3, 13, 13, 4], [3, 3, 4, 12], { pool: [2, 2] }],
  [[2, 7, 7, 3], [3, 3, 3, 5], { pool: [2, 2] }],
  [[2, 9, 7, 8], [2, 3, 8, 9], { pool: [1, 3] }],
  [[2, 9, 9, 4], [3, 3, 4, 8], { pool: [2, 2], dilation: [2, 1] }],
  [[2, 13, 12, 4], [3, 3, 4, 8], { pool: [3, 2], strides: [2, 1] }],
  [[32, 5, 5, 32], [3, 3, 32, 16], { pool: [2, 2] }],
  // Spans of 8 and of 16 channels in the gradient of the kernel.
  [[2, 5, 4, 4], [2, 3, 4, 72], { pool: [2, 2] }],
  [[2, 4, 5, 3], [2, 2, 3, 128], { pool: [1, 2] }],
] as [number[], number[], Partial<ops.ConvPoolAttrs>][]) {
  const full: ops.ConvPoolAttrs = { strides: [1, 1], dilation: [1, 1], pool: [2, 2], ...attrs };
  const g = ops.convPoolGeometry(x, w, full);
  add(
    `conv relu pool ${x} ${w} ${JSON.stringify(attrs)}`,
    [{ shape: x }, { shape: w }, { shape: [g.k] }, { shape: [g.n, g.ph, g.pw, g.k] }],
    ([a, b, bias, y]) => {
      const [pooled, winner] = a!.graph.apply(ops.convReluPoolOp, [a!, b!, bias!], full);
      const graph = a!.graph;
      return [
        pooled!,
        winner!,
        graph.apply(ops.pooledFilterGradientOp, [a!, y!, winner!], { ...full, kernelShape: w })[0]!,
        graph.apply(ops.pooledInputGradientOp, [y!, winner!, b!], { ...full, imageShape: x })[0]!,
        graph.apply(ops.pooledBiasGradientOp, [y!, winner!], undefined)[0]!,
      ];
    },
    { rtol: 2e-5, atol: 2e-5 },
  );
}
