/**
 * @file ONNX files as plain data: nodes, constants, inputs and outputs. Read strictly: what is declared is held against the
 * bytes that are there, what refers to another file is refused whatever it names, and graphs inside nodes are not read.
 *
 * @see https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
 */
import { type ErrorCode, show, TsunoError } from '../core/errors.ts';
import { ByteReader } from './byte_reader.ts';
import { type ElementType, isShape, numbersFrom } from './elements.ts';
import { type Field, FieldReader, fieldsOf, type Range } from './protobuf.ts';

/** Numbers of a file. Whole ones are in float64, exact up to 2⁵³; `NaN` among them is the batch. */
export interface Constant {
  readonly kind: 'constant';
  readonly isFloat: boolean;
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array;
}

export type AttributeValue =
  | number
  | string
  | readonly number[]
  | readonly string[]
  | Constant
  | 'graph';

export interface DecodedNode {
  /** Its own name; where it has none, that of its first output. */
  readonly name: string;
  readonly op: string;
  readonly domain: string;
  /** Empty for one that is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, AttributeValue>;
}

/** An input: `null` in its shape is an open extent. */
export interface DecodedInput {
  readonly name: string;
  readonly elementType: number;
  readonly shape: readonly (number | null)[];
}

export interface DecodedGraph {
  readonly name: string;
  readonly opset: number;
  readonly nodes: readonly DecodedNode[];
  readonly constants: ReadonlyMap<string, Constant>;
  readonly inputs: readonly DecodedInput[];
  readonly outputs: readonly string[];
}

/** Versions of the operators whose meaning is known. */
const opsets = { first: 7, last: 26 } as const;
const mostNodes = 10_000;
const mostAxes = 8;

const whole = (size: ElementType['size'], signed: boolean): ElementType => {
  return { kind: 'integer', size, signed, bigEndian: false };
};
const float = (size: ElementType['size'], kind: 'float' | 'bfloat' = 'float'): ElementType => {
  return { kind, size, signed: true, bigEndian: false };
};

/** Element types by their numbers in files. */
const elementTypes: ReadonlyMap<number, ElementType> = new Map([
  [1, float(4)],
  [2, whole(1, false)],
  [3, whole(1, true)],
  [4, whole(2, false)],
  [5, whole(2, true)],
  [6, whole(4, true)],
  [7, whole(8, true)],
  [9, { kind: 'bool', size: 1, signed: false, bigEndian: false }],
  [10, float(2)],
  [11, float(8)],
  [12, whole(4, false)],
  [13, whole(8, false)],
  [16, float(2, 'bfloat')],
]);

/**
 * The graph of an ONNX file.
 *
 * @throws TsunoError `ONNX` where the bytes are not what the format says, `ONNX_LINK` for data in another file,
 * `ONNX_LIMIT` for more nodes or axes than are read, `UNSUPPORTED` for another version or what tsuno does not read.
 */
export function decodeOnnx(bytes: Uint8Array, where: string): DecodedGraph {
  return new Decoder(bytes, where).model();
}

class Decoder {
  private readonly reader: ByteReader;
  private readonly read: FieldReader;

  constructor(bytes: Uint8Array, where: string) {
    this.reader = new ByteReader(bytes, where, 'ONNX');
    this.read = new FieldReader(this.reader);
  }

  private refuse(
    code: ErrorCode,
    what: string,
    expected: string,
    found: string,
    repair = '',
  ): TsunoError {
    return new TsunoError(code, { where: this.reader.where, what, expected, found, repair });
  }

  /** Messages that occur once: protocol buffers would merge two of them. */
  private once(seen: Range | undefined, field: Field, what: string): Range {
    if (seen) throw this.reader.error(field.at, what, 'there once', 'twice');
    return this.read.range(field);
  }

  model(): DecodedGraph {
    let [graph, version, opset]: [Range | undefined, number, number] = [undefined, 0, 0];
    for (const field of fieldsOf(this.reader, { from: 0, to: this.reader.length })) {
      if (field.number === 1) version = this.read.integer(field);
      else if (field.number === 7) graph = this.once(graph, field, 'graph');
      else if (field.number === 8) {
        const found = this.operatorSet(this.read.range(field));
        if (found.domain === '' || found.domain === 'ai.onnx') opset = found.version;
      } else if (field.number === 25)
        throw this.refuse('UNSUPPORTED', 'functions', 'none', 'some', 'Export them inlined.');
    }
    if (version < 1 || version > 100 || !graph)
      throw this.reader.error(0, 'file', 'a model of ONNX', 'no version or graph');
    if (opset < opsets.first || opset > opsets.last) {
      const expected = `${opsets.first} to ${opsets.last}`;
      throw this.refuse('UNSUPPORTED', 'version of the operators', expected, String(opset));
    }
    return this.graph(graph, opset);
  }

