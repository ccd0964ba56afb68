/**
 * @file The guard inside the step: where the loss or any gradient is not finite, the run ends with that step. The variables
 * it has changed go back to those of the last good step, which `train_run.ts` computes again; so no update has to wait for all
 * gradients.
 */
import { type Shape, sizeOf } from '../core/shape.ts';
import type { Graph, Value } from '../ir/graph.ts';
import { cast, concat, equal, logicalNot, mul, reduceSum, reshape } from '../ops/index.ts';

/** Result names: what ends the run, and one number a gradient (not finite where the gradient is not), the loss first. */
export const haltName = 'halt';
export const healthName = 'health';

/** Rows into which a large gradient is summed first, so that threads can share the work. */
const parts = [64, 32, 16, 9, 8, 4, 3, 2] as const;

/** A number that is finite if all elements of `x` are (and their sum does not overflow). */
function probe(x: Value): Value {
  const size = sizeOf(x.shape);
  const rows = size >= 4096 ? parts.find((count) => size % count === 0) : undefined;
  const flat: Shape = rows ? [rows, size / rows] : [1, size];
  const sums = reduceSum(reshape(x, flat), [1]);
  return reshape(rows ? reduceSum(sums) : sums, [1]);
}

/** Values a call: WebAssembly's engines allow a function a thousand parameters. */
const mostAtOnce = 256;

/** All `values` end to end, some at a time. */
function concatAll(values: readonly [Value, ...Value[]]): Value {
  if (values.length <= mostAtOnce) return concat(values, 0);
  const groups = Array.from({ length: Math.ceil(values.length / mostAtOnce) }, (_, i) => {
    const [first, ...rest] = values.slice(i * mostAtOnce, (i + 1) * mostAtOnce);
    return concat([first!, ...rest], 0);
  }) as [Value, ...Value[]];
  return concatAll(groups);
}

/**
 * Adds the guard to a step: the results {@link healthName} and {@link haltName}.
 *
 * @param loss the scalar to differentiate.
 */
export function guard(graph: Graph, loss: Value, gradients: readonly Value[]): void {
  const probes = [reshape(loss, [1]), ...gradients.map(probe)] as [Value, ...Value[]];
  const health = concatAll(probes);
  // x·0 is 0 for finite x, else NaN; NaN equals nothing.
  const finite = reshape(equal(mul(reduceSum(health), 0), 0), []);
  graph.outputs.set(healthName, health);
  graph.outputs.set(haltName, cast(logicalNot(finite), 'int32'));
}
