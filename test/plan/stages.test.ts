/**
 * @file A net of two layers at every stage, against test/golden/inside and against the page docs/inside.md, whose blocks marked
 * `text STAGE` are those files. TSUNO_UPDATE_GOLDEN=1 writes files and blocks anew.
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { assertGolden } from '../support/golden.ts';
import { stages } from './two_layers.ts';

const page = new URL('../../../docs/inside.md', import.meta.url);
/** Too long to be read: it is a file only. */
const notShown = ['module'];
const fence = /^```text (\w+)\n([\s\S]*?)^```$/gm;

const all = stages();

describe('golden stages', () => {
  for (const [name, text] of all) test(name, () => assertGolden(`inside/${name}.txt`, text));
});

describe('docs/inside.md', () => {
  if (process.env.TSUNO_UPDATE_GOLDEN === '1') {
    const anew = readFileSync(page, 'utf8').replace(fence, (block, name: string) =>
      all.has(name) ? `\`\`\`text ${name}\n${all.get(name)}\n\`\`\`` : block,
    );
    writeFileSync(page, anew);
  }
  const blocks = [...readFileSync(page, 'utf8').replaceAll('\r\n', '\n').matchAll(fence)];

  test('shows every stage, in order', () => {
    const names = [...all.keys()].filter((name) => !notShown.includes(name));
    assert.deepEqual(
      blocks.map(([, name]) => name),
      names,
    );
  });
  for (const [, name, text] of blocks)
    test(`${name} is what the golden file says`, () => assert.equal(text, `${all.get(name!)}\n`));
});
