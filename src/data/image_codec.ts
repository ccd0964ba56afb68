/**
 * @file The decoders that are C programs compiled to WebAssembly, one instance each. A program that gave up is not
 * called again: the next image gets a fresh one, so that no image depends on those before it.
 */
import { inNode } from './files.ts';
import { imageFault } from './image_type.ts';

/** RGBA, four bytes a pixel. */
interface Decoded {
  width: number;
  height: number;
  data: Uint8ClampedArray;
}

interface Decoder {
  decode(bytes: Uint8Array, ...options: readonly boolean[]): Decoded | null;
}

/** As emscripten makes them. */
type Factory<P> = (options: {
  noInitialRun: true;
  wasmBinary?: Uint8Array;
  printErr: (line: string) => void;
}) => Promise<P>;

export interface Codec {
  /**
   * @param harmless complaints of the program that are let pass.
   * @throws TsunoError `IMAGE` where the program gives up or complains.
   */
  decode(bytes: Uint8Array, name: string, harmless?: RegExp): Promise<Decoded>;
}

/**
 * What makes instances of a program from its package. In Node its WebAssembly is read from there; in a browser it comes
 * from beside its script, by `new URL(…, import.meta.url)`, which bundlers know too.
 */
export async function program<P>(
  loading: Promise<unknown>,
  wasm: string,
  printErr: (line: string) => void,
): Promise<() => Promise<P>> {
  const { default: create } = (await loading) as { default: Factory<P> };
  const binary = inNode() ? await packageFile(wasm) : undefined;
  return () => create({ noInitialRun: true, ...(binary && { wasmBinary: binary }), printErr });
}

/**
 * A decoder from its package.
 *
 * @param loading the module, whose default export makes an instance.
 * @param wasm where its WebAssembly is, for Node.
 * @param options what the program's function is given behind the bytes.
 */
export async function openCodec(
  loading: Promise<unknown>,
  wasm: string,
  options: readonly boolean[] = [],
): Promise<Codec> {
  let complaints: string[] = [];
  const open = await program<Decoder>(loading, wasm, (line) => complaints.push(line));
  let opening = open();
  await opening;
  return {
    async decode(bytes, name, harmless) {
      const instance = await opening;
      complaints = [];
      let decoded: Decoded | null = null;
      let cause: unknown;
      try {
        decoded = instance.decode(bytes, ...options);
      } catch (error) {
        cause = error;
      }
      const complaint = complaints.find((line) => !harmless?.test(line));
      if (decoded && complaint === undefined) return decoded;
      opening = open();
      throw imageFault(name, 'pixels', 'decodable', complaint ?? 'damage', cause);
    },
  };
}

async function packageFile(specifier: string): Promise<Uint8Array> {
  const { readFile } = await import('node:fs/promises');
  return readFile(new URL(import.meta.resolve(specifier)));
}
