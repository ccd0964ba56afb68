/** @file A copy of variables at a moment, to go back to. */
import type { VariableRef } from '../ir/graph.ts';
import type { Variable } from '../layers/variable.ts';

/** An exponent of all ones is NaN or infinity, and nothing else is (IEEE 754). */
const exponent = 0x7f800000;

/** The first number that is not finite. */
function firstNonFinite(values: ArrayLike<number>): number | undefined {
  if (!(values instanceof Float32Array)) return undefined;
  const bits = new Int32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < bits.length; i++) {
    if ((bits[i]! & exponent) === exponent) return values[i];
  }
  return undefined;
}

export class Snapshot {
  private readonly values: ReadonlyMap<Variable, ArrayLike<number>>;

  private constructor(values: ReadonlyMap<Variable, ArrayLike<number>>) {
    this.values = values;
  }

  /** Copies the newest values. */
  static of(variables: Iterable<VariableRef>): Snapshot {
    const list = [...variables] as Variable[];
    return new Snapshot(new Map(list.map((variable) => [variable, variable.data.slice()])));
  }

  /** Gives all variables the values of then. */
  restore(): void {
    for (const [variable, values] of this.values) variable.assign(values);
  }

  /** The first of `variables` with a number that is not finite, and that number. */
  sick(variables: Iterable<Variable>): { variable: Variable; value: number } | undefined {
    for (const variable of variables) {
      const value = firstNonFinite(this.values.get(variable) ?? []);
      if (value !== undefined) return { variable, value };
    }
    return undefined;
  }
}
