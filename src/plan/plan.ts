/**
 * @file From a graph to what runs: kernels in order, each value's place in memory, where threads must meet. Plain data,
 * printable; nothing here knows a backend.
 *
 * Memory: values live in one arena, laid out by lifetime (largest first, at the lowest offset that is free while it lives).
 * A variable's new value is written into the variable itself where nobody reads the old one later. At the step's end come
 * copies: first of what the others would overwrite.
 */
import { bytesOf } from '../core/dtype.ts';
import { internal } from '../core/errors.ts';
import { sizeOf } from '../core/shape.ts';
import type { Graph, Node, Value, VariableRef } from '../ir/graph.ts';
import type { InputAttrs } from '../ops/source.ts';
import { orderKernels } from './order.ts';

/** Where bytes are: an offset in the arena, a variable, or an input. */
export type Place =
  | { region: 'arena'; offset: number; bytes: number }
  | { region: 'variable'; index: number; bytes: number }
  | { region: 'input'; index: number; bytes: number };

export interface PlannedKernel {
  node: Node;
  inputs: readonly Place[];
  outputs: readonly Place[];
  scratch: Place | undefined;
  units: number;
  /** All threads share the units, or the first does them alone. */
  spread: boolean;
  /** Threads meet before it. */
  barrier: boolean;
}

/** A new value that could not be written in place, or a result that goes to another place each step. */
export interface PlannedCopy {
  from: Place;
  to: Place;
}

export interface Plan {
  graph: Graph;
  inputs: readonly InputAttrs[];
  variables: readonly VariableRef[];
  outputs: ReadonlyMap<string, Place>;
  /** Run once a dispatch: what depends on nothing that a step changes. */
  once: readonly PlannedKernel[];
  /** Run each step. */
  kernels: readonly PlannedKernel[];
  /** Done when all kernels of a step have ended. */
  copies: readonly PlannedCopy[];
  /** An `int32`: not 0 after a step ends the run. */
  halt: Place | undefined;
  arenaBytes: number;
}

/** What a plan must know of a kernel. */
export interface KernelCost {
  units: number;
  work: number;
  /** Bytes of private memory a thread. */
  scratch?: number;
}

export interface PlanOptions {
  threads: number;
  cost(node: Node): KernelCost;
  /** Bytes kept free around each value: the tests' red zones. Default 0. */
  redZone?: number;
  /** Results that each step writes to the place bound as an input of the same name. */
  streamed?: readonly string[];
  /** The result that can end a run. */
  halt?: string;
}

const alignment = 64;
/** Work below this is done faster by one thread than shared. */
const worthSharing = 6000;

export function roundUp(bytes: number): number {
  return Math.ceil(bytes / alignment) * alignment;
}

interface Interval {
  bytes: number;
  from: number;
  to: number;
  offset: number;
}

export function makePlan(graph: Graph, options: PlanOptions): Plan {
  return new Planner(graph, options).plan();
}

class Planner {
  private readonly graph: Graph;
  private readonly options: PlanOptions;
  private readonly order: Node[];
  private readonly once: Set<Node>;
  private readonly inputs: InputAttrs[] = [];
  private readonly variables: VariableRef[] = [];
  private readonly places = new Map<Value, Place>();
  private readonly intervals = new Map<Value, Interval>();
  private readonly scratches = new Map<Node, Interval>();
  private readonly copies: PlannedCopy[] = [];
  /** Old values of variables, and inputs, that are results or another variable's new value: set aside in the arena. */
  private readonly saved = new Map<Value, Interval>();

  constructor(graph: Graph, options: PlanOptions) {
    this.graph = graph;
    this.options = options;
    const kernels = graph.nodes.filter(({ op }) => !op.source && !op.alias);
    this.once = this.findOnce();
    this.order = [
      ...kernels.filter((node) => this.once.has(node)),
      ...this.ordered(kernels.filter((node) => !this.once.has(node))),
    ];
  }

  private ordered(kernels: readonly Node[]): Node[] {
    const old = new Map<Node, Value[]>();
    for (const [variable, value] of this.graph.updates) {
      const before = this.graph.variables.get(variable);
      const { node } = this.root(value);
      if (before) old.set(node, [...(old.get(node) ?? []), before]);
    }
    return orderKernels(kernels, {
      isSpread: (node) => this.isSpread(node),
      root: (value) => this.root(value),
      overwritten: (node) => old.get(node) ?? [],
    });
  }

  private isSpread(node: Node): boolean {
    const { units, work } = this.options.cost(node);
    return this.options.threads > 1 && units > 1 && work >= worthSharing;
  }

