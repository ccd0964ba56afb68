/** @file Networks: three ways to the same graph, order of layers and weights, building late, networks in networks, refusals. */
import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { evaluate } from '../../src/backends/reference/evaluate.ts';
import { clearNames } from '../../src/core/names.ts';
import { setRandomSeed } from '../../src/core/seed.ts';
import type { PartialShape, Shape } from '../../src/core/shape.ts';
import { Graph, type Value } from '../../src/ir/graph.ts';
import { printGraph } from '../../src/ir/print.ts';
import * as layers from '../../src/layers/index.ts';
import type { Layer } from '../../src/layers/layer.ts';
import { layerFromConfig } from '../../src/layers/registry.ts';
import { Trace, tracing } from '../../src/layers/trace.ts';
import type { Variable } from '../../src/layers/variable.ts';
import { input, scalar } from '../../src/ops/index.ts';
import { Input } from '../../src/topology/input.ts';
import { Network } from '../../src/topology/network.ts';
import { serializeLayer } from '../../src/topology/network_config.ts';
import { MnistSubclass, mnistList, mnistNetwork } from './mnist_network.ts';

beforeEach(clearNames);

/** The graph of a network for inputs of these shapes. */
function traced(network: Network, shapes: readonly Shape[], training = false) {
  const graph = new Graph();
  const inputs = shapes.map((shape, i) => input(graph, `x${i}`, shape));
  const randomness = {
    seed: scalar(inputs[0]!, 1, 'int32'),
    step: scalar(inputs[0]!, 2, 'int32'),
  };
  const outputs = tracing(new Trace(graph, training, randomness), () => network.trace(inputs));
  outputs.forEach((output, i) => {
    graph.outputs.set(`y${i}`, output);
  });
  return { graph, outputs };
}

/** Lets tests reach what the doors above make public. */
class List extends Network {
  constructor(items: readonly (Layer | ReturnType<typeof Input>)[] = []) {
    super({ layers: items });
  }
  add(layer: Layer | ReturnType<typeof Input>): void {
    this.addLayer(layer);
  }
  pop(): Layer {
    return this.popLayer();
  }
}

describe('the three ways', () => {
  /** Graph, weights and layers of a network made by `make` after the same seed. */
  function facts(make: () => Network, training: boolean) {
    clearNames();
    setRandomSeed(11);
    const network = make();
    const { graph } = traced(network, [[4, 28, 28, 1]], training);
    return {
      // Paths of weights differ: those of a list and a subclass begin with its name.
      graph: printGraph(graph).replace(/variable: [^,}]*\/(\w+\/\w+)/g, 'variable: $1'),
      weights: network.weights.map((weight) => weight.value()),
      layers: network.layers.map(({ name }) => name).filter((name) => name !== 'input_layer'),
      scopes: [...new Set(graph.nodes.map(({ scope }) => scope))],
    };
  }

  for (const training of [false, true]) {
    test(`give one graph, ${training ? 'in training' : 'in inference'}`, () => {
      const functional = facts(mnistNetwork, training);
      assert.equal(functional.weights.length, 8);
      const others = [() => mnistList(true), () => mnistList(false), () => new MnistSubclass()].map(
        (make) => facts(make, training),
      );
      // A subclass that skips dropout in inference has no node of it; a list has none either.
      for (const other of others) assert.deepEqual(other, functional);
    });
  }

  test('other seeds give other weights', () => {
    const kernelOf = (seed: number) => {
      setRandomSeed(seed);
      return mnistNetwork().weights[0]!.value();
    };
    assert.deepEqual(kernelOf(1), kernelOf(1));
    assert.notDeepEqual(kernelOf(1), kernelOf(2));
  });
});