  private operatorSet(range: Range): { domain: string; version: number } {
    let [domain, version] = ['', 0];
    for (const field of fieldsOf(this.reader, range)) {
      if (field.number === 1) domain = this.read.text(field, 'domain');
      else if (field.number === 2) version = this.read.integer(field);
    }
    return { domain, version };
  }

  private graph(range: Range, opset: number): DecodedGraph {
    const nodes: DecodedNode[] = [];
    const constants = new Map<string, Constant>();
    const inputs: DecodedInput[] = [];
    const outputs: string[] = [];
    let name = '';
    for (const field of fieldsOf(this.reader, range)) {
      if (field.number === 1) {
        if (nodes.length === mostNodes)
          throw this.refuse('ONNX_LIMIT', 'nodes', `at most ${mostNodes}`, 'more');
        nodes.push(this.node(this.read.range(field), field.at));
      } else if (field.number === 2) name = this.read.text(field, 'name of the graph');
      else if (field.number === 5) {
        const found = this.tensor(this.read.range(field), field.at);
        if (constants.has(found.name))
          throw this.reader.error(field.at, show(found.name), 'there once', 'twice');
        constants.set(found.name, found.constant);
      } else if (field.number === 11) inputs.push(this.input(this.read.range(field)));
      else if (field.number === 12) outputs.push(this.input(this.read.range(field)).name);
      else if (field.number === 15)
        throw this.refuse('UNSUPPORTED', 'constants', 'dense', 'sparse ones');
    }
    return { name, opset, nodes, constants, inputs, outputs };
  }

  private node(range: Range, at: number): DecodedNode {
    const [inputs, outputs]: [string[], string[]] = [[], []];
    const attributes: Field[] = [];
    let [name, op, domain] = ['', '', ''];
    for (const field of fieldsOf(this.reader, range)) {
      if (field.number === 1) inputs.push(this.read.text(field, 'input of a node'));
      else if (field.number === 2) outputs.push(this.read.text(field, 'output of a node'));
      else if (field.number === 3) name = this.read.text(field, 'name of a node');
      else if (field.number === 4) op = this.read.text(field, 'operator of a node');
      else if (field.number === 5) attributes.push(field);
      else if (field.number === 7) domain = this.read.text(field, 'domain of a node');
    }
    if (op === '' || !outputs[0])
      throw this.reader.error(at, 'node', 'with an operator and an output', 'without');
    const label = name || outputs[0];
    const found = new Map<string, AttributeValue>();
    for (const field of attributes) {
      const [key, value] = this.attribute(this.read.range(field), field.at, `${label} (${op})`);
      if (found.has(key))
        throw this.reader.error(field.at, `${key} of node ${show(label)}`, 'there once', 'twice');
      found.set(key, value);
    }
    return { name: label, op, domain, inputs, outputs, attributes: found };
  }

  private attribute(range: Range, at: number, node: string): [string, AttributeValue] {
    let name = '';
    let single: AttributeValue | undefined;
    const [numbers, texts]: [number[], string[]] = [[], []];
    let type = 0;
    for (const field of fieldsOf(this.reader, range)) {
      const what = `attribute of node ${node}`;
      if (field.number === 1) name = this.read.text(field, what);
      else if (field.number === 2) single = this.read.float(field, what);
      else if (field.number === 3) single = this.read.integer(field);
      else if (field.number === 4) single = this.read.text(field, what);
      else if (field.number === 5) single = this.tensor(this.read.range(field), field.at).constant;
      else if (field.number === 6 || field.number === 11) single = 'graph';
      else if (field.number === 7)
        for (const value of this.read.floats(field, 4, what)) numbers.push(value);
      else if (field.number === 8)
        for (const value of this.read.integers(field)) numbers.push(value);
      else if (field.number === 9) texts.push(this.read.text(field, what));
      else if (field.number === 20) type = this.read.integer(field);
      else if (field.number === 21)
        throw this.reader.error(field.at, what, 'a value', 'a reference to one');
    }
    if (name === '') throw this.reader.error(at, `attribute of node ${node}`, 'named', 'none');
    if (single !== undefined) return [name, single];
    if (type === 8) return [name, texts];
    return [name, numbers];
  }

