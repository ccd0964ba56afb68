/**
 * @file The other direction, proven by those who should know: files of tsuno are written, then loaded, compared and trained
 * on by Keras (`check_files.py`), and run by ONNX Runtime (`check_onnx.py`).
 *
 *     npm run proofs:keras                      makes an environment of Python in runs/proofs with pinned versions
 *     npm run proofs:keras -- --python PYTHON   uses one that has what tools/keras/requirements.txt lists
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({ options: { python: { type: 'string' } } });
const tools = fileURLToPath(new URL('../../../tools/keras/', import.meta.url));
const files = 'runs/proofs/files';
const environment = 'runs/proofs/venv';

/** Runs a program; leaves with its exit code where that is not 0. */
function run(program: string, ...options: string[]): void {
  const { status, error } = spawnSync(program, options, { stdio: 'inherit' });
  if (error) console.error(`${program}: ${error.message}`);
  if (status !== 0) process.exit(status ?? 1);
}

function ownPython(): string {
  const python = `${environment}/bin/python`;
  if (!existsSync(python)) run('python3', '-m', 'venv', environment);
  run(python, '-m', 'pip', 'install', '--quiet', '--requirement', `${tools}requirements.txt`);
  return python;
}

const python = values.python ?? ownPython();
run(process.execPath, fileURLToPath(new URL('write_files.js', import.meta.url)), files);
run(python, `${tools}check_files.py`, files);
run(python, `${tools}check_onnx.py`, files);
