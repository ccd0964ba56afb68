/**
 * @file Images in a real browser: a folder that is picked, and single files, have the same pixels as in Node, with
 * threads that decode and without. The first is what a bundler makes of the package, whose specifiers the server here
 * resolves; the second a page with an import map, which does not reach workers.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { imageDatasetFromDirectory, loadImage } from '../../src/index.ts';
import { imageFixtures } from '../data/image_fixtures.ts';
import { launch, noChromium } from './chromium.ts';

const built = fileURLToPath(new URL('../../src/', import.meta.url));
const packages = fileURLToPath(new URL('../../../node_modules/', import.meta.url));

const imports = {
  tsuno: '/src/index.js',
  fflate: '/packages/fflate/esm/browser.js',
  '@jsquash/jpeg/': '/packages/@jsquash/jpeg/',
  '@jsquash/webp/': '/packages/@jsquash/webp/',
};

const types: Readonly<Record<string, string>> = {
  js: 'text/javascript',
  wasm: 'application/wasm',
  html: 'text/html',
};

const page = (base: string) => `<!doctype html>
<script type="importmap">${JSON.stringify({ imports: { ...imports, tsuno: `${base}index.js` } })}</script>
<input type="file" webkitdirectory>
<script type="module">
  import * as tsuno from 'tsuno';
  window.tsuno = tsuno;
  document.title = 'ready';
</script>`;

/** Bare specifiers become places, as a bundler would have it. */
function resolved(text: string): string {
  return text.replace(/(import\(|from )'(fflate|@jsquash\/\w+\/)/g, (_, start, name: string) => {
    const place = imports[name as keyof typeof imports];
    return `${start}'${place}`;
  });
}

async function contents(path: string): Promise<Buffer | string | undefined> {
  if (path === '/plain.html') return page('/src/');
  if (path === '/bundled.html') return page('/bundled/');
  const [, shelf, rest] =
    /^\/(src|bundled|packages|fixtures)\/((?:@?[\w-][\w.@-]*\/?)+)$/.exec(path) ?? [];
  if (!shelf || !rest) return undefined;
  if (shelf === 'bundled') return resolved(await readFile(join(built, rest), 'utf8'));
  const folder = { src: built, packages, fixtures: imageFixtures }[shelf]!;
  return readFile(join(folder, rest));
}

const sha = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** What the page is asked, and Node too: pixels of the folder, and of single files. */
const single = [
  'half.jpg',
  'progressive.jpg',
  'rgb_16.png',
  'interlaced.png',
  'lossy.webp',
  'alpha.webp',
];

describe('images in a page', { skip: noChromium }, () => {
  let server: Server;
  let browser: Browser;
  let url: string;
  let expectedFolder: { pixels: string; labels: number[]; names: string[] };
  const expectedSingle: Record<string, string> = {};

  before(async () => {
    server = createServer((request, response) => {
      const path = request.url ?? '/';
      contents(path).then(
        (body) => {
          const type = types[path.split('.').at(-1) ?? ''] ?? 'application/octet-stream';
          response.writeHead(body === undefined ? 404 : 200, { 'Content-Type': type }).end(body);
        },
        () => response.writeHead(404).end(),
      );
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    browser = await launch();
    const set = await imageDatasetFromDirectory(`${imageFixtures}folder`, {
      imageSize: [20, 24],
      seed: 4,
      verbose: false,
    });
    const { images, labels } = await set.load();
    expectedFolder = {
      pixels: sha(new Uint8Array(images.data.buffer)),
      labels: [...labels.data],
      names: set.filePaths.map((path) => path.slice(`${imageFixtures}folder/`.length)),
    };
    for (const file of single)
      expectedSingle[file] = sha((await loadImage(`${imageFixtures}single/${file}`)).data);
  });
  after(async () => {
    await browser?.close();
    server?.close();
    server?.closeAllConnections();
  });

  async function open(name: string): Promise<{ page: Page; errors: string[]; asked: string[] }> {
    const opened = await browser.newPage();
    const errors: string[] = [];
    const asked: string[] = [];
    opened.on('pageerror', (error) => errors.push(String(error)));
    opened.on('request', (request) => asked.push(new URL(request.url()).pathname));
    await opened.goto(`${url}${name}.html`);
    await opened.waitForFunction(() => document.title === 'ready', undefined, { timeout: 60_000 });
    return { page: opened, errors, asked };
  }

  for (const name of ['bundled', 'plain']) {
    test(`${name}: a folder that is picked, and single files`, async () => {
      const { page, errors, asked } = await open(name);
      await page.locator('input').setInputFiles(`${imageFixtures}folder`);
      const inPage = await page.evaluate(async (files) => {
        const { imageDatasetFromDirectory, loadImage } = (
          globalThis as unknown as { tsuno: typeof import('../../src/index.ts') }
        ).tsuno;
        const hash = async (bytes: BufferSource) =>
          Array.from(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)), (byte) =>
            byte.toString(16).padStart(2, '0'),
          ).join('');
        const picked = document.querySelector('input')!.files!;
        const set = await imageDatasetFromDirectory(picked, {
          imageSize: [20, 24],
          seed: 4,
          verbose: false,
        });
        const { images, labels } = await set.load();
        const hashes: Record<string, string> = {};
        for (const file of files)
          hashes[file] = await hash(
            Uint8Array.from((await loadImage(`/fixtures/single/${file}`)).data),
          );
        return {
          folder: {
            pixels: await hash(images.data as Float32Array<ArrayBuffer>),
            labels: [...labels.data],
            names: [...set.filePaths],
          },
          hashes,
        };
      }, single);
      assert.deepEqual(inPage.folder, expectedFolder);
      assert.deepEqual(inPage.hashes, expectedSingle);
      assert.deepEqual(errors, []);
      const base = name === 'plain' ? '/src/' : '/bundled/';
      assert.ok(asked.includes(`${base}data/image_worker.js`));
      assert.equal(page.workers().length > 0, name === 'bundled');
      await page.close();
    });
  }
});