describe('a functional network', () => {
  test('lists layers by depth, then by encounter, and weights in that order', () => {
    const a = Input({ shape: [4], name: 'a' });
    const b = Input({ shape: [4], name: 'b' });
    const late = layers.dense(3, { name: 'late' })(b);
    const early = layers.dense(3, { name: 'early' })(a);
    const deep = layers.dense(3, { name: 'deep' })(early);
    const outputs = layers.concatenate({ name: 'join' })([deep, late]);
    const network = new Network({ inputs: [a, b], outputs });
    assert.deepEqual(
      network.layers.map(({ name }) => name),
      ['a', 'early', 'b', 'deep', 'late', 'join'],
    );
    assert.deepEqual(
      network.weights.map(({ path }) => path),
      ['early', 'deep', 'late'].flatMap((name) => [`${name}/kernel`, `${name}/bias`]),
    );
    assert.deepEqual(network.inputSpecs, [
      { name: 'a', shape: [null, 4], dtype: 'float32' },
      { name: 'b', shape: [null, 4], dtype: 'float32' },
    ]);
    assert.deepEqual(network.outputNames, ['join']);
  });

  test('has several outputs, shares layers, and keeps inputs nobody reads', () => {
    const [a, b, unused] = [Input({ shape: [4] }), Input({ shape: [4] }), Input({ shape: [2] })];
    const shared = layers.dense(3, { name: 'shared' });
    const network = new Network({ inputs: [a, b, unused], outputs: [shared(a), shared(b)] });
    assert.equal(network.weights.length, 2);
    assert.ok(network.layers.includes(network.getLayer({ name: 'shared' })));
    const { graph, outputs } = traced(network, [
      [1, 4],
      [1, 4],
      [1, 2],
    ]);
    assert.equal(outputs.length, 2);
    const given = { x0: [1, 2, 3, 4], x1: [1, 2, 3, 4], x2: [0, 0] };
    const { find } = evaluate(graph, given, (variable) => (variable as Variable).data);
    assert.deepEqual(find(outputs[0]!).data, find(outputs[1]!).data);
  });

  test('can begin in the middle of another', () => {
    const whole = mnistNetwork();
    const pooled = whole.getLayer({ name: 'max_pooling2d_1' }).output;
    const front = new Network({ inputs: whole.inputs[0]!, outputs: pooled });
    const back = new Network({ inputs: pooled, outputs: whole.outputs[0]! });
    assert.equal(front.weights.length, 4);
    assert.equal(back.weights.length, 4);
    assert.equal(front.weights[0], whole.weights[0]);
    assert.deepEqual(traced(front, [[2, 28, 28, 1]]).outputs[0]!.shape, [2, 5, 5, 64]);
    assert.deepEqual(traced(back, [[2, 5, 5, 64]]).outputs[0]!.shape, [2, 10]);
  });

  test('of 20,000 layers', () => {
    let x = Input({ shape: [2] });
    const inputs = x;
    for (let i = 0; i < 20_000; i++) x = layers.identity()(x);
    assert.equal(new Network({ inputs, outputs: x }).layers.length, 20_001);
  });
});

describe('a network in a network', () => {
  const head = () =>
    new Network({
      layers: [Input({ shape: [4] }), layers.dense(3, { kernelRegularizer: 'l2' })],
      name: 'head',
    });

  test('is a layer: called twice, frozen, its weights once', () => {
    const inner = head();
    const inputs = Input({ shape: [4] });
    const outputs = layers.add()([inner(inputs), inner(inputs)]);
    const network = new Network({ inputs, outputs });
    assert.equal(network.weights.length, 2);
    const { graph } = traced(network, [[2, 4]]);
    assert.ok(graph.nodes.some(({ scope }) => scope === 'head/dense'));
    inner.trainable = false;
    assert.equal(network.trainableWeights.length, 0);
  });

  test('with several outputs gives a list', () => {
    const x = Input({ shape: [4] });
    const two = new Network({ inputs: x, outputs: [layers.dense(1)(x), layers.dense(2)(x)] });
    const inputs = Input({ shape: [4] });
    assert.throws(() => two(inputs), { code: 'UNSUPPORTED' });
    const [a, b] = two.outputsOf(inputs);
    const network = new Network({ inputs, outputs: layers.concatenate()([a!, b!]) });
    assert.deepEqual(traced(network, [[5, 4]]).outputs[0]!.shape, [5, 3]);
  });

  test('goes through its config, functional ones counted from call 1', () => {
    const x = Input({ shape: [4] });
    const inner = new Network({ inputs: x, outputs: layers.dense(4)(x), name: 'inner' });
    const inputs = Input({ shape: [4] });
    const network = new Network({ inputs, outputs: inner(inner(inputs)) });
    const stored = JSON.parse(JSON.stringify(serializeLayer(network)));
    assert.deepEqual(stored.config.output_layers, ['inner', 2, 0]);
    const twin = layerFromConfig(stored);
    assert.deepEqual(JSON.parse(JSON.stringify(serializeLayer(twin))), stored);
    assert.equal(twin.weights.length, 2);
  });
});

describe('a list of layers', () => {
  test('is built as it grows once its input is known', () => {
    const list = new List();
    list.add(Input({ shape: [4] }));
    assert.equal(list.built, false);
    list.add(layers.dense(3));
    assert.equal(list.built, true);
    list.add(layers.dense(2));
    assert.deepEqual(list.output.shape, [null, 2]);
    assert.equal(list.weights.length, 4);
    assert.equal(list.pop().name, 'dense_1');
    assert.deepEqual(list.output.shape, [null, 3]);
    list.add(layers.dense(7));
    assert.deepEqual(traced(list, [[2, 4]]).outputs[0]!.shape, [2, 7]);
  });

  test('without an input is built by the first shape it sees', () => {
    const list = new List([layers.dense(3), layers.dense(2)]);
    assert.equal(list.inputSpecs, undefined);
    assert.deepEqual(list.weights, []);
    list.build([null, 4]);
    assert.deepEqual(list.inputSpecs![0]!.shape, [null, 4]);
    assert.equal(list.weights.length, 4);
    assert.deepEqual(
      list.layers.map(({ name }) => name),
      ['dense', 'dense_1'],
    );
    assert.deepEqual(list.config().build_input_shape, [null, 4]);
  });

  test('as the front of a functional network is built by the call', () => {
    const inputs = Input({ shape: [4] });
    const list = new List([layers.dense(3)]);
    const network = new Network({ inputs, outputs: list(inputs) });
    assert.equal(network.weights.length, 2);
  });
});