  plan(): Plan {
    this.placeSources();
    this.placeUpdates();
    this.measureLifetimes();
    const arenaBytes = this.layOut();
    const planned = this.schedule();
    this.planCopies();
    const halt =
      this.options.halt === undefined ? undefined : this.graph.outputs.get(this.options.halt);
    return {
      graph: this.graph,
      halt: halt && this.placeOf(halt),
      inputs: this.inputs,
      variables: this.variables,
      outputs: new Map(
        [...this.graph.outputs].map(([name, value]) => [name, this.placeOfResult(value)]),
      ),
      once: planned.filter(({ node }) => this.once.has(node)),
      kernels: planned.filter(({ node }) => !this.once.has(node)),
      copies: this.copies,
      arenaBytes,
    };
  }

  /** Nodes that depend only on constants and on variables that no step changes. */
  private findOnce(): Set<Node> {
    const once = new Set<Node>();
    for (const node of this.graph.nodes) {
      const fixed = (value: Value) => {
        if (!value.node.op.source) return once.has(value.node);
        const { variable } = value.node.attrs as { variable?: VariableRef };
        return variable !== undefined && !this.graph.updates.has(variable);
      };
      if (!node.op.source && !node.op.volatile && node.inputs.every(fixed)) once.add(node);
    }
    return once;
  }

  private placeSources(): void {
    const place = (variable: VariableRef): Place => {
      const known = this.variables.indexOf(variable);
      const index = known >= 0 ? known : this.variables.push(variable) - 1;
      return { region: 'variable', index, bytes: sizeOf(variable.shape) * bytesOf(variable.dtype) };
    };
    for (const node of this.graph.nodes) {
      if (!node.op.source) continue;
      const attrs = node.attrs as InputAttrs | { variable: VariableRef };
      const output = node.outputs[0]!;
      if ('variable' in attrs) this.places.set(output, place(attrs.variable));
      else
        this.places.set(output, {
          region: 'input',
          index: this.inputs.push(attrs) - 1,
          bytes: bytesOfValue(output),
        });
    }
    for (const variable of this.graph.updates.keys()) place(variable);
  }

  /** A value's memory is that of the value it is another view of. */
  private root(value: Value): Value {
    return value.node.op.alias ? this.root(value.node.inputs[0]!) : value;
  }

  private placeOf(value: Value): Place {
    const place = this.places.get(this.root(value));
    if (!place) throw internal(`%${value.node.id} ${value.node.op.name} has no place`);
    return place;
  }

  /** New values of variables go straight into them where that is safe, else through the arena. */
  private placeUpdates(): void {
    const taken = new Set<Value>();
    for (const [variable, value] of this.graph.updates) {
      const root = this.root(value);
      const index = this.variables.indexOf(variable);
      const place: Place = { region: 'variable', index, bytes: bytesOfValue(value) };
      if (!taken.has(root) && this.mayWriteInPlace(variable, root)) {
        taken.add(root);
        this.places.set(root, place);
      } else if (this.places.get(root) !== place) {
        this.pendingCopies.push({ value: root, to: place });
      }
    }
  }
  private readonly pendingCopies: { value: Value; to: Place }[] = [];

  /** Where a result lies after a step. */
  private placeOfResult(value: Value): Place {
    const saved = this.saved.get(this.root(value));
    return saved ? this.inArena(saved, bytesOfValue(value)) : this.placeOf(value);
  }

  private inArena({ offset }: Interval, bytes: number): Place {
    return { region: 'arena', offset: offset + (this.options.redZone ?? 0), bytes };
  }

  private planCopies(): void {
    for (const [value, interval] of this.saved) {
      const from = this.placeOf(value);
      this.copies.push({ from, to: this.inArena(interval, from.bytes) });
    }
    this.streamResults();
    for (const { value, to } of this.pendingCopies)
      this.copies.push({ from: this.placeOfResult(value), to });
  }

  private streamResults(): void {
    for (const name of this.options.streamed ?? []) {
      const value = this.graph.outputs.get(name);
      if (!value) throw internal(`no result ${name}`);
      const index = this.inputs.push({ name, shape: value.shape, dtype: value.dtype }) - 1;
      this.copies.push({
        from: this.placeOfResult(value),
        to: { region: 'input', index, bytes: bytesOfValue(value) },
      });
    }
  }

  private mayWriteInPlace(variable: VariableRef, value: Value): boolean {
    if (value.node.op.source || !value.node.op.inPlace || this.once.has(value.node)) return false;
    const old = this.graph.variables.get(variable);
    if (!old) return true;
    const position = this.order.indexOf(value.node);
    const reads = (node: Node) => node.inputs.some((input) => this.root(input) === old);
    if (this.order.slice(position + 1).some(reads)) return false;
    if (
      [...this.graph.outputs.values(), ...this.graph.updates.values()].some(
        (v) => this.root(v) === old,
      )
    )
      return false;
    // Stretched reads of itself would see elements already written.
    return value.node.inputs.every(
      (input) => this.root(input) !== old || sizeOf(input.shape) === sizeOf(value.shape),
    );
  }

