/** @file The benchmark's command: that everything runs, and what it prints. Numbers mean nothing here. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { Measurement } from '../../bench/job.ts';
import { multiplyAddsOf } from '../../bench/multiply_adds.ts';
import { networks, syntheticData } from '../../bench/networks.ts';
import { measurePeak } from '../../bench/peak.ts';
import type { Profile } from '../../bench/profile.ts';
import type { ScalingRow } from '../../bench/scaling.ts';
import { Subject } from '../../bench/subject.ts';
import { digits, table } from '../../bench/tables.ts';
import { medianOf, timeSteps } from '../../bench/timing.ts';
import { WasmEngine } from '../../src/backends/wasm/engine.ts';
import { sizeOf } from '../../src/core/shape.ts';
import type { Layer } from '../../src/index.ts';
import type { Graph } from '../../src/ir/graph.ts';

function bench(...options: string[]) {
  const main = join(import.meta.dirname, '..', '..', 'bench', 'main.js');
  return spawnSync(process.execPath, [main, '--smoke', ...options], { encoding: 'utf8' });
}

function json<T>(...options: string[]): T {
  const { stdout, stderr, status } = bench('--json', ...options);
  assert.equal(status, 0, stderr);
  assert.equal(stdout.trimEnd().split('\n').length, 1);
  return JSON.parse(stdout) as T;
}

/** Each element of a kernel is used once for each pixel of the result. */
function multiplyAddsOfLayer(layer: Layer): number {
  const kernel = layer.weights.find((weight) => weight.shape.length > 1);
  if (!kernel) return 0;
  return kernel.size * sizeOf(layer.output.shape.slice(1, -1) as number[]);
}

