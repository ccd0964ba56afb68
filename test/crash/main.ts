/**
 * @file The crash tests with as many cases as you like; without numbers those of docs/reliability.md.
 *
 *     npm run crash                                  everything
 *     npm run crash -- --kills 500                   only kills, so many
 *     npm run crash -- --states 5000 --seed 3        only losses of power
 *     npm run crash -- --matrix --faults             only these two
 *
 * Out: a line for each kind with what was run and how many went wrong. The exit code is 1 where something did.
 */
import { parseArgs } from 'node:util';
import { RandomSequence } from '../../src/core/random.ts';
import { failEachCall } from './faults.ts';
import { killAgainAndAgain } from './kills.ts';
import { fullMatrix, runMatrix } from './matrix.ts';
import { losePower } from './power_loss.ts';
import { factors } from './specimen.ts';

const { values } = parseArgs({
  options: {
    kills: { type: 'string' },
    states: { type: 'string' },
    faults: { type: 'boolean' },
    matrix: { type: 'boolean' },
    seed: { type: 'string', default: '1' },
  },
});
const { seed, ...asked } = values;
const isAll = Object.keys(asked).length === 0;
const random = new RandomSequence(Number(seed), 91);
const draw = (bound: number) => random.below(bound);
let wrong = 0;

function tell(title: string, bad: readonly unknown[], started: number): void {
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  console.log(`${title}: ${bad.length} wrong (${seconds} s)`);
  for (const one of bad.slice(0, 10)) console.log(`  ${JSON.stringify(one)}`);
  wrong += bad.length;
}

if (isAll || values.faults) {
  const started = performance.now();
  const { cases, calls, lost } = await failEachCall();
  tell(`${cases} faults in ${calls} calls of the disk`, lost, started);
}
if (isAll || values.states !== undefined) {
  const started = performance.now();
  const { states, lost } = await losePower(Number(values.states ?? 5000), draw);
  tell(`${states} losses of power`, lost, started);
}
if (isAll || values.matrix) {
  const started = performance.now();
  const { runs, wrong: bad } = await runMatrix(fullMatrix([...factors, 'all']));
  tell(`${runs} runs stopped and resumed`, bad, started);
}
if (isAll || values.kills !== undefined) {
  const started = performance.now();
  const found = await killAgainAndAgain(Number(values.kills ?? 500), draw, 400);
  const { kills, inMidSave, ends, wrong: bad, complaints } = found;
  const title = `${kills} kills, ${inMidSave} in mid-save, ${ends} runs that came to their end`;
  tell(title, [...Array.from({ length: bad }, () => 'another hash'), ...complaints], started);
}
process.exitCode = wrong === 0 ? 0 : 1;