  private measureLifetimes(): void {
    const end = this.order.length;
    const cost = this.options.cost;
    this.order.forEach((node, position) => {
      for (const output of node.outputs) {
        if (this.places.has(output)) continue;
        this.intervals.set(output, {
          bytes: this.padded(bytesOfValue(output)),
          from: position,
          to: position,
          offset: 0,
        });
      }
      for (const input of node.inputs) this.extend(input, position);
      const scratch = cost(node).scratch ?? 0;
      if (scratch > 0) {
        const bytes = this.padded(roundUp(scratch) * this.options.threads);
        this.scratches.set(node, { bytes, from: position, to: position, offset: 0 });
      }
    });
    for (const value of this.graph.outputs.values()) this.extend(value, end);
    for (const { value } of this.pendingCopies) this.extend(value, end);
    const results = [
      ...this.graph.outputs.values(),
      ...this.pendingCopies.map(({ value }) => value),
    ];
    for (const root of results.map((value) => this.root(value))) {
      if (!root.node.op.source) continue;
      const bytes = this.padded(bytesOfValue(root));
      this.saved.set(root, { bytes, from: end, to: end, offset: 0 });
    }
    // What is made once must last through every step.
    for (const [value, interval] of this.intervals)
      if (this.once.has(value.node)) interval.to = end;
  }

  private padded(bytes: number): number {
    return roundUp(bytes) + 2 * (this.options.redZone ?? 0);
  }

  private extend(value: Value, position: number): void {
    const interval = this.intervals.get(this.root(value));
    if (interval) interval.to = Math.max(interval.to, position);
  }

  /** Offsets: the largest first, each at the lowest offset free during its life. */
  private layOut(): number {
    const all = [
      ...this.intervals.values(),
      ...this.scratches.values(),
      ...this.saved.values(),
    ].sort((a, b) => b.bytes - a.bytes);
    const placed: Interval[] = [];
    let total = 0;
    for (const interval of all) {
      const rivals = placed
        .filter((other) => other.from <= interval.to && interval.from <= other.to)
        .sort((a, b) => a.offset - b.offset);
      let offset = 0;
      for (const rival of rivals) {
        if (rival.offset - offset >= interval.bytes) break;
        offset = Math.max(offset, rival.offset + rival.bytes);
      }
      interval.offset = offset;
      placed.push(interval);
      total = Math.max(total, offset + interval.bytes);
    }
    for (const [value, interval] of this.intervals)
      this.places.set(value, this.inArena(interval, bytesOfValue(value)));
    return total;
  }

  private schedule(): PlannedKernel[] {
    const hazards = new Hazards();
    const zone = this.options.redZone ?? 0;
    const firstOfStep = this.order.findIndex((node) => !this.once.has(node));
    return this.order.map((node, position) => {
      const { units } = this.options.cost(node);
      const spread = this.isSpread(node);
      const scratchInterval = this.scratches.get(node);
      const scratch: Place | undefined = scratchInterval && {
        region: 'arena',
        offset: scratchInterval.offset + zone,
        bytes: scratchInterval.bytes - 2 * zone,
      };
      const inputs = node.inputs.map((input) => this.placeOf(input));
      const outputs = node.outputs.map((output) => this.placeOf(output));
      if (position === firstOfStep) hazards.clear();
      const barrier = hazards.meet(inputs, scratch ? [...outputs, scratch] : outputs, spread);
      return { node, inputs, outputs, scratch, units, spread, barrier };
    });
  }
}

function bytesOfValue(value: Value): number {
  return sizeOf(value.shape) * bytesOf(value.dtype);
}

interface Access {
  place: Place;
  write: boolean;
  spread: boolean;
}

/** What was touched since threads last met: tells when they must meet again. */
class Hazards {
  private accesses: Access[] = [];

  clear(): void {
    this.accesses = [];
  }

  /** Records a kernel; true if threads must meet before it. */
  meet(reads: readonly Place[], writes: readonly Place[], spread: boolean): boolean {
    const mine = [
      ...reads.map((place) => ({ place, write: false, spread })),
      ...writes.map((place) => ({ place, write: true, spread })),
    ];
    const clash = this.accesses.some((before) =>
      mine.some(
        (now) =>
          (before.write || now.write) &&
          (before.spread || now.spread) &&
          overlap(before.place, now.place),
      ),
    );
    if (clash) this.accesses = [];
    this.accesses.push(...mine);
    return clash;
  }
}

function overlap(a: Place, b: Place): boolean {
  if (a.region === 'arena' && b.region === 'arena') {
    return a.offset < b.offset + roundUp(b.bytes) && b.offset < a.offset + roundUp(a.bytes);
  }
  return (
    a.region === b.region && a.region !== 'arena' && b.region !== 'arena' && a.index === b.index
  );
}
