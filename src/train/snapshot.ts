/** @file A copy of variables at a moment, to go back to; and the search for numbers that are not finite. */
import type { VariableRef } from '../ir/graph.ts';
import type { Variable } from '../layers/variable.ts';

type Numbers = Variable['data'];

/** A copy of the newest values of some variables. Its memory serves one moment after another. */
export class Snapshot {
  private readonly values = new Map<Variable, Numbers>();

  /** Copies the newest values, and forgets those of before. */
  take(variables: Iterable<VariableRef>): this {
    const wanted = new Set(variables as Iterable<Variable>);
    for (const known of this.values.keys()) if (!wanted.has(known)) this.values.delete(known);
    for (const variable of wanted) {
      const there = this.values.get(variable);
      if (there) there.set(variable.data);
      else this.values.set(variable, variable.data.slice());
    }
    return this;
  }

  /** Gives all variables the values of then. */
  restore(): void {
    for (const [variable, values] of this.values) variable.assign(values);
  }
}

/** The first of `variables` with a number that is not finite now, and that number. */
export function firstNonFinite(
  variables: Iterable<Variable>,
): { variable: Variable; value: number } | undefined {
  for (const variable of variables) {
    const { data } = variable;
    if (allFinite(data)) continue;
    const value = (data as Float32Array).find((one) => !Number.isFinite(one));
    if (value !== undefined) return { variable, value };
  }
  return undefined;
}

/** x · 0 is 0 for finite x, else NaN; four sums, so that additions need not wait for each other. */
function allFinite(data: Numbers): boolean {
  if (!(data instanceof Float32Array)) return true;
  let [a, b, c, d] = [0, 0, 0, 0];
  const whole = data.length - (data.length % 4);
  for (let i = 0; i < whole; i += 4) {
    a += data[i]! * 0;
    b += data[i + 1]! * 0;
    c += data[i + 2]! * 0;
    d += data[i + 3]! * 0;
  }
  for (let i = whole; i < data.length; i++) a += data[i]! * 0;
  return a + b + c + d === 0;
}
