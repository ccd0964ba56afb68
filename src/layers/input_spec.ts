/** @file What a layer asks of its inputs, and the check before it is built or called. */
import { TsunoError } from '../core/errors.ts';
import { type PartialShape, showShape } from '../core/shape.ts';

export interface InputSpec {
  /** Number of axes, the batch included. */
  readonly rank?: number;
  readonly minRank?: number;
  /** Extents that the weights were made for, by axis; negative counts from the end. */
  readonly axes?: Readonly<Record<number, number>>;
  /** Numbers of channels, the last axis, that the layer can do with; default all. */
  readonly channels?: readonly number[];
  /** How many inputs, at least. */
  readonly inputs?: number;
}

const ranks: Record<number, string> = {
  2: '[batch, features]',
  3: '[batch, steps, channels]',
  4: '[batch, height, width, channels]',
};

/** @throws TsunoError `SHAPE` naming the layer, what it expects and what it got. */
export function checkSpec(
  where: string,
  spec: InputSpec | undefined,
  shapes: readonly PartialShape[],
): void {
  if (!spec) return;
  const fail = (what: string, expected: string, found: string) => {
    throw new TsunoError('SHAPE', { where, what, expected, found });
  };
  if (spec.inputs !== undefined && shapes.length < spec.inputs)
    fail('input', `a list of at least ${spec.inputs} tensors`, String(shapes.length));
  for (const shape of shapes) {
    const found = showShape(shape);
    if (spec.rank !== undefined && shape.length !== spec.rank) {
      const meaning = ranks[spec.rank] ? `, ${ranks[spec.rank]}` : '';
      fail('input', `of rank ${spec.rank}${meaning}`, `rank ${shape.length}, ${found}`);
    }
    if (spec.minRank !== undefined && shape.length < spec.minRank)
      fail('input', `of rank ${spec.minRank} or more`, `rank ${shape.length}, ${found}`);
    const channels = shape.at(-1);
    if (typeof channels === 'number' && spec.channels && !spec.channels.includes(channels))
      fail('input', `of ${spec.channels.join(' or ')} channels`, found);
    for (const [axis, extent] of Object.entries(spec.axes ?? {})) {
      const given = shape.at(Number(axis));
      if (given !== null && given !== extent)
        fail(`axis ${axis} of the input`, `of extent ${extent}, as the weights are`, found);
    }
  }
}
