/** @file The command `tsuno` as tests run it: in a process of its own, or in this one with streams that keep the text. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '../../cli/run.ts';
import {
  clearSession,
  type Model,
  saveImage,
  type Tensor,
  tensor,
  writeNpy,
  writeNpz,
  writeSafetensors,
} from '../../src/index.ts';
import { smallModel, stripes } from '../support/small_models.ts';

export const program = fileURLToPath(new URL('../../cli/main.js', import.meta.url));

export interface Ended {
  code: number | null;
  out: string;
  err: string;
}

/** Runs the built program in `folder`. */
export function tsuno(folder: string, ...args: string[]): Ended {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], {
    cwd: folder,
    encoding: 'utf8',
    env: environment(),
    timeout: 5 * 60_000,
  });
  return { code: status, out: stdout, err: stderr };
}

/** Starts the built program; `told` sees what it writes to standard error. */
export function started(
  folder: string,
  args: readonly string[],
  told: (text: string, send: (signal: NodeJS.Signals) => void) => void,
): Promise<Ended> {
  const child = spawn(process.execPath, [program, ...args], { cwd: folder, env: environment() });
  const ended: Ended = { code: null, out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    ended.out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    ended.err += text;
    told(ended.err, (signal) => child.kill(signal));
  });
  return new Promise((resolve) => child.on('close', (code) => resolve({ ...ended, code })));
}

/** This process's, without what changes colours and widths. */
function environment(): NodeJS.ProcessEnv {
  const {
    NO_COLOR: _,
    FORCE_COLOR: __,
    COLUMNS: ___,
    NODE_TEST_CONTEXT: ____,
    ...rest
  } = process.env;
  return rest;
}

/** Runs a command line in this process, as on a terminal of 80 columns or elsewhere. */
export async function runHere(
  args: readonly string[],
  { isTerminal = false, colour = false } = {},
): Promise<{ code: number; out: string; err: string }> {
  const kept = { out: '', err: '' };
  const stream = (name: keyof typeof kept) => ({
    write: (text: string) => {
      kept[name] += text;
    },
    isTerminal,
    colour,
    columns: 80,
  });
  const code = await run(args, { out: stream('out'), err: stream('err') });
  return { code, ...kept };
}

/** An empty folder, removed when the process ends. */
export function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tsuno-cli-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/**
 * A folder with `small.keras`, what it can be trained on (`data.npz`, `data.safetensors`, `x.npy`, `y.npy`, `only_x.npz`, the PNGs
 * of `images/`), the same model without a loss (`plain.keras`), and files that are none (`broken.keras`, `bad.npz` with a label of no class).
 */
export async function filledFolder(): Promise<string> {
  const folder = scratchFolder();
  const at = (name: string) => join(folder, name);
  const { images: x, labels: y } = stripes(48);
  clearSession();
  const model = smallModel();
  await model.save(at('small.keras'));
  model.close();
  await uncompiled(model).save(at('plain.keras'));
  writeFileSync(at('data.npz'), writeNpz({ x, y }));
  writeFileSync(at('only_x.npz'), writeNpz({ x }));
  writeFileSync(at('data.safetensors'), writeSafetensors({ x, y }));
  writeFileSync(at('x.npy'), writeNpy(x));
  writeFileSync(at('y.npy'), writeNpy(y));
  const wrong = stripes(48).labels;
  wrong.data[5] = 9;
  writeFileSync(at('bad.npz'), writeNpz({ x, y: wrong }));
  for (const [i, name] of ['bottom', 'middle', 'top'].entries()) {
    mkdirSync(at(`images/${name}`), { recursive: true });
    for (let copy = 0; copy < 2; copy++) {
      await saveImage(at(`images/${name}/${copy}.png`), stripe(i, 12 + copy));
    }
  }
  writeFileSync(at('broken.keras'), 'PK but no archive');
  return folder;
}

/** A grey image of this size with one bright row. */
function stripe(row: number, size: number): Tensor<'uint8'> {
  const data = new Uint8Array(size * size).fill(20);
  data.fill(230, row * 2 * size, (row * 2 + 1) * size);
  return tensor(data, [size, size, 1]);
}

function uncompiled(model: Model): Model {
  const { compile_config: _, ...config } = model.toJSON() as ReturnType<Model['toJSON']> & {
    compile_config?: unknown;
  };
  return (model.constructor as typeof Model).fromJSON(config);
}