describe('npm run bench', () => {
  test('--json prints one array with a number for everything', () => {
    const found = json<Measurement[]>('--only', 'lenet5', '--threads', '1,2');
    assert.deepEqual(
      found.map(({ name, threads }) => `${name} ${threads}`),
      ['lenet5 1', 'lenet5 2'],
    );
    for (const one of found) {
      assert.equal(one.node, process.versions.node);
      assert.equal(one.epochMs, null);
      const { trainMs, trainMsMin, trainMsMax, inferMs, firstStepMs, peakMb } = one;
      const all = [trainMs, trainMsMin, trainMsMax, inferMs, firstStepMs, peakMb];
      for (const { programMs, predictMs } of one.infer) all.push(programMs, predictMs);
      assert.ok(all.every((number) => number > 0) && all.length === 10, String(all));
    }
  });

  test('the default is tables; the whole job of mnist-cnn is among them', () => {
    const { stdout, stderr, status } = bench('--only', 'mnist-cnn', '--arithmetic', 'portable');
    assert.equal(status, 0, stderr);
    assert.match(stdout, /## Training\n\n\| network, batch +\|/);
    const row = stdout.split('\n').find((line) => line.startsWith('| mnist-cnn, 2'))!;
    const cells = row.split('|').map((cell) => cell.trim());
    assert.ok(
      cells.slice(2, -1).every((cell) => cell !== ''),
      row,
    );
    assert.match(stdout, /## Inference/);
  });

  test('--profile: kernels account for the step', () => {
    const [one, two] = json<Profile[]>('--profile', '--only', 'resnet20', '--threads', '1,2');
    for (const profile of [one!, two!]) {
      const { rows, stepMs, peak, multiplyAdds, threads, idle } = profile;
      const [forward, all] = [40_551_296 * 2, multiplyAdds];
      assert.ok(all > 2.5 * forward && all < 3.5 * forward, `${all} multiply-adds`);
      assert.ok(peak > 0.1);
      const sum = rows.reduce((total, { ms }) => total + ms, 0);
      if (threads === 1) assert.ok(sum > 0.5 * stepMs && sum <= stepMs, `${sum} of ${stepMs}`);
      assert.ok(idle >= 0 && idle < 1, `${idle} idle`);
    }
  });

  test('--scaling', () => {
    const rows = json<ScalingRow[]>('--scaling', '--threads', '1');
    const series = rows.map(({ series, value }) => `${series} ${value}`);
    assert.deepEqual(series, [
      'batch 16',
      'batch 32',
      'image area 16 × 16',
      'image area 16 × 32',
      'channels 16 and 32',
      'channels 32 and 64',
    ]);
    assert.equal(rows[1]!.multiplyAdds, 2 * rows[0]!.multiplyAdds);
  });

  test('--streaming', () => {
    const { stdout, stderr, status } = bench('--streaming', '--threads', '1');
    assert.equal(status, 0, stderr);
    for (const from of ['memory', 'IDX files', 'a generator'])
      assert.match(stdout, new RegExp(`\\| ${from} +\\| +\\S+ \\| +\\S+ \\| +\\d+\\.\\d\\d \\|`));
  });

  test('refuses what it does not know', () => {
    const { stderr, status } = bench('--only', 'alexnet');
    assert.equal(status, 2);
    assert.match(stderr, /"alexnet" is none of mnist-cnn, lenet5/);
    assert.equal(bench('--threads', '0').status, 2);
  });
});

describe('its parts', () => {
  test('every network takes its data and ends with ten classes', () => {
    for (const [name, network] of Object.entries(networks)) {
      const { images, labels } = syntheticData(network, 3);
      const model = network.build();
      assert.deepEqual(model.inputs[0]!.shape.slice(1), images.shape.slice(1), name);
      assert.deepEqual(model.outputs[0]!.shape, [null, 10], name);
      assert.ok(labels.data.every((label) => label < 10));
    }
  });

  test('multiply-adds are those of the layers and their gradients', async () => {
    const engine = await WasmEngine.start({ threads: 1 });
    engine.dispose();
    const count = (graph: Graph) =>
      engine.plan(graph).kernels.reduce((sum, { node }) => sum + multiplyAddsOf(node), 0);
    for (const [name, network] of Object.entries(networks)) {
      const batch = 4;
      const { images, labels } = syntheticData(network, batch);
      const model = network.build();
      const each = model.layers.map(multiplyAddsOfLayer);
      const layers = batch * each.reduce((sum, number) => sum + number, 0);
      const forward = count(Subject.predictGraph(model, images, labels, batch));
      // Outputs that no pooling window covers need not be computed.
      const least = name === 'mnist-cnn' ? 0.7 * layers : layers;
      assert.ok(forward >= least && forward <= layers, `${name}: ${forward} of ${layers}`);
      const optimizer = network.optimizer();
      const all = count(Subject.trainGraph(model, images, labels, optimizer, batch));
      // Both gradients of each layer, but for the images'; behind ReLU and pooling one output in four has one.
      const dense = 3 * layers - batch * (each.find((number) => number > 0) ?? 0);
      const [some, most] = name === 'mnist-cnn' ? [0.35 * dense, 0.45 * dense] : [dense, dense];
      assert.ok(all >= some && all <= most, `${name}: ${all} of ${dense}`);
    }
  });

  test('the stop-watch takes rounds of many steps', async () => {
    const asked: number[] = [];
    const timing = await timeSteps(
      async (steps) => {
        asked.push(steps);
        const until = performance.now() + steps * 0.05;
        while (performance.now() < until);
      },
      { warmUp: 5, round: 20, rounds: 4, budget: 1000, steps: 100 },
    );
    assert.ok(timing.min <= timing.median && timing.median <= timing.max);
    assert.equal(asked[0], 1);
    assert.ok(asked.length >= 5 && asked.at(-1)! > 1, String(asked));
  });

  test('medians, tables, digits', () => {
    assert.equal(medianOf([3, 1, 2]), 2);
    assert.equal(medianOf([4, 1, 3, 2]), 2.5);
    assert.equal(table(['a', 'ms'], [['x', '1']]), '| a   |  ms |\n| --- | --: |\n| x   |   1 |');
    assert.deepEqual([1234.5, 12.34, 1.234, 0.1234].map(digits), ['1235', '12.3', '1.23', '0.123']);
  });

  test('the peak of this core is more than scalar arithmetic gives', async () => {
    assert.ok((await measurePeak('portable', 1, 2)) > 0.5);
  });
});
