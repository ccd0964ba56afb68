/** @file Where values come from: inputs of a run, variables that outlive it. */
import type { DType } from '../core/dtype.ts';
import type { Shape } from '../core/shape.ts';
import type { Graph, Value, VariableRef } from '../ir/graph.ts';
import type { Op } from '../ir/op.ts';

export interface InputAttrs {
  name: string;
  shape: Shape;
  dtype: DType;
}

export const inputOp: Op<InputAttrs, 'input'> = {
  name: 'input',
  infer: (_inputs, { shape, dtype }) => [{ shape, dtype }],
  source: true,
};
/** A tensor given anew to each run, under `name`. */
export function input(graph: Graph, name: string, shape: Shape, dtype: DType = 'float32'): Value {
  return graph.apply(inputOp, [], { name, shape, dtype })[0]!;
}

export const variableOp: Op<{ variable: VariableRef }, 'variable'> = {
  name: 'variable',
  infer: (_inputs, { variable }) => [{ shape: variable.shape, dtype: variable.dtype }],
  source: true,
};
/** The value of `variable` before the run. */
export function read(graph: Graph, variable: VariableRef): Value {
  const known = graph.variables.get(variable);
  if (known) return known;
  const value = graph.apply(variableOp, [], { variable })[0]!;
  graph.variables.set(variable, value);
  return value;
}
