/** @file What the environment says about the terminal. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { terminal } from '../../src/callbacks/terminal.ts';

const names = ['COLUMNS', 'FORCE_COLOR', 'NO_COLOR'] as const;
const saved = Object.fromEntries(names.map((name) => [name, process.env[name]]));
const tty = process.stdout.isTTY;

beforeEach(() => {
  for (const name of names) delete process.env[name];
  process.stdout.isTTY = false;
});

afterEach(() => {
  process.stdout.isTTY = tty;
  for (const name of names) {
    if (saved[name] === undefined) delete process.env[name];
    else process.env[name] = saved[name];
  }
});

test('a file gets no colours, a terminal does', () => {
  assert.deepEqual({ ...terminal(), columns: 0 }, { isTerminal: false, columns: 0, colour: false });
  process.stdout.isTTY = true;
  assert.deepEqual({ ...terminal(), columns: 0 }, { isTerminal: true, columns: 0, colour: true });
});

test('NO_COLOR and FORCE_COLOR decide', () => {
  process.env.FORCE_COLOR = '1';
  assert.equal(terminal().colour, true);
  process.env.NO_COLOR = '1';
  assert.equal(terminal().colour, false);
});

test('COLUMNS decides the width, if it is one', () => {
  process.env.COLUMNS = '132';
  assert.equal(terminal().columns, 132);
  process.env.COLUMNS = 'wide';
  assert.equal(terminal().columns, process.stdout.columns ?? 80);
});

test('a terminal that does not know its width has 80 columns', () => {
  const { columns } = process.stdout;
  process.stdout.columns = 0;
  assert.equal(terminal().columns, 80);
  process.stdout.columns = columns;
});
