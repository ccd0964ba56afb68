/** @file Changes to files that know what files are made of: bytes, numbers, ranges, and the trees of JSON. */
import { RandomSequence } from '../../src/core/random.ts';

/** Random choices that a seed repeats. */
export class Dice {
  private readonly sequence: RandomSequence;

  constructor(seed: number) {
    this.sequence = new RandomSequence(seed, 99);
  }

  below(bound: number): number {
    return this.sequence.below(Math.max(1, bound));
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  chance(share: number): boolean {
    return this.sequence.uniform() < share;
  }
}

const numbers = [
  0n,
  1n,
  2n,
  0x7fn,
  0x80n,
  0xffn,
  0x7fffn,
  0xffffn,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  0x100000000n,
  2n ** 40n,
  2n ** 53n,
  2n ** 63n,
  2n ** 64n - 1n,
];

/** A few bytes changed: bits, numbers that are at limits, ranges cut, doubled, moved or filled. */
export function mutateBytes(source: Uint8Array, dice: Dice): Uint8Array {
  let bytes = Uint8Array.from(source);
  for (let changes = 1 + dice.below(4); changes > 0; changes--) {
    const at = dice.below(bytes.length);
    const length = Math.min(bytes.length - at, 1 + dice.below(dice.chance(0.5) ? 16 : 2048));
    const kind = dice.below(8);
    if (kind === 0 && bytes.length > 0) bytes[at]! ^= 1 << dice.below(8);
    else if (kind <= 3) putNumber(bytes, dice.chance(0.5) ? at - (at % 8) : at, dice);
    else if (kind === 4) bytes = joined(bytes.subarray(0, at), bytes.subarray(at + length));
    else if (kind === 5) bytes = joined(bytes.subarray(0, at + length), bytes.subarray(at));
    else if (kind === 6) bytes.copyWithin(dice.below(bytes.length), at, at + length);
    else bytes.fill(dice.pick([0, 0xff, 0x20]), at, at + length);
  }
  return dice.chance(0.1) ? bytes.slice(0, dice.below(bytes.length)) : bytes;
}

function putNumber(bytes: Uint8Array, at: number, dice: Dice): void {
  const width = dice.pick([1, 2, 4, 8]);
  const near = BigInt(dice.pick([bytes.length, at, bytes.length - 1, dice.below(bytes.length)]));
  const value = dice.chance(0.4) ? near : dice.pick(numbers);
  for (let i = 0; i < width && at + i < bytes.length; i++)
    bytes[at + i] = Number((value >> BigInt(8 * i)) & 0xffn);
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(first.length + second.length);
  bytes.set(first);
  bytes.set(second, first.length);
  return bytes;
}

type Tree = Record<string, unknown> | unknown[];

const values = [
  null,
  true,
  false,
  0,
  -1,
  1,
  0.5,
  1e9,
  2 ** 40,
  -(2 ** 31),
  1e308,
  '',
  'x',
  'relu',
  [],
  {},
  [null, 4],
  ['a', 0, 0],
  [[]],
];
const keys = [
  'name',
  'config',
  'class_name',
  'module',
  'layers',
  'shape',
  'dtype',
  'units',
  'constructor',
  'prototype',
  'toString',
];

/** A copy of a tree of JSON with a few nodes replaced, removed, doubled or swapped. */
export function mutateTree(source: unknown, dice: Dice): unknown {
  const root = structuredClone(source);
  for (let changes = 1 + dice.below(3); changes > 0; changes--) {
    const places = placesIn(root);
    if (places.length === 0) break;
    const [parent, key] = dice.pick(places);
    const target = parent as Record<string, unknown>;
    const kind = dice.below(6);
    if (kind <= 1) target[key] = structuredClone(dice.pick(values));
    else if (kind === 2) {
      if (Array.isArray(parent)) parent.splice(Number(key), 1);
      else delete target[key];
    } else if (kind === 3) {
      const [other, name] = dice.pick(places);
      target[key] = structuredClone((other as Record<string, unknown>)[name]);
    } else if (kind === 4) {
      if (Array.isArray(parent)) parent.push(structuredClone(target[key]));
      else target[dice.pick(keys)] = structuredClone(dice.pick(values));
    } else if (typeof target[key] === 'number') {
      target[key] =
        (target[key] as number) * dice.pick([-1, 0.5, 2, 1000, 1e6]) + dice.pick([0, 1]);
    } else if (typeof target[key] === 'string') {
      target[key] = dice.pick([
        `${target[key]}x`,
        (target[key] as string).slice(1),
        'Dense',
        'InputLayer',
        'Functional',
        'os',
      ]);
    }
  }
  return root;
}

function placesIn(root: unknown): [Tree, string][] {
  const found: [Tree, string][] = [];
  const visit = (tree: unknown) => {
    if (typeof tree !== 'object' || tree === null) return;
    for (const [key, value] of Object.entries(tree)) {
      found.push([tree as Tree, key]);
      visit(value);
    }
  };
  visit(root);
  return found;
}
