/**
 * @file Golden files: texts in test/golden that must come out as they are, to the character. With TSUNO_UPDATE_GOLDEN=1 they are
 * written anew instead; the diff is then what a change of the engine means.
 */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';

const folder = new URL('../../../test/golden/', import.meta.url);

/** The golden file's text, its line ends made plain. */
export function readGolden(name: string): string {
  return readFileSync(new URL(name, folder), 'utf8').replaceAll('\r\n', '\n');
}

/** @throws AssertionError where `text` is not what test/golden/`name` holds. */
export function assertGolden(name: string, text: string): void {
  const file = `${text.trimEnd()}\n`;
  if (process.env.TSUNO_UPDATE_GOLDEN === '1') {
    mkdirSync(new URL('.', new URL(name, folder)), { recursive: true });
    writeFileSync(new URL(name, folder), file);
  }
  assert.equal(file, readGolden(name), `test/golden/${name}; TSUNO_UPDATE_GOLDEN=1 writes it anew`);
}
