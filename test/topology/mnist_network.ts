/** @file The article's network, written in each of the three ways. */
import type { Value } from '../../src/ir/graph.ts';
import * as layers from '../../src/layers/index.ts';
import type { CallContext } from '../../src/layers/layer.ts';
import { Input } from '../../src/topology/input.ts';
import { Network } from '../../src/topology/network.ts';

const blocks = [32, 64, 128] as const;

/** Functional. */
export function mnistNetwork(): Network {
  const inputs = Input({ shape: [28, 28, 1] });
  let x = layers.rescaling(1 / 255)(inputs);
  for (const filters of blocks) {
    x = layers.conv2d(filters, 3, { activation: 'relu' })(x);
    x = layers.maxPooling2d(2)(x);
  }
  x = layers.flatten()(x);
  x = layers.dropout(0.5)(x);
  const outputs = layers.dense(10, { activation: 'softmax' })(x);
  return new Network({ inputs, outputs });
}

/** A list; `begun` says whether it begins with an input. */
export function mnistList(begun: boolean): Network {
  return new Network({
    layers: [
      ...(begun ? [Input({ shape: [28, 28, 1] })] : []),
      layers.rescaling(1 / 255),
      ...blocks.flatMap((filters) => [
        layers.conv2d(filters, 3, { activation: 'relu' }),
        layers.maxPooling2d(2),
      ]),
      layers.flatten(),
      layers.dropout(0.5),
      layers.dense(10, { activation: 'softmax' }),
    ],
  });
}

/** A subclass; its layers stand in properties, some in a list. */
export class MnistSubclass extends Network {
  static override readonly className = 'MnistSubclass';
  readonly scale = layers.rescaling(1 / 255);
  readonly stages = blocks.map((filters) => ({
    conv: layers.conv2d(filters, 3, { activation: 'relu' }),
    pool: layers.maxPooling2d(2),
  }));
  readonly flatten = layers.flatten();
  readonly dropout = layers.dropout(0.5);
  readonly classify = layers.dense(10, { activation: 'softmax' });

  override call(inputs: Value, { training }: CallContext): Value {
    let x = this.scale(inputs);
    for (const { conv, pool } of this.stages) x = pool(conv(x));
    x = this.flatten(x);
    if (training) x = this.dropout(x);
    return this.classify(x);
  }
}
