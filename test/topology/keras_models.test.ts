/** @file Models as Keras writes them: read, with Keras's weights, they predict what Keras predicts, and write the same. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { evaluate } from '../../src/backends/reference/evaluate.ts';
import { Graph } from '../../src/ir/graph.ts';
import { layerFromConfig } from '../../src/layers/registry.ts';
import { Trace, tracing } from '../../src/layers/trace.ts';
import { input } from '../../src/ops/index.ts';
import { Network } from '../../src/topology/network.ts';
import { serializeLayer } from '../../src/topology/network_config.ts';
import { assertClose } from '../layers/run_case.ts';
import { trainingCases } from '../support/keras_cases.ts';

describe('models of Keras', () => {
  for (const given of trainingCases()) {
    test(given.name, () => {
      const network = layerFromConfig({ ...given.model, config: { ...given.model.config } });
      assert.ok(network instanceof Network);
      const { weights } = network;
      assert.deepEqual(
        weights.map(({ shape, trainable }) => ({ shape: [...shape], trainable })),
        given.weights.map(({ shape, trainable }) => ({ shape, trainable })),
      );
      assert.deepEqual(
        weights.map(({ path }) => path),
        given.weights.map(({ path }) => path),
      );
      network.setWeights(given.weights.map(({ after }) => after));
      assert.deepEqual(
        JSON.parse(JSON.stringify(serializeLayer(network).config)),
        given.model.config,
      );

      const x = given.steps[0]!.x;
      const graph = new Graph();
      const outputs = tracing(new Trace(graph, false), () =>
        network.trace([input(graph, 'x', x.shape, x.dtype)]),
      );
      assert.equal(outputs.length, 1);
      const [spec] = network.inputSpecs!;
      assert.deepEqual(spec!.shape.slice(1), [...x.shape.slice(1)]);
      const found = evaluate(graph, { x: x.data }, (variable) => {
        return weights.find((weight) => weight === variable)!.data;
      }).find(outputs[0]!);
      assertClose('prediction', found.data, given.predict, 1e-5, 1e-5);
    });
  }
});
