/** @file The base class: calls, names, weights, layers inside layers, penalties, modes. */
import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { evaluate } from '../../src/backends/reference/evaluate.ts';
import { clearNames } from '../../src/core/names.ts';
import type { PartialShape } from '../../src/core/shape.ts';
import { tensor } from '../../src/core/tensor.ts';
import { Graph, type Value } from '../../src/ir/graph.ts';
import { printGraph } from '../../src/ir/print.ts';
import * as layers from '../../src/layers/index.ts';
import { type CallContext, Layer } from '../../src/layers/layer.ts';
import { isRegistered, layerFromConfig, registerLayer } from '../../src/layers/registry.ts';
import { Trace, tracing } from '../../src/layers/trace.ts';
import type { Variable } from '../../src/layers/variable.ts';
import { add, input, mul, reduceSum, scalar } from '../../src/ops/index.ts';
import { Input } from '../../src/topology/input.ts';

beforeEach(clearNames);

/** Calls `body` in a trace with an input [2, 3]. */
function trace<T>(body: (x: Value, trace: Trace) => T, training = false) {
  const graph = new Graph();
  const x = input(graph, 'x', [2, 3]);
  const randomness = { seed: scalar(x, 1, 'int32'), step: scalar(x, 2, 'int32') };
  const open = new Trace(graph, training, randomness);
  return { graph, trace: open, result: tracing(open, () => body(x, open)) };
}

const elementsOf = (graph: Graph, value: Value, x = [1, 2, 3, 4, 5, 6]) =>
  Array.from(evaluate(graph, { x }, (variable) => (variable as Variable).data).find(value).data);

/** Weights of its own, layers in a property, a list and an object. */
class Block extends Layer {
  static readonly className = 'Block';
  readonly first = layers.dense(4, { name: 'first' });
  readonly list = [layers.dense(4, { name: 'second' }), layers.dropout(0.5)];
  readonly more = { last: layers.batchNormalization({ name: 'last' }) };
  offset!: Variable;
  still!: Variable;

  override build(inputShape: PartialShape): void {
    this.still = this.addWeight({ name: 'still', shape: [2], trainable: false });
    this.offset = this.addWeight({ name: 'offset', shape: [inputShape.at(-1)!] });
  }

  override call(x: Value, { training }: CallContext): Value {
    let y = this.first(add(x, this.read(this.offset)));
    for (const layer of this.list) y = layer(y);
    assert.equal(typeof training, 'boolean');
    return this.more.last(y);
  }
}

