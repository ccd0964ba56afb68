/** @file The benchmark's command: that everything runs, and what it prints. Numbers mean nothing here. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { coresOf, heldTo } from '../../bench/cores.ts';
import { contenders, type Figure, figureTables, joined } from '../../bench/figures.ts';
import type { Measurement } from '../../bench/job.ts';
import { multiplyAddsOf } from '../../bench/multiply_adds.ts';
import { networks, syntheticData } from '../../bench/networks.ts';
import { withTable } from '../../bench/page.ts';
import { root } from '../../bench/paths.ts';
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

  test('--json has what programs look for, in this order', () => {
    const [one] = json<object[]>('--only', 'mnist-cnn', '--threads', '1');
    const keys = Object.keys(one!);
    const first = ['name', 'batch', 'threads', 'node', 'arithmetic', 'revectorized', 'trainMs'];
    assert.deepEqual(keys.slice(0, first.length), first);
    assert.ok(keys.includes('inferMs') && keys.includes('epochMs'));
  });

  test('--matrix: one network under each Node, arithmetic, width of vectors and number of threads', () => {
    const node = ['--node', process.versions.node.split('.')[0]!];
    const { stdout, stderr, status } = bench('--matrix', '--threads', '1', ...node);
    assert.equal(status, 0, stderr);
    const [head, , ...rows] = stdout.trimEnd().split('\n');
    assert.match(
      head!,
      /^\| Node +\| arithmetic \| vectors +\| threads \| step, ms \|.* peak, MiB \|$/,
    );
    const kinds = rows.map((row) =>
      row
        .split('|')
        .slice(2, 5)
        .map((cell) => cell.trim())
        .join(' '),
    );
    const narrow = ['fused 128 bits 1', 'portable 128 bits 1'];
    // Where vectors are not joined, what would be measured without is the same, and is left out.
    assert.deepEqual([...new Set(kinds)], kinds);
    assert.deepEqual(
      narrow.filter((kind) => !kinds.includes(kind)),
      [],
    );
    assert.ok(rows.some((row) => row.includes(' 1.00 |')));
  });

  test('--matrix tells a Node that is not there', () => {
    const { stderr, status } = bench('--matrix', '--node', '19');
    assert.equal(status, 2);
    assert.match(stderr, /Node 19 is left out: it/);
  });

  test('--profile: a table kernel by kernel', () => {
    const { stdout, stderr, status } = bench('--profile', '--only', 'lenet5', '--threads', '2');
    assert.equal(status, 0, stderr);
    assert.match(stdout, /threads wait \d+\.\d % of it\. Peak of a core: \S+ GFLOP\/s\./);
    assert.match(
      stdout,
      /\| kernel +\| times \| +ms \| of step \| M multiply-adds \| GFLOP\/s \| +of peak \| wait before \|/,
    );
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

  test('--zeros', () => {
    const { stdout, stderr, status } = bench('--zeros', '--threads', '1');
    assert.equal(status, 0, stderr);
    assert.match(stdout, /\| x · w, 32 × 512 × 512 +(\| +\S+ ){5}\|/);
    assert.match(stdout, /\| random numbers +\| +\S+ \|/);
  });

  test('refuses what it does not know', () => {
    const { stderr, status } = bench('--only', 'alexnet');
    assert.equal(status, 2);
    assert.match(stderr, /"alexnet" is none of mnist-cnn, lenet5/);
    assert.equal(bench('--threads', '0').status, 2);
  });
});

describe('npm run bench:peers', () => {
  const peers = join(import.meta.dirname, '..', '..', 'bench', 'peers.js');
  const run = (...options: string[]) =>
    spawnSync(process.execPath, [peers, '--smoke', ...options], { encoding: 'utf8' });

  test('measures ours and a peer for each number of threads, and joins results of before', () => {
    const own = ['--peers', 'none', '--node', process.versions.node.split('.')[0]!];
    const first = run(
      '--only',
      'mnist-cnn',
      '--javascript',
      'onnxruntime-web',
      '--threads',
      '1',
      ...own,
    );
    assert.equal(first.status, 0, first.stderr);
    assert.match(first.stdout, /every side held to one thread on one processor/);
    assert.match(first.stdout, /### Training step, ms\n\n\| network, batch \| tsuno \|/);
    assert.match(
      first.stdout,
      /### Inference of a batch, ms\n\n\| network, batch \| +tsuno \| tsuno, `predict` \| +onnxruntime-web \|/,
    );
    const file = /Written to (\S+\.json)/.exec(first.stderr)![1]!;
    const second = run(
      '--only',
      'lenet5',
      '--javascript',
      'none',
      '--from',
      file,
      '--threads',
      '1',
      ...own,
    );
    assert.equal(second.status, 0, second.stderr);
    assert.match(second.stdout, /\| article, 1 /);
    assert.match(second.stdout, /\| lenet5, 1 /);
    for (const { stderr } of [first, second]) {
      const written = /Written to (\S+)\.json/.exec(stderr)![1]!;
      for (const ending of ['.json', '.md']) rmSync(written + ending);
    }
  });

  test('refuses what it does not know', () => {
    assert.match(run('--peers', 'caffe').stderr, /"caffe" is none of keras-tensorflow, /);
    assert.equal(run('--threads', 'two').status, 2);
  });
});

describe('its parts', () => {
  const figure = (peer: string, value: number, kind: Figure['kind'] = 'train'): Figure => {
    const common = { network: 'article', batch: 32, threads: 2, min: value, max: value };
    return { kind, peer, ...common, values: [value] };
  };

  test('figures of rounds are joined: the median, the least, the most', () => {
    const rounds = [3, 1, 2].map((value) => figure('jax', value));
    const [one] = joined(rounds);
    assert.deepEqual([one!.values, one!.min, one!.max], [[3, 1, 2], 1, 3]);
    const text = figureTables([...rounds, figure('tsuno', 0.5)]);
    assert.match(text, /\| article, 32 +\| 0\.500 \| 2\.00 \(1\.00–3\.00\) \| +4\.00 \|/);
  });

  test('a peer that is near in anything stays in the race', () => {
    const all = [figure('jax', 1), figure('keras', 1.4), figure('torch', 2), figure('tsuno', 0.1)];
    assert.deepEqual([...contenders(all, 'article', 2, 1.5)], ['jax', 'keras']);
    const good = [...all, figure('torch', 1, 'infer'), figure('jax', 9, 'infer')];
    assert.deepEqual([...contenders(good, 'article', 2, 1.5)].sort(), ['jax', 'keras', 'torch']);
    assert.deepEqual([...contenders(good, 'article', 1, 1.5)], []);
  });

  test('processors of a list', () => {
    assert.deepEqual(coresOf('0-2,5'), [0, 1, 2, 5]);
    assert.deepEqual(heldTo(undefined, 'node', ['a']), ['node', ['a']]);
    assert.deepEqual(heldTo(1e6, 'node', ['a']), ['node', ['a']]);
  });

  test('the page has a place for every table', () => {
    const page = readFileSync(join(root, 'docs', 'benchmarks.md'), 'utf8');
    const names = ['peers', 'peers, one thread', 'networks', 'versions of Node'] as const;
    for (const name of [...names, 'profile', 'scaling', 'streaming', 'zeros'] as const) {
      const written = withTable(page, name, 'a table');
      assert.ok(written.includes(`<!-- ${name}: begin -->\n\na table\n\n<!-- ${name}: end -->`));
    }
    assert.throws(() => withTable('', 'peers', ''), /no place for the table "peers"/);
  });

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

  test('the stop-watch takes rounds of many steps', async (t) => {
    let clock = 0; // ms
    t.mock.method(performance, 'now', () => clock);
    const asked: number[] = [];
    const timing = await timeSteps(
      async (steps) => {
        asked.push(steps);
        clock += steps / 16;
      },
      { warmUp: 5, round: 20, rounds: 4, budget: 1000, steps: 100 },
    );
    assert.deepEqual(timing, { min: 1 / 16, median: 1 / 16, max: 1 / 16 });
    // One step, warm up by quarters of a round, then rounds of 20 ms, which would be 320 steps: at most 100 are allowed.
    assert.deepEqual(asked, [1, 80, 100, 100, 100, 100]);
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
