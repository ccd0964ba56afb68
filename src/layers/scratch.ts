/** @file The shape a computation gives, found by tracing it on a scratch graph: for layers that do not say it. */
import type { DType } from '../core/dtype.ts';
import { TsunoError } from '../core/errors.ts';
import { type PartialShape, showShape } from '../core/shape.ts';
import { Graph, type Value } from '../ir/graph.ts';
import { constantOp, input } from '../ops/index.ts';
import { Trace, tracing } from './trace.ts';

type Shapes = PartialShape | readonly PartialShape[];

/** Stand-ins for unknown extents: first the batch's, then the others'. What follows them in the result is unknown. */
const standIns = [
  [2, 64],
  [3, 67],
] as const;

/**
 * Traces `body` twice, with different extents for every `null`, and compares the results.
 *
 * @throws TsunoError `SHAPE` where even the number of axes depends on an unknown extent.
 */
export function scratchShapes(
  where: string,
  inputShape: Shapes,
  dtype: DType | undefined,
  body: (values: Value[]) => readonly Value[],
): Shapes {
  const shapes = (Array.isArray(inputShape[0]) ? inputShape : [inputShape]) as PartialShape[];
  const [first, second] = standIns.map(([batch, other]) =>
    trace(
      shapes.map((shape) => shape.map((extent, axis) => extent ?? (axis === 0 ? batch : other))),
      dtype ?? 'float32',
      body,
    ),
  );
  const outputs = first!.map((shape, i) => {
    const again = second![i];
    if (again?.length !== shape.length) {
      throw new TsunoError('SHAPE', {
        where,
        what: 'rank of the output',
        expected: 'must not depend on the batch',
        found: `${showShape(shape)} and ${again ? showShape(again) : 'none'}`,
      });
    }
    return shape.map((extent, axis) => (extent === again[axis] ? extent : null));
  });
  return outputs.length === 1 ? outputs[0]! : outputs;
}

function trace(
  shapes: readonly (readonly number[])[],
  dtype: DType,
  body: (values: Value[]) => readonly Value[],
): PartialShape[] {
  const graph = new Graph();
  const integer = (value: number) =>
    graph.apply(constantOp, [], { value, dtype: 'int32' as const })[0]!;
  const scratch = new Trace(graph, false, { seed: integer(0), step: integer(0) });
  return tracing(scratch, () => {
    const values = shapes.map((shape, i) => input(graph, String(i), shape, dtype));
    return body(values).map((value) => value.shape);
  });
}