  /** A value of a graph: its name, type and shape. */
  private input(range: Range): DecodedInput {
    let [name, elementType] = ['', 0];
    let shape: (number | null)[] = [];
    for (const field of fieldsOf(this.reader, range)) {
      if (field.number === 1) name = this.read.text(field, 'name of a value');
      if (field.number !== 2) continue;
      for (const type of fieldsOf(this.reader, this.read.range(field))) {
        if (type.number !== 1) continue;
        for (const part of fieldsOf(this.reader, this.read.range(type))) {
          if (part.number === 1) elementType = this.read.integer(part);
          else if (part.number === 2) shape = this.extents(this.read.range(part), name);
        }
      }
    }
    return { name, elementType, shape };
  }

  private extents(range: Range, name: string): (number | null)[] {
    const shape: (number | null)[] = [];
    for (const dimension of fieldsOf(this.reader, range)) {
      if (dimension.number !== 1) continue;
      let extent: number | null = null;
      for (const field of fieldsOf(this.reader, this.read.range(dimension)))
        if (field.number === 1) extent = this.read.integer(field);
      if (extent !== null && extent < 0)
        throw this.reader.error(dimension.at, `extent of ${show(name)}`, 'a count', `${extent}`);
      shape.push(extent);
      if (shape.length > mostAxes)
        throw this.refuse('ONNX_LIMIT', `axes of ${show(name)}`, `at most ${mostAxes}`, 'more');
    }
    return shape;
  }

  private tensor(range: Range, at: number): { name: string; constant: Constant } {
    const shape: number[] = [];
    let [name, type] = ['', 0];
    let raw: Field | undefined;
    const lists: Field[] = [];
    for (const field of fieldsOf(this.reader, range)) {
      if (field.number === 1) shape.push(...this.read.integers(field).slice(0, mostAxes + 1));
      else if (field.number === 2) type = this.read.integer(field);
      else if (field.number === 3)
        throw this.reader.error(field.at, 'constant', 'whole', 'a segment of one');
      else if (field.number === 8) name = this.read.text(field, 'name of a constant');
      else if (field.number === 9) {
        if (raw) throw this.reader.error(field.at, 'data of a constant', 'there once', 'twice');
        raw = field;
      } else if (field.number === 13 || (field.number === 14 && field.value !== 0n)) {
        throw new TsunoError('ONNX_LINK', {
          where: `${this.reader.where}, byte ${field.at}`,
          what: `constant ${show(name)}`,
          expected: 'in this file',
          found: 'one whose data lies in another',
          repair: 'Export the model into one file.',
        });
      } else if ([4, 5, 7, 10, 11].includes(field.number)) lists.push(field);
    }
    const what = `constant ${show(name)}`;
    if (shape.length > mostAxes || !isShape(shape)) {
      const expected = `a list of at most ${mostAxes} counts`;
      throw this.reader.error(at, `shape of ${what}`, expected, show(shape));
    }
    const element = elementTypes.get(type);
    if (!element) throw this.refuse('UNSUPPORTED', `type of ${what}`, 'of numbers', `type ${type}`);
    const count = shape.reduce((product, extent) => product * extent, 1);
    const isFloat = element.kind === 'float' || element.kind === 'bfloat';
    if (!raw) return { name, constant: this.listed(lists, shape, count, isFloat, what, at) };
    const bytes = this.read.bytes(raw, what);
    if (bytes.length !== count * element.size || lists.length > 0) {
      const expected = `${count * element.size} bytes for shape ${show(shape)}`;
      throw this.reader.error(raw.at, `data of ${what}`, expected, `${bytes.length}`);
    }
    const data = numbersFrom(bytes, element, count);
    return { name, constant: { kind: 'constant', isFloat, shape, data } };
  }

  /** A constant whose numbers are fields of their own: floats of 4 or 8 bytes, or whole numbers. */
  private listed(
    lists: readonly Field[],
    shape: readonly number[],
    count: number,
    isFloat: boolean,
    what: string,
    at: number,
  ): Constant {
    const refuse = (found: string) =>
      this.reader.error(at, `data of ${what}`, `${count} numbers for shape ${show(shape)}`, found);
    if (count > this.reader.length) throw refuse('fewer');
    const numbers: number[] = [];
    for (const field of lists) {
      const isList = field.number === 4 || field.number === 10;
      if (isList !== isFloat) throw refuse('numbers of another type');
      const found = isList
        ? this.read.floats(field, field.number === 4 ? 4 : 8, what)
        : this.read.integers(field);
      if (numbers.length + found.length > count) throw refuse('more');
      for (const value of found) numbers.push(value);
    }
    if (numbers.length !== count) throw refuse(String(numbers.length));
    const data = isFloat ? Float32Array.from(numbers) : Float64Array.from(numbers);
    return { kind: 'constant', isFloat, shape, data };
  }
}