describe('a subclass', () => {
  test('is built by shapes, with paths under its name', () => {
    class Two extends Network {
      static override readonly className = 'Two';
      readonly left = layers.dense(2);
      readonly right = layers.dense(2);
      readonly join = layers.add();
      override call([a, b]: readonly Value[]): readonly Value[] {
        return [this.join([this.left(a!), this.right(b!)]), this.left(b!)];
      }
    }
    const network = new Two();
    assert.equal(network.kind, 'subclass');
    assert.equal(network.inputSpecs, undefined);
    network.build([
      [null, 3],
      [null, 3],
    ]);
    assert.deepEqual(
      network.weights.map(({ path }) => path),
      ['two/dense/kernel', 'two/dense/bias', 'two/dense_1/kernel', 'two/dense_1/bias'],
    );
    assert.deepEqual(network.outputNames, ['output_0', 'output_1']);
    assert.deepEqual(
      network.inputSpecs!.map(({ name, shape }): [string, PartialShape] => [name, shape]),
      [
        ['input_0', [null, 3]],
        ['input_1', [null, 3]],
      ],
    );
  });
});

describe('networks refuse', () => {
  const rows: [message: RegExp, refused: () => unknown][] = [
    [
      /^\[Functional "functional"\] outputs must depend on the given inputs alone, received input "b"\. Give "b" among the inputs\.$/,
      () => {
        const [a, b] = [Input({ shape: [2], name: 'a' }), Input({ shape: [2], name: 'b' })];
        return new Network({ inputs: a, outputs: layers.add()([a, b]) });
      },
    ],
    [
      /^\[Functional "functional"\] names of layers must differ, received "d" twice\./,
      () => {
        const inputs = Input({ shape: [2] });
        const x = layers.dense(2, { name: 'd' })(inputs);
        return new Network({ inputs, outputs: layers.dense(2, { name: 'd' })(x) });
      },
    ],
    [
      /^\[Functional "functional"\] outputs must be one or more different symbolic tensors/,
      () => new Network({ inputs: Input({ shape: [2] }) }),
    ],
    [
      /^\[Sequential "sequential"\] names of layers must differ/,
      () => new List([layers.dense(2, { name: 'd' }), layers.dense(2, { name: 'd' })]),
    ],
    [
      /^\[Sequential "sequential"\] layer must be a layer, .* received 3\./,
      () => new List([3 as never]),
    ],
    [
      /^\[Sequential "sequential"\] a model that is built must have layers/,
      () => new List().build([null, 1]),
    ],
    [
      /^\[Sequential "sequential"\] a model that loses a layer must have one/,
      () => new List().pop(),
    ],
    [
      /^\[Sequential "sequential"\] input must be given once/,
      () => new List([Input({ shape: [2] }), layers.dense(1), Input({ shape: [2] })]),
    ],
    [
      /^\[Functional "functional"\] layer must be one of input_layer, rescaling, .* received "conv9"\.$/,
      () => mnistNetwork().getLayer({ name: 'conv9' }),
    ],
    [
      /^\[Functional "functional"\] input must be of shape \(None, 28, 28, 1\), received \(2, 28, 28, 3\)\.$/,
      () => traced(mnistNetwork(), [[2, 28, 28, 3]]),
    ],
    [
      /^\[Network "network"\] a model without inputs, outputs or layers must have a method call/,
      () => new Network().build([null, 1]),
    ],
    [
      /^\[config of "m"\] calls of layers must be free of loops and missing inputs, received "loop"\.$/,
      () =>
        layerFromConfig({
          class_name: 'Functional',
          config: {
            name: 'm',
            layers: [
              {
                class_name: 'Identity',
                name: 'loop',
                config: { name: 'loop' },
                inbound_nodes: [
                  { args: [{ config: { keras_history: ['loop', 0, 0] } }], kwargs: {} },
                ],
              },
            ],
            input_layers: ['loop', 0, 0],
            output_layers: ['loop', 0, 0],
          },
        }),
    ],
    [
      /^\[config of "m"\] layer must be one of i, received "gone"\.$/,
      () =>
        layerFromConfig({
          class_name: 'Functional',
          config: {
            name: 'm',
            layers: [
              {
                class_name: 'InputLayer',
                name: 'i',
                config: { batch_shape: [null, 2], name: 'i' },
              },
            ],
            input_layers: ['i', 0, 0],
            output_layers: ['gone', 0, 0],
          },
        }),
    ],
  ];
  for (const [message, refused] of rows) {
    test(message.source.slice(0, 80), () => {
      assert.throws(refused, (error) => {
        assert.match((error as Error).message, message);
        return true;
      });
    });
  }
});
