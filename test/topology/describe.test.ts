/** @file What networks say of themselves, against the tables that Keras printed of the same networks. */
import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { clearNames } from '../../src/core/names.ts';
import type { Value } from '../../src/ir/graph.ts';
import * as layers from '../../src/layers/index.ts';
import { describeNetwork } from '../../src/model/describe.ts';
import { summaryText } from '../../src/plots/summary.ts';
import { Input } from '../../src/topology/input.ts';
import { Network } from '../../src/topology/network.ts';
import { goldenText } from '../support/golden_text.ts';
import { mnistNetwork } from './mnist_network.ts';

beforeEach(clearNames);

const golden = (file: string) => `${goldenText(`summary_${file}.txt`).trimEnd()}\n`;

function branchy(): Network {
  const inputs = Input({ shape: [8, 8, 3] });
  const a = layers.conv2d(4, 3, { padding: 'same' })(inputs);
  const b = layers.conv2d(4, 1)(inputs);
  const sum = layers.add()([a, b]);
  const joined = layers.concatenate()([sum, a]);
  const head = new Network({
    layers: [Input({ shape: [8, 8, 8] }), layers.conv2d(2, 1)],
    name: 'head',
  });
  const outputs = layers.globalAveragePooling2d()(head(joined));
  const network = new Network({ inputs, outputs, name: 'branchy' });
  network.getLayer({ name: 'conv2d' }).trainable = false;
  return network;
}

test('the article’s network', () => {
  assert.equal(summaryText(describeNetwork(mnistNetwork())), golden('functional'));
});

test('branches, a frozen layer, a network in the network', () => {
  const options = { expandNested: true, showTrainable: true };
  assert.equal(summaryText(describeNetwork(branchy()), options), golden('branches_nested'));
});

test('a list of layers that is not built', () => {
  const network = new Network({ layers: [layers.dense(3), layers.dense(2)] });
  assert.equal(summaryText(describeNetwork(network)), golden('unbuilt'));
});

describe('a subclass', () => {
  class Small extends Network {
    static override readonly className = 'Small';
    readonly conv = layers.conv2d(4, 3);
    readonly pool = layers.maxPooling2d(2);
    readonly dense = layers.dense(2);
    override call(x: Value): Value {
      return this.dense(layers.flatten({ name: 'inside' })(this.pool(this.conv(x))));
    }
  }

  test('knows its layers and, once built, their shapes', () => {
    const network = new Small();
    assert.equal(network.built, false);
    assert.equal(describeNetwork(network).layers[0]!.outputShape, undefined);
    network.build([null, 8, 8, 1]);
    const description = describeNetwork(network);
    assert.deepEqual(
      description.layers.map(({ name, outputShape, parameters }) => [
        name,
        outputShape,
        parameters.count,
      ]),
      [
        ['conv2d', [null, 6, 6, 4], 40],
        ['max_pooling2d', [null, 3, 3, 4], 0],
        ['dense', [null, 2], 74],
      ],
    );
    assert.equal(description.kind, 'subclass');
    assert.equal(description.name, 'small');
    assert.deepEqual(description.outputShape, [null, 2]);
    assert.equal(description.parameters.count, 114);
  });
});
