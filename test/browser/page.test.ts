/**
 * @file The demo page in a real browser: it trains to the same bits with and without threads as Node does, recognises
 * what is drawn, and stops when told.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { datasets } from 'tsuno';
import { type RunningServer, serveDemo } from '../../demo/server.ts';
import { partsOf, train } from '../../demo/training.ts';
import { launch, noChromium } from './chromium.ts';

/** Longest wait for a state of the page, in milliseconds; the machine may be busy. */
const patience = 60_000;

describe('the demo page', { skip: noChromium }, () => {
  let server: RunningServer;
  let browser: Browser;

  before(async () => {
    [server, browser] = await Promise.all([serveDemo({ port: 0 }), launch()]);
  });
  after(async () => {
    await browser?.close();
    await server?.close();
  });

  /** The page once it has its images; errors of its console fail the test that closes it. */
  async function open(query: string) {
    const page = await browser.newPage();
    const errors: string[] = [];
    const asked: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') errors.push(message.text());
    });
    page.on('pageerror', (error) => errors.push(String(error)));
    page.on('request', (request) => asked.push(request.url()));
    await page.goto(`${server.url}?${query}`);
    await reach(page, 'ready');
    const close = async () => {
      await page.close();
      assert.deepEqual(errors, []);
    };
    return { page, asked, close };
  }

  async function reach(page: Page, state: string): Promise<void> {
    await page.waitForFunction(
      (wanted) => [wanted, 'failed'].includes(document.documentElement.dataset.state!),
      state,
      { timeout: patience },
    );
    const found = await page.locator('html').getAttribute('data-state');
    assert.equal(found, state, (await page.textContent('#status')) ?? '');
  }

  /** Trains as the form says; the SHA-256 of the weights. */
  async function trained(page: Page): Promise<string> {
    await page.click('#start');
    await reach(page, 'trained');
    return (await page.locator('#fingerprint').getAttribute('title')) ?? '';
  }

  const images = 1000;
  const form = `epochs=2&batchSize=32&seed=7&images=${images}`;

  test('trains to the same bits with threads, without, and in Node', async () => {
    const { train: all } = await datasets.mnist.load({ only: 'train' });
    const many = await open(`${form}&threads=2`);
    const one = await open(`${form}&isolated=0`);
    const isolated = () => crossOriginIsolated;
    assert.deepEqual(
      [await many.page.evaluate(isolated), await one.page.evaluate(isolated)],
      [true, false],
    );
    for (const arithmetic of ['fused', 'portable'] as const) {
      const options = { epochs: 2, batchSize: 32, seed: 7, threads: 1, arithmetic };
      const { model, fingerprint } = await train(partsOf(all, images), options);
      model.close();
      for (const { page, threads } of [
        { ...many, threads: '2' },
        { ...one, threads: '1' },
      ]) {
        await page.selectOption('[name=arithmetic]', arithmetic);
        assert.equal(await trained(page), fingerprint, `${arithmetic}, ${threads} threads`);
        assert.equal(await page.textContent('#threads'), threads);
        assert.match((await page.textContent('#status')) ?? '', /^Trained: 50 steps in /);
      }
    }
    await Promise.all([many.close(), one.close()]);
  });

  test('loads its own files, tsuno, and no package that it does not need', async () => {
    const { asked, close } = await open('');
    const paths = asked.map((url) => new URL(url).pathname);
    assert.ok(asked.every((url) => url.startsWith(server.url)));
    const own = /^\/(dist\/(bundle|demo)\/.*|mnist\/.*|style\.css|icon\.svg|packages\/uplot\/.*)?$/;
    assert.deepEqual(
      paths.filter((path) => !own.test(path)),
      [],
    );
    await close();
  });

  test('recognises what is drawn, anew after each stroke', async () => {
    const { page, close } = await open('epochs=2&images=6000&seed=1&arithmetic=portable&threads=2');
    await draw(page, circle);
    assert.match((await page.textContent('#answer')) ?? '', /when the network is trained/);
    await trained(page);
    await answers(page, '0');
    await page.click('#clear');
    assert.equal(await page.textContent('#answer'), '');
    await draw(page, [
      [0.52, 0.15],
      [0.5, 0.85],
    ]);
    await answers(page, '1');
    const shown = await page.locator('#bars .value').allTextContents();
    const sum = shown.reduce((total, text) => total + Number.parseFloat(text), 0);
    assert.ok(shown.length === 10 && Math.abs(sum - 100) < 1, shown.join(' '));
    await close();
  });

  test('stops when told, with a network that works, and trains again', async () => {
    const { page, close } = await open('epochs=100&images=60000');
    await page.click('#start');
    await page.waitForFunction(() => document.querySelector('progress')!.value > 0, undefined, {
      timeout: patience,
    });
    await page.click('#stop');
    await reach(page, 'stopped');
    const status = (await page.textContent('#status')) ?? '';
    const steps = Number(/^Stopped after ([\d,]+) steps/.exec(status)?.[1]?.replaceAll(',', ''));
    assert.ok(steps > 0 && steps < 150_000, status);
    assert.match((await page.textContent('#accuracy')) ?? '', /^\d+\.\d\d %$/);
    await draw(page, circle);
    await page.waitForFunction(() => /^\d$/.test(document.querySelector('#answer')!.textContent!));

    await page.fill('[name=epochs]', '1');
    await page.fill('[name=images]', '500');
    assert.match(await trained(page), /^[0-9a-f]{64}$/);
    await close();
  });

  test('says what to allow where its policy forbids WebAssembly', async () => {
    const page = await browser.newPage();
    await page.route(server.url, async (route) => {
      const response = await route.fetch();
      const headers = response.headers();
      const policy = headers['content-security-policy']!.replace("'wasm-unsafe-eval'", '');
      await route.fulfill({
        response,
        headers: { ...headers, 'content-security-policy': policy },
      });
    });
    await page.goto(server.url);
    await reach(page, 'ready');
    await page.click('#start');
    await page.waitForSelector('[data-state=failed]', { timeout: patience });
    assert.match((await page.textContent('#status')) ?? '', /Add 'wasm-unsafe-eval' to script-src/);
    await page.close();
  });

  const circle = Array.from({ length: 21 }, (_, i): [number, number] => {
    const angle = (i / 20) * 2 * Math.PI;
    return [0.5 + 0.24 * Math.sin(angle), 0.5 - 0.32 * Math.cos(angle)];
  });

  /** One stroke with the mouse; places are parts of the pad's side. */
  async function draw(page: Page, places: readonly (readonly [number, number])[]): Promise<void> {
    const pad = page.locator('#pad');
    await pad.scrollIntoViewIfNeeded();
    const { x, y, width, height } = (await pad.boundingBox())!;
    for (const [i, [across, down]] of places.entries()) {
      await page.mouse.move(x + across * width, y + down * height, { steps: i === 0 ? 1 : 3 });
      if (i === 0) await page.mouse.down();
    }
    await page.mouse.up();
  }

  async function answers(page: Page, digit: string): Promise<void> {
    await page.waitForFunction(
      (wanted) => document.querySelector('#answer')!.textContent === wanted,
      digit,
      { timeout: 10_000 },
    );
  }
});
