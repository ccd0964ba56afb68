/** @file Numbers known while tracing, as a value along the last axis. */
import { show, TsunoError } from '../core/errors.ts';
import type { Value } from '../ir/graph.ts';
import { concat, type Operand, reshape, scalar } from '../ops/index.ts';

/**
 * One number as an operand, a list as a vector along the last axis of `like`.
 *
 * @throws TsunoError `SHAPE` where the list has neither one number nor as many as that axis.
 */
export function constantVector(
  where: string,
  like: Value,
  numbers: number | readonly number[],
): Operand {
  if (typeof numbers === 'number') return numbers;
  const channels = like.shape.at(-1) ?? 1;
  if (numbers.length !== channels && numbers.length !== 1) {
    throw new TsunoError('SHAPE', {
      where,
      what: 'numbers for the channels',
      expected: `must be ${channels}`,
      found: show([...numbers]),
    });
  }
  if (numbers.length === 1) return numbers[0]!;
  const elements = numbers.map((number) => reshape(scalar(like, number), [1]));
  return concat(elements as [Value, ...Value[]], 0);
}
