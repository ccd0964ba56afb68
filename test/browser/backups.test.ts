/**
 * @file fit 61: a run in a page, its tab closed in mid-training, goes on in another tab to the bits of the run that nobody
 * closed; a second tab is refused meanwhile.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { type RunningServer, serveDemo } from '../../demo/server.ts';
import { launch, noChromium } from './chromium.ts';

/** What a page does: trains, perhaps with backups, perhaps stopping for ever at a step. */
interface Task {
  backups: boolean;
  hangAfter: number;
}

/** Runs in the page. @returns weights and history, or the message of the error. */
async function trainInPage({ backups, hangAfter }: Task): Promise<string> {
  const { tsuno } = globalThis as unknown as { tsuno: typeof import('../../src/index.ts') };
  const { callbacks, Input, layers, Sequential, setRandomSeed, Tensor } = tsuno;
  setRandomSeed(3);
  const images = new Tensor('float32', [64, 6, 6, 1]);
  const labels = new Tensor('uint8', [64]);
  for (let i = 0; i < images.size; i++) images.data[i] = ((i * 7919) % 101) / 101;
  for (let i = 0; i < 64; i++) labels.data[i] = i % 3;
  const model = new Sequential([
    Input({ shape: [6, 6, 1] }),
    layers.conv2d(4, 3, { activation: 'relu' }),
    layers.flatten(),
    layers.dropout(0.3),
    layers.dense(3, { activation: 'softmax' }),
  ]);
  model.compile({ optimizer: 'adam', loss: 'sparse_categorical_crossentropy' });
  let steps = 0;
  const hang = new callbacks.LambdaCallback({
    onTrainBatchEnd: async () => {
      if (++steps < hangAfter) return;
      document.title = 'hanging';
      await new Promise(() => undefined);
    },
  });
  const store = () =>
    new callbacks.BackupAndRestore(new callbacks.OriginStore('test'), { saveFreq: 5 });
  try {
    const { history } = await model.fit(images, labels, {
      epochs: 4,
      batchSize: 8,
      seed: 2,
      verbose: 0,
      callbacks: [...(hangAfter > 0 ? [hang] : []), ...(backups ? [store()] : [])],
    });
    return JSON.stringify([history, model.getWeights().map(({ data }) => [...data])]);
  } catch (error) {
    return String(error);
  }
}

describe('fit 61: backups in a page', { skip: noChromium }, () => {
  let server: RunningServer;
  let browser: Browser;
  let context: BrowserContext;

  before(async () => {
    [server, browser] = await Promise.all([serveDemo({ port: 0 }), launch()]);
    context = await browser.newContext();
  });
  after(async () => {
    await browser?.close();
    await server?.close();
  });

  async function tab(): Promise<Page> {
    const page = await context.newPage();
    await page.goto(server.url);
    // As text: the compiler would rewrite an import that only the page can do.
    await page.evaluate(
      "import('/dist/bundle/tsuno.js').then((all) => void (globalThis.tsuno = all))",
    );
    return page;
  }

  test('a tab that is closed loses nothing; a second one is refused', async () => {
    const first = await tab();
    const whole = await first.evaluate(trainInPage, { backups: false, hangAfter: 0 });
    assert.match(whole, /^\[\{"loss":\[/);
    const closed = first.evaluate(trainInPage, { backups: true, hangAfter: 13 }).catch(() => '');
    await first.waitForFunction(() => document.title === 'hanging', undefined, { timeout: 60_000 });
    const second = await tab();
    const refused = await second.evaluate(trainInPage, { backups: true, hangAfter: 0 });
    assert.match(refused, /a run in another tab/);
    await first.close();
    await closed;
    const resumed = await second.evaluate(trainInPage, { backups: true, hangAfter: 0 });
    assert.equal(resumed, whole);
    const names = await second.evaluate(async () => {
      const root = await navigator.storage.getDirectory();
      const folder = await root.getDirectoryHandle('tsuno-test');
      const found: string[] = [];
      for await (const name of folder.keys()) found.push(name);
      return found;
    });
    assert.deepEqual(names, []);
  });
});
