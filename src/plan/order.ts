/**
 * @file The order of a step's kernels. A kernel that needs what others have just written waits until all threads have met;
 * one that does not may go before that meeting, so that a meeting serves as many kernels as possible: the weights of the
 * next layers are packed beside the layer at hand, and a weight is updated, and its gradient forgotten, as soon as it may be.
 *
 *     given    a₁ │ b₁(a₁)   a₂ │ b₂(a₂)   a₃ │ b₃(a₃)        │ a meeting
 *     ordered  a₁   a₂   a₃ │ b₁   b₂   b₃
 *
 * Only kernels a little further on are looked at: values that are made early take memory for longer.
 */
import type { Node, Value } from '../ir/graph.ts';

/** Kernels that may go before the one whose turn it is. */
const lookAhead = 8;

export interface OrderOptions {
  /** Whether threads share a kernel's work, or the first does it alone. */
  isSpread(node: Node): boolean;
  /** The value in whose memory a value lies. */
  root(value: Value): Value;
  /** What must have run before a node that writes over it: those that read the old value. */
  overwritten(node: Node): readonly Value[];
}

/** `kernels`, each still behind those whose values it reads, and before those that write over what it reads. */
export function orderKernels(kernels: readonly Node[], options: OrderOptions): Node[] {
  const { isSpread } = options;
  const waits = waitsOf(kernels, options);
  /** The first of those left: one goes, and the next of `kernels` joins them. */
  const near = kernels.slice(0, lookAhead);
  const order: Node[] = [];
  const done = new Set<Node>();
  /** Those that have run since threads last met. */
  let recent = new Set<Node>();
  while (near.length > 0) {
    const ready = near.filter((node) => waits.get(node)!.every((other) => done.has(other)));
    const meets = (node: Node) =>
      waits.get(node)!.some((other) => recent.has(other) && (isSpread(other) || isSpread(node)));
    let next = ready.find((node) => !meets(node));
    if (!next) {
      recent = new Set();
      next = ready[0]!;
    }
    near.splice(near.indexOf(next), 1);
    const joining = kernels[lookAhead + order.length];
    if (joining) near.push(joining);
    order.push(next);
    done.add(next);
    recent.add(next);
  }
  return order;
}

/** For each kernel those that must have run before it. */
function waitsOf(
  kernels: readonly Node[],
  { root, overwritten }: OrderOptions,
): Map<Node, readonly Node[]> {
  const readers = new Map<Value, Node[]>();
  for (const node of kernels) {
    for (const input of node.inputs) {
      const value = root(input);
      const known = readers.get(value);
      if (known) known.push(node);
      else readers.set(value, [node]);
    }
  }
  const places = new Map(kernels.map((node, i) => [node, i]));
  return new Map(
    kernels.map((node) => {
      const makers = node.inputs.map((input) => root(input).node);
      const before = overwritten(node)
        .flatMap((value) => readers.get(value) ?? [])
        .filter((reader) => places.get(reader)! < places.get(node)!);
      return [node, [...makers, ...before].filter((other) => places.has(other))];
    }),
  );
}
