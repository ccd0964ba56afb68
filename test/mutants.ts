/**
 * @file How good the tests of kernels are: kernels are given one bug each, and the cases of `test/backends` must notice.
 *
 *     npm run mutants
 *     npm run mutants -- --count 200 --seed 7
 *
 * Out: a line a bug with the case that noticed it, and the share that was noticed. The exit code is 1 below 96 %.
 */
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import type { Outcome } from './backends/mutation.ts';

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '50' },
    seed: { type: 'string', default: '1' },
    cases: { type: 'string', default: '200' },
  },
});
const count = Number(values.count);
/** Milliseconds for one bug; more means that it hangs. */
const patience = 120_000;
const least = 0.96;

/** Outcomes of bugs from number `skip` on; ends early where one hangs. */
function look(skip: number): Promise<Outcome[]> {
  const worker = new Worker(new URL('./backends/mutation_worker.js', import.meta.url), {
    workerData: { count, seed: Number(values.seed), perFamily: Number(values.cases), skip },
  });
  const outcomes: Outcome[] = [];
  return new Promise((resolve, reject) => {
    const end = () => void worker.terminate().then(() => resolve(outcomes));
    let timer = setTimeout(end, patience);
    worker.on('error', reject);
    worker.on('message', (outcome: Outcome | undefined) => {
      clearTimeout(timer);
      if (!outcome) return end();
      outcomes.push(outcome);
      print(skip + outcomes.length, outcome);
      timer = setTimeout(end, patience);
    });
  });
}

function print(number: number, { mutant, caught, cases }: Outcome): void {
  const { kernel, bug, place } = mutant;
  const bugText = `${kernel}: ${bug}, at ${(place * 100).toFixed(1)} %`;
  const end = caught === undefined ? `NOT NOTICED by ${cases} cases` : `${cases}: ${caught}`;
  console.log(`${String(number).padStart(3)} ${bugText} → ${end.slice(0, 160)}`);
}

let done = 0;
let noticed = 0;
while (done < count) {
  const outcomes = await look(done);
  noticed += outcomes.filter(({ caught }) => caught !== undefined).length;
  done += outcomes.length;
  if (done === count) break;
  console.log(`${String(done + 1).padStart(3)} hangs`);
  noticed++;
  done++;
}
console.log(`${noticed} of ${count} bugs noticed`);
process.exitCode = noticed >= least * count ? 0 : 1;
