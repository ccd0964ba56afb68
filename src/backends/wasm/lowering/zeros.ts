/** @file Which values have many zeros, as far as their history tells. */
import type { Value } from '../../../ir/graph.ts';
import type { Op } from '../../../ir/op.ts';
import {
  convReluPoolOp,
  maxPool2dOp,
  minimumOp,
  padOp,
  reluOp,
  reshapeOp,
  selectOp,
  transposeOp,
} from '../../../ops/index.ts';
import { constantOf } from '../../../passes/fold.ts';

const makers: ReadonlySet<Op> = new Set([reluOp as Op, convReluPoolOp as Op]);
/** Operations whose result has the zeros of their first input. */
const keepers: ReadonlySet<Op> = new Set(
  [reshapeOp, transposeOp, padOp, maxPool2dOp, minimumOp].map((op) => op as Op),
);

/** Whether `value` stands behind a ReLU, or is a gradient behind one, where no sum lies between. */
export function holdsZeros(value: Value): boolean {
  const { op, inputs } = value.node;
  if (makers.has(op)) return true;
  if (keepers.has(op)) return holdsZeros(inputs[0]!);
  return op === (selectOp as Op) && constantOf(inputs[2]!) === 0;
}
