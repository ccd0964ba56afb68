/**
 * @file The few messages of ONNX that a network needs, as protocol buffers: fields as (number, kind) keys, each followed by
 * its value or by its length and bytes.
 *
 * @see https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
 */
import type { DType } from '../core/dtype.ts';
import type { Tensor } from '../core/tensor.ts';
import { bytesFrom, typeOf } from './elements.ts';

/** A field: its number, and a whole number, a float (in `f`), bytes, text, a message or a list of these. */
export type Field = readonly [number, FieldValue | readonly FieldValue[] | undefined];
type FieldValue = number | bigint | string | Uint8Array | { f: number };

const utf8 = new TextEncoder();

/** 7 bits a byte, the least significant first, the highest bit where more follow. */
function varint(value: number | bigint): number[] {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return [...bytes, Number(rest)];
}

/** A message of these fields; those without a value are left out. */
export function message(...fields: readonly Field[]): Uint8Array {
  const parts: (Uint8Array | number[])[] = [];
  for (const [number, given] of fields) {
    const values: readonly FieldValue[] =
      given === undefined ? [] : Array.isArray(given) ? given : [given as FieldValue];
    for (const value of values) {
      if (typeof value === 'number' || typeof value === 'bigint') {
        parts.push([...varint(number * 8), ...varint(value)]);
      } else if (value instanceof Uint8Array || typeof value === 'string') {
        const bytes = typeof value === 'string' ? utf8.encode(value) : value;
        parts.push([...varint(number * 8 + 2), ...varint(bytes.length)], bytes);
      } else {
        const bytes = new Uint8Array(4);
        new DataView(bytes.buffer).setFloat32(0, value.f, true);
        parts.push(varint(number * 8 + 5), bytes);
      }
    }
  }
  const out = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** Numbers of ONNX's element types; `int64` is what shapes and axes are. */
export const elementTypes: Readonly<Record<DType | 'int64', number>> = {
  float32: 1,
  uint8: 2,
  int32: 6,
  int64: 7,
  bool: 9,
};

/** A named constant. */
export function tensorProto(name: string, { dtype, shape, data }: Tensor): Uint8Array {
  const bytes = bytesFrom(data, typeOf(dtype));
  return message([1, shape], [2, elementTypes[dtype]], [8, name], [9, bytes]);
}

/** A named list of whole numbers. */
export function integersProto(name: string, values: readonly (number | bigint)[]): Uint8Array {
  const bytes = new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
  return message([1, values.length], [2, elementTypes.int64], [8, name], [9, bytes]);
}

/** What a node is told beside its inputs. */
export type Attribute = number | { f: number } | string | readonly number[];

const attributeKinds = { float: 1, int: 2, string: 3, ints: 7 } as const;

function attributeProto(name: string, value: Attribute): Uint8Array {
  if (typeof value === 'number') return message([1, name], [3, value], [20, attributeKinds.int]);
  if (typeof value === 'string') return message([1, name], [4, value], [20, attributeKinds.string]);
  if ('f' in value) return message([1, name], [2, value], [20, attributeKinds.float]);
  return message([1, name], [8, value], [20, attributeKinds.ints]);
}

export interface OnnxNode {
  op: string;
  inputs: readonly string[];
  outputs: readonly string[];
  attributes?: Readonly<Record<string, Attribute>> | undefined;
  /** The layer it belongs to. */
  name: string;
}

export function nodeProto({ op, inputs, outputs, attributes = {}, name }: OnnxNode): Uint8Array {
  const encoded = Object.entries(attributes).map(([key, value]) => attributeProto(key, value));
  return message([1, inputs], [2, outputs], [3, name], [4, op], [5, encoded]);
}

/** A named input or output; `null` in its shape is the batch. */
export function valueProto(
  name: string,
  dtype: DType,
  shape: readonly (number | null)[],
): Uint8Array {
  const extents = shape.map((extent) =>
    extent === null ? message([2, 'batch']) : message([1, extent]),
  );
  const type = message([1, elementTypes[dtype]], [2, message([1, extents])]);
  return message([1, name], [2, message([1, type])]);
}

export interface OnnxGraph {
  name: string;
  nodes: readonly OnnxNode[];
  constants: readonly Uint8Array[];
  inputs: readonly Uint8Array[];
  outputs: readonly Uint8Array[];
}

const intermediateVersion = 8;

/** The file of a graph. */
export function modelProto(graph: OnnxGraph, opset: number): Uint8Array {
  const encoded = message(
    [1, graph.nodes.map(nodeProto)],
    [2, graph.name],
    [5, graph.constants],
    [11, graph.inputs],
    [12, graph.outputs],
  );
  return message(
    [1, intermediateVersion],
    [2, 'tsuno'],
    [7, encoded],
    [8, message([1, ''], [2, opset])],
  );
}
