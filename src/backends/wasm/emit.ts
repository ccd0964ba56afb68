/**
 * @file One module for one plan: a function a kernel (equal kernels share one), and `run`, which does a number of steps
 * on one of the threads.
 *
 *     run(thread, threads, arena, control, steps):
 *       once kernels
 *       for each step: kernels, each on this thread's share of its units; meet where the plan says so; copies
 *         thread 0: count the step, move the inputs on, see whether to stop
 *
 * The control block (`control.ts`) is how threads meet and how the host watches; kernels are numbered there, once kernels
 * first.
 */
import { internal } from '../../core/errors.ts';
import type { Node } from '../../ir/graph.ts';
import type { Place, Plan, PlannedKernel } from '../../plan/plan.ts';
import { control, type Instruction, i32, memory } from './assembler/instructions.ts';
import { FunctionBuilder, forRange, type Local, ModuleBuilder } from './assembler/module.ts';
import { barrierFunction, cells, inputCell, spinsFor } from './control.ts';
import { type Arithmetic, type Join, KernelBuilder, type KernelSpec } from './kernel.ts';
import { kernels } from './kernels/index.ts';

const specs = new WeakMap<Node, KernelSpec>();

/** What runs `node`. */
export function kernelOf(node: Node): KernelSpec {
  const known = specs.get(node);
  if (known) return known;
  const template = (kernels as Record<string, (typeof kernels)[keyof typeof kernels] | undefined>)[
    node.op.name
  ];
  if (typeof template !== 'function')
    throw internal(`${node.op.name} has no kernel: ${template ?? 'unknown'}`);
  const spec = template(node);
  specs.set(node, spec);
  return spec;
}

export interface EmitOptions {
  arithmetic: Arithmetic;
  /** Default 1. */
  join?: Join;
  /** Looks before a thread sleeps at a meeting. Default: as for threads that take turns. */
  spins?: number;
  /** Byte address of each variable of the plan. */
  variables: readonly number[];
  /**
   * Exports the parts of a step, each to be called with (thread, threads, arena, control), in place of `run`: `kernel0`,
   * `kernel1`, … as they are numbered, `meet` and `finish`. So a profile can look at a clock between them.
   */
  pieces?: boolean;
  /** Sees each function before it is encoded. */
  watch?: (fn: FunctionBuilder) => void;
}

export function emitModule(
  plan: Plan,
  { arithmetic, join = 1, spins = spinsFor(2, 1), variables, pieces = false, watch }: EmitOptions,
): ModuleBuilder {
  const module = new ModuleBuilder();
  const define = (fn: FunctionBuilder, exportName?: string): number => {
    watch?.(fn);
    return module.add(fn, exportName);
  };
  const barrier = define(barrierFunction(spins));
  const functions = new Map<string, number>();
  const functionOf = ({ node }: PlannedKernel): number => {
    const spec = kernelOf(node);
    const known = functions.get(spec.key);
    if (known !== undefined) return known;
    const name = `${node.op.name}_${functions.size}`;
    const fn = new KernelBuilder(name, node.inputs.length, node.outputs.length, arithmetic, join);
    spec.emit(fn);
    const index = define(fn);
    functions.set(spec.key, index);
    return index;
  };
  for (const kernel of [...plan.once, ...plan.kernels]) functionOf(kernel);
  const parts = stepParts(plan, variables, barrier, functionOf);
  if (pieces) {
    const add = (name: string, code: Instruction[]) => {
      const fn = new FunctionBuilder(name, partParams);
      fn.push(...code);
      define(fn, name);
    };
    [...plan.once, ...plan.kernels].forEach((kernel, number) => {
      add(`kernel${number}`, parts.call(kernel, number));
    });
    add('meet', [parts.meet]);
    add('finish', [parts.finish]);
  } else define(runFunction(plan, parts), 'run');
  return module;
}

