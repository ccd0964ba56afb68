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
  checkChannels(where, numbers, like.shape.at(-1) ?? 1);
  if (numbers.length === 1) return numbers[0]!;
  const elements = numbers.map((number) => reshape(scalar(like, number), [1]));
  return concat(elements as [Value, ...Value[]], 0);
}

/** @throws TsunoError `SHAPE` where a list has neither one number nor one for each of `channels`, if that is known. */
export function checkChannels(
  where: string,
  numbers: number | readonly number[],
  channels: number | null | undefined,
): void {
  if (typeof numbers === 'number' || numbers.length === 1 || !channels) return;
  if (numbers.length === channels) return;
  throw new TsunoError('SHAPE', {
    where,
    what: 'numbers for the channels',
    expected: `must be ${channels}`,
    found: show([...numbers]),
  });
}
