/**
 * @file Kernels with one bug each, to see whether the tests of kernels would find it. A bug is a small change of the emitted
 * instructions, in all shapes of one kernel: a bound one too far, a wrong stride or offset, a tail that is missing, an
 * accumulator that is not reset …
 */
import {
  type Code,
  f32x4,
  type Instruction,
  i32,
} from '../../src/backends/wasm/assembler/instructions.ts';
import type { FunctionBuilder } from '../../src/backends/wasm/assembler/module.ts';
import { RandomSequence } from '../../src/core/random.ts';
import type { Node } from '../../src/ir/graph.ts';

/** What stands in an instruction's place; `undefined`: there is nothing of this kind to change. */
type Change = (
  instruction: Instruction,
  isStatement: boolean,
) => readonly Instruction[] | undefined;

const constant = ({ name }: Instruction): number | undefined =>
  name.startsWith('i32.const ') ? Number(name.slice('i32.const '.length)) : undefined;

/** The same instruction with operand `at` changed. */
function withOperand(instruction: Instruction, at: number, operand: Instruction): Instruction {
  const operands = instruction.operands.map((one, i) => (i === at ? operand : one));
  return { ...instruction, operands };
}

/** With a constant operand moved by 4 bytes or elements where it is a multiple of them, else by 1. */
function moved(instruction: Instruction): readonly Instruction[] | undefined {
  const at = instruction.operands.findIndex((operand) => (constant(operand) ?? 0) > 0);
  if (at < 0) return undefined;
  const value = constant(instruction.operands[at]!)!;
  return [withOperand(instruction, at, i32.const(value + (value % 4 === 0 ? 4 : 1)))];
}

const swapped: Readonly<Record<string, (a: Instruction, b: Instruction) => Instruction>> = {
  'f32x4.add': f32x4.sub,
  'f32x4.sub': f32x4.add,
  'f32x4.min': f32x4.max,
  'f32x4.max': f32x4.min,
};

const isStore = ({ name }: Instruction) => name.includes('.store');
const isAccess = (one: Instruction) => /\.(load|store)/.test(one.name) && !/atomic/.test(one.name);

/** The kinds of bugs. */
export const bugs: Readonly<Record<string, Change>> = {
  'a bound one too far': (one) => {
    if (!/^i32\.(lt_u|lt_s|gt_s|le_s|ge_s)$/.test(one.name)) return undefined;
    const at = one.operands.findIndex((operand) => constant(operand) !== undefined);
    if (at < 0) return undefined;
    return [withOperand(one, at, i32.const(constant(one.operands[at]!)! + 1))];
  },
  'a wrong stride': (one) => (/^i32\.(mul|div_u|rem_u)$/.test(one.name) ? moved(one) : undefined),
  'a wrong step': (one) => {
    const [value] = one.operands;
    const isOwn =
      one.name.startsWith('local.set ') &&
      value?.name === 'i32.add' &&
      value.operands[0]!.name === `local.get ${one.name.slice('local.set '.length)}`;
    const step = isOwn ? moved(value) : undefined;
    return step && [withOperand(one, 0, step[0]!)];
  },
  'a wrong offset': (one) =>
    isAccess(one)
      ? [{ ...one, immediates: [one.immediates[0]!, one.immediates[1]! + 4] }]
      : undefined,
  'a tail that is missing': (one) => (one.name === 'if' ? [] : undefined),
  'a guard that is missing': (one) =>
    one.name === 'if' ? [withOperand(one, 0, i32.const(1))] : undefined,
  'a stale accumulator': (one, isStatement) =>
    isStatement &&
    one.name.startsWith('local.set ') &&
    /^(f32x4|i32x4|v128)\.const/.test(one.operands[0]!.name)
      ? []
      : undefined,
  'a store that is missing': (one) => (isStore(one) ? [] : undefined),
  'another operation': (one) => {
    const other = swapped[one.name];
    return other && [other(one.operands[0]!, one.operands[1]!)];
  },
};

/** A loop that only fetches memory; whatever it reads changes nothing. */
const isTouch = ({ name, body }: Instruction) =>
  name === 'loop' && body?.[0]?.name === 'drop' && isAccess(body[0].operands[0]!);

/** Rewrites every instruction by `change`, in order, the whole before its parts. */
function rewrite(code: Code, isStatement: boolean, change: Change): Instruction[] {
  return code.flatMap((one) => {
    if (isTouch(one)) return one;
    const other = change(one, isStatement);
    if (other) return other;
    return [
      {
        ...one,
        operands: rewrite(one.operands, false, withoutClamp(one, change)),
        ...(one.body ? { body: rewrite(one.body, true, change) } : {}),
        ...(one.otherwise ? { otherwise: rewrite(one.otherwise, true, change) } : {}),
      },
    ];
  });
}

/** In `select(a, limit, a < limit)` a bound one too far changes nothing. */
function withoutClamp({ name }: Instruction, change: Change): Change {
  if (name !== 'select') return change;
  return (one, isStatement) =>
    /^i32\.(lt|gt)_s$/.test(one.name) ? undefined : change(one, isStatement);
}

function countSites(fn: FunctionBuilder, change: Change): number {
  let sites = 0;
  rewrite(fn.body, true, (one, isStatement) => {
    if (change(one, isStatement)) sites++;
    return undefined;
  });
  return sites;
}

export interface Mutant {
  /** The kernel that has the bug. */
  kernel: string;
  /** Of {@link bugs}. */
  bug: string;
  /** Which of the places where it could be, as a part of all, from 0 to 1. */
  place: number;
}

/** Puts the bug into a function that has been emitted for `node`. @returns whether it has a place for it. */
export function putBug({ kernel, bug, place }: Mutant, node: Node, fn: FunctionBuilder): boolean {
  if (node.op.name !== kernel) return false;
  const change = bugs[bug]!;
  const sites = countSites(fn, change);
  if (sites === 0) return false;
  const chosen = Math.floor(place * sites);
  let site = 0;
  const mutated = rewrite(fn.body, true, (one, isStatement) => {
    const other = change(one, isStatement);
    return other && site++ === chosen ? other : undefined;
  });
  fn.body.splice(0, fn.body.length, ...mutated);
  return true;
}

/** `count` bugs, the kernels in turn. @param fits whether a kernel has a place for a bug. */
export function drawMutants(
  kernels: readonly string[],
  count: number,
  seed: number,
  fits: (mutant: Mutant) => boolean,
): Mutant[] {
  const random = new RandomSequence(seed, 404);
  const names = Object.keys(bugs);
  const first = random.below(kernels.length);
  const drawn: Mutant[] = [];
  while (drawn.length < count) {
    const kernel = kernels[(first + drawn.length) % kernels.length]!;
    const mutant = { kernel, bug: names[random.below(names.length)]!, place: random.uniform() };
    if (fits(mutant)) drawn.push(mutant);
  }
  return drawn;
}
