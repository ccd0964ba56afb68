/** @file What Keras printed, from test/fixtures/keras/text. */
import { readFileSync } from 'node:fs';

/** The file's text; a terminal's line ends are made plain ones. */
export function goldenText(name: string): string {
  const file = new URL(`../../../test/fixtures/keras/text/${name}`, import.meta.url);
  return readFileSync(file, 'utf8').replaceAll('\r\n', '\n');
}