describe('a layer', () => {
  test('is a function and an instance of its class', () => {
    const layer = layers.dense(4);
    assert.equal(typeof layer, 'function');
    assert.ok(layer instanceof layers.Dense && layer instanceof Layer);
    assert.equal(layer.name, 'dense');
    assert.equal(layers.dense(4).name, 'dense_1');
    assert.equal(layer(Input({ shape: [3] })).shape[1], 4);
  });

  test('notes every call on symbolic tensors', () => {
    const [a, b] = [Input({ shape: [3] }), Input({ shape: [3] })];
    const shared = layers.dense(2);
    const first = shared(a);
    const second = shared(b, { training: false });
    assert.equal(shared.inboundNodes.length, 2);
    assert.deepEqual([first.history.node, second.history.node], [0, 1]);
    assert.equal(second.node.inputs[0], b);
    assert.deepEqual(second.node.options, { training: false });
    assert.equal(shared.output, first);
    assert.equal(shared.weights.length, 2);
  });

  test('builds once, and its nodes carry its name', () => {
    const layer = layers.dense(2, { name: 'head' });
    const { graph } = trace((x) => layer(add(layer(x), 0) && x));
    assert.equal(layer.weights.length, 2);
    assert.match(printGraph(graph), /matmul\(.*# head$/m);
  });

  test('turns bytes into floats where it computes, and keeps them where it moves', () => {
    const graph = new Graph();
    const bytes = input(graph, 'b', [1, 2, 2, 1], 'uint8');
    tracing(new Trace(graph, false), () => {
      assert.equal(layers.flatten()(bytes).dtype, 'uint8');
      assert.equal(layers.conv2d(1, 1)(bytes).dtype, 'float32');
      assert.equal(layers.rescaling(2)(bytes).dtype, 'float32');
    });
    const symbolic = Input({ shape: [2, 2, 1], dtype: 'uint8' });
    assert.equal(layers.flatten()(symbolic).dtype, 'uint8');
    assert.equal(layers.rescaling(2)(symbolic).dtype, 'float32');
  });
});

describe('a layer with layers inside', () => {
  test('finds them in the order of assignment, its own weights first, trainable before the others', () => {
    const block = new Block();
    block.build([null, 3]);
    const y = block(Input({ shape: [3] }));
    assert.deepEqual(y.shape, [null, 4], 'the shape is found by tracing');
    assert.deepEqual(
      block.weights.map(({ path }) => path),
      [
        'block/offset',
        'block/still',
        'block/first/kernel',
        'block/first/bias',
        'block/second/kernel',
        'block/second/bias',
        'block/last/gamma',
        'block/last/beta',
        'block/last/moving_mean',
        'block/last/moving_variance',
      ],
    );
    assert.equal(block.trainableWeights.length, 7);
    assert.equal(block.nonTrainableWeights.length, 3);
    assert.equal(block.countParams(), 3 + 2 + 16 + 20 + 16);
  });

  test('is frozen with all inside, and thawed', () => {
    const block = new Block({ trainable: false });
    block(Input({ shape: [3] }));
    assert.equal(block.trainableWeights.length, 0);
    assert.equal(block.nonTrainableWeights.length, 10);
    block.trainable = true;
    assert.equal(block.trainableWeights.length, 7);
    block.first.trainable = false;
    assert.equal(block.trainableWeights.length, 5);
  });

  test('hands the mode down, unless a call says otherwise', () => {
    class Modes extends Layer {
      readonly seen: boolean[] = [];
      override call(x: Value, { training }: CallContext): Value {
        this.seen.push(training);
        return x;
      }
    }
    class Outer extends Layer {
      readonly inner = new Modes();
      override call(x: Value): Value {
        return this.inner(this.inner(x), { training: false });
      }
    }
    const outer = new Outer();
    trace((x) => outer(outer(x), { training: false }), true);
    assert.deepEqual(outer.inner.seen, [true, false, false, false]);
  });

  test('scopes are joined: outer/inner', () => {
    const { graph } = trace((x) => new Block()(x), true);
    assert.ok(graph.nodes.some(({ scope }) => scope === 'block/second'));
  });
});

describe('penalties', () => {
  test('of a weight once a trace, of the output at every call, divided by the batch', () => {
    const layer = layers.dense(1, {
      kernelInitializer: 'ones',
      kernelRegularizer: 'l2',
      activityRegularizer: (y) => reduceSum(y),
    });
    const { graph, trace: open } = trace((x) => [layer(x), layer(x)]);
    const losses = open.losses.map((loss) => elementsOf(graph, loss)[0]!);
    assert.equal(losses.length, 3);
    [10.5, 0.03, 10.5].forEach((expected) => {
      assert.ok(
        losses.some((loss) => Math.abs(loss - expected) < 1e-6),
        `${losses}`,
      );
    });
  });

  test('of frozen weights none', () => {
    const layer = layers.dense(1, { kernelRegularizer: 'l2', trainable: false });
    assert.equal(trace((x) => layer(x)).trace.losses.length, 0);
  });

  test('a layer of yours adds its own', () => {
    class Costly extends Layer {
      override call(x: Value): Value {
        this.addLoss(reduceSum(x));
        return x;
      }
    }
    const { graph, trace: open } = trace((x) => new Costly()(x));
    assert.deepEqual(elementsOf(graph, open.losses[0]!), [21]);
  });
});

describe('batch normalization', () => {
  test('moves its statistics in training, not when frozen or predicting', () => {
    const layer = layers.batchNormalization({ momentum: 0.9 });
    const training = trace((x) => layer(x), true);
    assert.equal(training.graph.updates.size, 2);
    const { updates } = evaluate(training.graph, { x: [1, 2, 3, 5, 6, 7] }, (variable) => {
      return (variable as Variable).data;
    });
    const after = updates.get(layer.movingMean)!.data;
    [0.3, 0.4, 0.5].forEach((expected, i) => {
      assert.ok(Math.abs(after[i]! - expected) < 1e-6);
    });
    assert.equal(trace((x) => layer(x)).graph.updates.size, 0);
    layer.trainable = false;
    assert.equal(trace((x) => layer(x), true).graph.updates.size, 0);
  });
});

describe('dropout', () => {
  test('keeps and scales the kept, differently at each call and alike in each trace', () => {
    const layer = layers.dropout(0.5);
    const run = () => {
      const { graph, result } = trace((x) => [layer(x), layer(x)] as const, true);
      return result.map((value) => elementsOf(graph, value));
    };
    const [first, second] = run();
    assert.deepEqual(run(), [first, second]);
    assert.notDeepEqual(first, second);
    first!.forEach((y, i) => {
      assert.ok(y === 0 || y === 2 * (i + 1));
    });
  });

  test('a seed of its own makes it independent of the run', () => {
    const masks = [1, 2].map((seed) => {
      const graph = new Graph();
      const x = input(graph, 'x', [1, 64]);
      const open = new Trace(graph, true, {
        seed: scalar(x, seed, 'int32'),
        step: scalar(x, 0, 'int32'),
      });
      const values = tracing(open, () => [
        layers.dropout(0.5, { seed: 3 })(x),
        layers.dropout(0.5)(x),
      ]);
      return values.map((value) => elementsOf(graph, value, new Array(64).fill(1)));
    });
    assert.deepEqual(masks[0]![0], masks[1]![0]);
    assert.notDeepEqual(masks[0]![1], masks[1]![1]);
  });

  test('normal noise has mean 0 and variance 1', () => {
    const { graph, result } = trace((_, open) => open.normal([100, 100]), true);
    const numbers = elementsOf(graph, result);
    const mean = numbers.reduce((sum, x) => sum + x, 0) / numbers.length;
    const variance = numbers.reduce((sum, x) => sum + (x - mean) ** 2, 0) / numbers.length;
    assert.ok(Math.abs(mean) < 4 / 100, `${mean}`);
    assert.ok(Math.abs(variance - 1) < 4 * Math.sqrt(2 / 10_000), `${variance}`);
    assert.ok(numbers.every(Number.isFinite));
  });
});

describe('the registry', () => {
  test('makes layers of yours only when they were registered', () => {
    class Doubling extends Layer {
      static readonly className = 'Doubling';
      override call(x: Value): Value {
        return mul(x, 2);
      }
    }
    const given = { class_name: 'Doubling', config: { name: 'twice', trainable: true } };
    assert.throws(() => layerFromConfig(given), { code: 'UNSUPPORTED_LAYER' });
    assert.equal(isRegistered(new Doubling()), false);
    registerLayer(Doubling);
    assert.equal(isRegistered(new Doubling()), true);
    const layer = layerFromConfig(given);
    assert.ok(layer instanceof Doubling);
    assert.equal(layer.name, 'twice');
  });

  test('a subclass of a layer is not taken for it', () => {
    class Special extends layers.Dense {}
    assert.equal(isRegistered(new Special({ units: 1 })), false);
    assert.equal(new Special({ units: 1 }).className, 'Special');
  });

  test('knows Keras’s second names', () => {
    const layer = layerFromConfig({ class_name: 'MaxPool2D', config: { pool_size: [3, 3] } });
    assert.equal(layer.className, 'MaxPooling2D');
  });
});

test('normalization takes its statistics from data', () => {
  const layer = layers.normalization({ axis: 1 });
  layer.adapt(
    tensor([
      [0, 7, 1],
      [2, 9, 1],
    ]),
  );
  assert.deepEqual(
    layer.getWeights().map((weight) => weight.toArray()),
    [[1, 8, 1], [1, 1, 0], 2],
  );
  assert.throws(() => layers.normalization({ mean: 1, variance: 2 }).adapt(tensor([[1]])), {
    code: 'STATE',
  });
});
