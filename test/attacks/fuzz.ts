/**
 * @file Fuzzing for as long as one likes, each reader in a process of its own, two at a time.
 *
 *     npm run fuzz                                  a minute each
 *     npm run fuzz -- --seconds 3600 --target hdf5  an hour of one
 *     npm run fuzz -- --seed 77                     from another seed; default: the time
 *
 * Out: a line a target. The exit code is 1 where something was found; its file lies in runs/fuzz.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { fuzz } from './fuzz_run.ts';
import { targets } from './fuzz_targets.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    target: { type: 'string' },
    seed: { type: 'string', default: String(Date.now() % 1e9) },
    here: { type: 'boolean', default: false },
  },
});
const names = Object.keys(targets);

async function one(name: string): Promise<void> {
  const began = performance.now();
  const { runs, accepted } = await fuzz(
    name,
    await targets[name]!(),
    Number(values.seconds),
    Number(values.seed),
  );
  const took = Math.round((performance.now() - began) / 1000);
  console.log(
    `${name.padEnd(12)} ${String(runs).padStart(9)} files, ${accepted} of them read, in ${took} s`,
  );
}

/** Runs a target in another process. */
function apart(name: string): Promise<boolean> {
  const { seconds, seed } = values;
  const program = fileURLToPath(import.meta.url);
  const options = ['--here', '--target', name, '--seconds', seconds, '--seed', seed];
  const child = spawn(process.execPath, [program, ...options], { stdio: 'inherit' });
  return new Promise((done) => {
    child.on('error', () => done(false));
    child.on('exit', (code) => done(code === 0));
  });
}

if (values.target !== undefined && !names.includes(values.target)) {
  console.error(`--target must be one of ${names.join(', ')}, received ${values.target}.`);
  process.exitCode = 2;
} else if (values.here) await one(values.target!);
else {
  const waiting = values.target === undefined ? [...names] : [values.target];
  console.log(`${waiting.length} targets, ${values.seconds} s each, seed ${values.seed}`);
  let isClean = true;
  const lane = async () => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift())
      isClean = (await apart(name)) && isClean;
  };
  await Promise.all([lane(), lane()]);
  process.exitCode = isClean ? 0 : 1;
}
