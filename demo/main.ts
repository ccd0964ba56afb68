/**
 * @file Serves the demo page until Ctrl-C.
 *
 *     npm run demo                 at port 8080, or the next that is free
 *     npm run demo -- --port 9000
 */
import { parseArgs } from 'node:util';
import { serveDemo } from './server.ts';

const { values } = parseArgs({ options: { port: { type: 'string', default: '8080' } } });
const port = Number(values.port);
if (!Number.isInteger(port) || port < 0 || port > 65_535) {
  throw new RangeError(`--port must be a whole number below 65536, received ${values.port}.`);
}
const { url } = await serveDemo({ port });
console.log(`The demo is at ${url}`);
console.log(`With one thread, as on a page that is not isolated: ${url}?isolated=0`);
console.log('Ctrl-C ends it.');
