/**
 * @file SVG → PNG: resvg in WebAssembly, with the Arimo font and none of the system's, so that a picture has the
 * same bytes on every machine. Arimo has the widths of Helvetica, by which Graphviz measures text.
 */
import { show, TsunoError } from '../core/errors.ts';

export interface PngOptions {
  /** Pixels for each unit of the SVG's own size, default 1. Pictures beyond 32,767 pixels a side or 64 million are reduced. */
  scale?: number;
  /** CSS colour behind the picture, default `white`. */
  background?: string;
  /** resvg's `index_bg.wasm`; needed in a browser only, where a package's files have no address of their own. */
  wasm?: string | URL | Response | BufferSource | WebAssembly.Module;
  /** TrueType fonts; needed in a browser only: Arimo, regular and bold. */
  fonts?: readonly Uint8Array[];
}

/** The family that the SVGs of this folder name, for browsers with what to use where it is not installed. */
export const fontFamily = 'Arimo, Helvetica, Arial, sans-serif';

const largestSide = 32_767;
const largestArea = 64e6;

/**
 * Draws an SVG as PNG. Images inside must be data URIs; nothing is read from files or the network.
 *
 * @returns the bytes of the PNG file.
 * @throws TsunoError `ARGUMENT` for text that is no SVG; `UNSUPPORTED` in a browser without `wasm` and `fonts`.
 *
 * @example
 * ```ts
 * const png = await svgToPng('<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"></svg>', { scale: 2 });
 * ```
 */
export async function svgToPng(svg: string, options: PngOptions = {}): Promise<Uint8Array> {
  const { scale = 1, background = 'white' } = options;
  if (!(scale > 0 && Number.isFinite(scale))) {
    throw new TsunoError('ARGUMENT', {
      where: 'svgToPng',
      what: 'scale',
      expected: 'a positive number',
      found: show(scale),
    });
  }
  const [{ Resvg }, fontBuffers] = await Promise.all([resvg(options.wasm), fonts(options.fonts)]);
  const font = {
    fontBuffers: [...fontBuffers],
    defaultFontFamily: 'Arimo',
    sansSerifFamily: 'Arimo',
  };
  const open = (zoom: number) => {
    try {
      return new Resvg(svg, { font, background, fitTo: { mode: 'zoom', value: zoom } });
    } catch (cause) {
      throw new TsunoError('ARGUMENT', {
        where: 'svgToPng',
        what: 'svg',
        expected: 'an SVG document',
        found: show(svg),
        cause,
      });
    }
  };
  const natural = open(1);
  const { width, height } = natural;
  natural.free();
  const fitting = Math.min(
    scale,
    largestSide / Math.max(width, height),
    Math.sqrt(largestArea / (width * height)),
  );
  const drawing = open(fitting);
  const image = drawing.render();
  const png = image.asPng();
  image.free();
  drawing.free();
  return png;
}

type Resvg = typeof import('@resvg/resvg-wasm');

let loading: Promise<Resvg> | undefined;
let arimo: Promise<Uint8Array[]> | undefined;

/** resvg, started once: its module refuses to be started again. */
function resvg(wasm: PngOptions['wasm']): Promise<Resvg> {
  loading ??= startResvg(wasm).catch((error) => {
    loading = undefined;
    throw error;
  });
  return loading;
}

async function startResvg(wasm: PngOptions['wasm']): Promise<Resvg> {
  const library = await import('@resvg/resvg-wasm');
  await library.initWasm(wasm ?? (await packageFile('@resvg/resvg-wasm/index_bg.wasm', 'wasm')));
  return library;
}

function fonts(given: PngOptions['fonts']): Promise<readonly Uint8Array[]> {
  if (given) return Promise.resolve(given);
  arimo ??= Promise.all(
    ['400Regular', '700Bold'].map((style) =>
      packageFile(`@expo-google-fonts/arimo/${style}/Arimo_${style}.ttf`, 'fonts'),
    ),
  );
  return arimo;
}

/** A file of an installed package, found as Node finds modules. */
async function packageFile(specifier: string, option: string): Promise<Uint8Array<ArrayBuffer>> {
  if (globalThis.process?.versions?.node === undefined) {
    throw new TsunoError('UNSUPPORTED', {
      where: 'svgToPng',
      what: `${option} in a browser`,
      expected: 'given',
      found: 'nothing',
      repair: `Pass the contents of ${specifier}.`,
    });
  }
  const { readFile } = await import('node:fs/promises');
  return new Uint8Array(await readFile(new URL(import.meta.resolve(specifier))));
}
