/**
 * @file `kill -9` of a process that trains, at random moments, again and again. Every run must come to the end of the run
 * that nobody killed.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Draw } from './memory_disk.ts';
import { uninterrupted } from './specimen.ts';

const program = fileURLToPath(new URL('./child.js', import.meta.url));

export interface KillsFound {
  kills: number;
  /** Runs that came to their end, each after some kills. */
  ends: number;
  /** Ends that were other than that of the run that nobody killed. */
  wrong: number;
  /** What processes that were not killed said beside. */
  complaints: string[];
  /** Kills that left a half-written file, so that they came in mid-save. */
  inMidSave: number;
}

interface Ended {
  killed: boolean;
  output: string;
  errors: string;
}

/** Runs the child; kills it `after` milliseconds after it has begun, if it lives so long. */
function run(folder: string, threads: number, after: number | undefined): Promise<Ended> {
  const child = spawn(process.execPath, [program, folder, String(threads)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let errors = '';
  let timer: NodeJS.Timeout | undefined;
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    if (after !== undefined) timer ??= setTimeout(() => child.kill('SIGKILL'), after);
  });
  return new Promise((resolve) => {
    child.on('close', (_code, signal) => {
      clearTimeout(timer);
      resolve({ killed: signal === 'SIGKILL', output, errors });
    });
  });
}

/**
 * @param kills how many.
 * @param longest milliseconds from the beginning of the training to the kill, at most.
 */
export async function killAgainAndAgain(
  kills: number,
  draw: Draw,
  longest: number,
  report: (found: KillsFound) => void = () => undefined,
): Promise<KillsFound> {
  const folder = mkdtempSync(join(tmpdir(), 'tsuno-kills-'));
  const expected = await uninterrupted({ factor: 'all', threads: 1 });
  const found: KillsFound = { kills: 0, ends: 0, wrong: 0, complaints: [], inMidSave: 0 };
  for (let isLast = false; !isLast; ) {
    isLast = found.kills >= kills;
    const { killed, output, errors } = await run(
      folder,
      [1, 2, 4][draw(3)]!,
      isLast ? undefined : draw(longest),
    );
    if (killed) {
      found.kills++;
      if (readdirSync(folder).some((name) => name.endsWith('.tmp'))) found.inMidSave++;
    } else {
      found.ends++;
      if (output.trim().split('\n').at(-1) !== expected) found.wrong++;
    }
    if (errors.trim() !== '') found.complaints.push(errors.trim());
    report(found);
  }
  rmSync(folder, { recursive: true });
  return found;
}
