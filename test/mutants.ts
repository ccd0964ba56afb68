/**
 * @file How good the tests of kernels are: kernels are given one bug each, and the cases of `test/backends` must notice.
 *
 *     npm run mutants
 *     npm run mutants -- --count 200 --seed 7
 *
 * Out: a line a bug with the case that noticed it, and the share that was noticed. The exit code is 1 below 96 %.
 */
import { parseArgs } from 'node:util';
import type { Outcome } from './backends/mutation.ts';
import { watchedMutation } from './backends/watched_mutation.ts';

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

function print(number: number, { mutant, caught, cases }: Outcome): void {
  const { kernel, bug, place } = mutant;
  const bugText = `${kernel}: ${bug}, at ${(place * 100).toFixed(1)} %`;
  const end = caught === undefined ? `NOT NOTICED by ${cases} cases` : `${cases}: ${caught}`;
  console.log(`${String(number).padStart(3)} ${bugText} → ${end.slice(0, 160)}`);
}

const options = { count, seed: Number(values.seed), perFamily: Number(values.cases) };
const outcomes = await watchedMutation(options, patience, (outcome, number) =>
  print(number, outcome),
);
const noticed = outcomes.filter(({ caught }) => caught !== undefined).length;
console.log(`${noticed} of ${count} bugs noticed`);
process.exitCode = noticed >= least * count ? 0 : 1;
