/**
 * @file A reporter for `node --test` that writes one JSON line for each test that ended: what test/run.ts counts.
 * In: the runner's events. Out: lines of {@link Outcome}, to the destination named beside it.
 */
import type { TestEvent } from 'node:test/reporters';

/** How one test ended. `skipped` is the reason, or absent. */
export interface Outcome {
  file: string;
  name: string;
  outcome: 'passed' | 'failed' | 'skipped';
  reason?: string;
}

/** What one event says, or nothing: a suite counts only when it was skipped as a whole or failed by itself. */
export function outcomeOf(event: TestEvent): Outcome | undefined {
  if (event.type !== 'test:pass' && event.type !== 'test:fail') return undefined;
  const { name, file = '', skip, todo, details } = event.data;
  const left = skip || todo; // a failing `todo` is no failure for the runner either
  if (left) {
    const reason = left === true ? 'no reason given' : left;
    return { file, name, outcome: 'skipped', reason };
  }
  // A suite fails because of a test in it, which counts, or by itself, when its body or a hook throws.
  const kind =
    'error' in details ? (details.error as { failureType?: string }).failureType : undefined;
  if (details.type === 'suite' && (event.type === 'test:pass' || kind === 'subtestsFailed'))
    return undefined;
  // A file without tests is reported as a passing test named after the file: it proves nothing.
  if (
    event.type === 'test:pass' &&
    event.data.nesting === 0 &&
    /\.test\.js$/.test(name) &&
    file.endsWith(name)
  ) {
    return { file, name: `${name} declares no test`, outcome: 'failed' };
  }
  return { file, name, outcome: event.type === 'test:pass' ? 'passed' : 'failed' };
}

export default async function* tally(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const event of events) {
    const outcome = outcomeOf(event);
    if (outcome !== undefined) yield `${JSON.stringify(outcome)}\n`;
  }
}
