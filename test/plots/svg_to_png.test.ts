/** @file SVG to PNG: size, colours, the bundled font and nothing else. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decode } from 'fast-png';
import { TsunoError } from '../../src/core/errors.ts';
import { svgToPng } from '../../src/plots/svg_to_png.ts';

const svg = (body: string, width = 40, height = 20) =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${body}</svg>`;

/** Pixels that are not the white background. */
function inked({ data, channels }: ReturnType<typeof decode>): number {
  let count = 0;
  for (let i = 0; i < data.length; i += channels) if (data[i]! < 128) count++;
  return count;
}

test('a picture has the size of the SVG times the scale, on white', async () => {
  const picture = svg('<rect x="10" width="10" height="20" fill="#ff0000"/>');
  for (const scale of [1, 2.5]) {
    const { width, height, data, channels } = decode(await svgToPng(picture, { scale }));
    assert.deepEqual([width, height], [40 * scale, 20 * scale]);
    const pixel = (x: number) => [...data.subarray(x * scale * channels, x * scale * channels + 3)];
    assert.deepEqual(pixel(2), [255, 255, 255]);
    assert.deepEqual(pixel(14), [255, 0, 0]);
  }
  const dark = decode(await svgToPng(svg(''), { background: '#000' }));
  assert.equal(inked(dark), 800);
});

test('text is drawn in Arimo whatever the SVG asks for, regular and bold', async () => {
  const text = (attributes: string) =>
    svgToPng(svg(`<text x="2" y="16" font-size="16" ${attributes}>Abg</text>`));
  const [arimo, helvetica, unknown, none, bold] = await Promise.all([
    text('font-family="Arimo"'),
    text('font-family="Arimo, Helvetica, Arial, sans-serif"'),
    text('font-family="No Such Font"'),
    text(''),
    text('font-weight="700"'),
  ]);
  assert.ok(inked(decode(arimo)) > 20);
  assert.deepEqual(helvetica, arimo);
  assert.deepEqual(unknown, arimo);
  assert.deepEqual(none, arimo);
  assert.ok(inked(decode(bold)) > inked(decode(arimo)));
});

test('images inside are data URIs; files and the network are not read', async () => {
  const image = (href: string) => svg(`<image width="40" height="20" href="${href}"/>`);
  const { href } = new URL('../../../package.json', import.meta.url);
  assert.equal(inked(decode(await svgToPng(image(href)))), 0);
});

test('pictures too large for PNG readers are reduced', async () => {
  const { width, height } = decode(await svgToPng(svg('', 10, 100_000)));
  assert.equal(height, 32_767);
  assert.equal(width, 3);
});

test('what is no SVG, and a scale that is none, are refused', async () => {
  const refused = async (text: string, scale: number) =>
    assert.rejects(
      svgToPng(text, { scale }),
      (error) => error instanceof TsunoError && error.code === 'ARGUMENT',
    );
  await refused('<svg', 1);
  await refused('plain text', 1);
  await refused(svg(''), 0);
  await refused(svg(''), Number.NaN);
});