/** Thread, threads, arena, control. */
const partParams = ['i32', 'i32', 'i32', 'i32'] as const;

/** Code of a step's parts, in functions whose parameters begin with {@link partParams}. */
interface StepParts {
  call(kernel: PlannedKernel, number: number): Instruction[];
  meet: Instruction;
  /** What thread 0 does when all kernels of a step have ended. */
  finish: Instruction;
}

function stepParts(
  plan: Plan,
  variables: readonly number[],
  barrier: number,
  functionOf: (kernel: PlannedKernel) => number,
): StepParts {
  const [thread, threads, arena, block] = new FunctionBuilder('', partParams).params as [
    Local,
    Local,
    Local,
    Local,
  ];
  const first = i32.eqz(thread.get());

  const address = (place: Place): Instruction => {
    if (place.region === 'arena') return i32.add(arena.get(), i32.const(place.offset));
    if (place.region === 'variable') return i32.const(variables[place.index]!);
    return i32.load(block.get(), inputCell(place.index).pointer);
  };
  const asked = i32.atomic.load(block.get(), cells.stopRequest);
  const stop = plan.halt ? i32.or(asked, i32.load(address(plan.halt))) : asked;
  const meet = control.call(barrier, [threads.get(), block.get()]);
  const share = (units: number, of: Instruction) =>
    i32.div_u(i32.mul(i32.const(units), of), threads.get());
  const call = (kernel: PlannedKernel, number: number): Instruction[] => {
    const here = i32.store(block.get(), i32.const(number), cells.kernel);
    const pointers = [...kernel.inputs, ...kernel.outputs].map(address);
    const scratch = kernel.scratch;
    const index = functionOf(kernel);
    if (!kernel.spread) {
      const own = scratch ? address(scratch) : i32.const(0);
      return [
        control.if(first, [
          here,
          control.call(index, [...pointers, own, i32.const(0), i32.const(kernel.units)]),
        ]),
      ];
    }
    const own = scratch
      ? i32.add(
          address(scratch),
          i32.mul(thread.get(), i32.div_u(i32.const(scratch.bytes), threads.get())),
        )
      : i32.const(0);
    const lo = share(kernel.units, thread.get());
    const hi = share(kernel.units, i32.add(thread.get(), i32.const(1)));
    return [control.if(first, [here]), control.call(index, [...pointers, own, lo, hi])];
  };
  const finish = control.if(first, [
    ...plan.copies.map(({ from, to }) =>
      memory.copy(address(to), address(from), i32.const(to.bytes)),
    ),
    ...plan.inputs.map((_, i) => {
      const { pointer, stride } = inputCell(i);
      const moved = i32.add(i32.load(block.get(), pointer), i32.load(block.get(), stride));
      return i32.store(block.get(), moved, pointer);
    }),
    i32.store(block.get(), stop, cells.stopDecided),
    control.drop(i32.atomic.add(block.get(), i32.const(1), cells.stepsDone)),
  ]);
  return { call, meet, finish };
}

function runFunction(plan: Plan, { call, meet, finish }: StepParts): FunctionBuilder {
  const fn = new FunctionBuilder('run', [...partParams, 'i32']);
  const [block, steps] = fn.params.slice(3) as [Local, Local];
  const step = fn.local('i32');
  const all = (list: readonly PlannedKernel[], firstNumber: number) =>
    list.flatMap((kernel, i) => [
      ...(kernel.barrier ? [meet] : []),
      ...call(kernel, firstNumber + i),
    ]);

  fn.push(
    ...(plan.once.length > 0 ? [...all(plan.once, 0), meet] : []),
    control.block(
      ...forRange(step, i32.const(0), () => steps.get(), 1, [
        ...all(plan.kernels, plan.once.length),
        meet,
        finish,
        meet,
        // Out of the loop, its guard block and the block around.
        control.br_if(2, i32.load(block.get(), cells.stopDecided)),
      ]),
    ),
  );
  return fn;
}
