/**
 * @file What becomes of a step of a model between its layers and WebAssembly, as text. `docs/inside.md` explains the
 * stages with a small network.
 */
import { printStep } from '../backends/wasm/printed.ts';
import { TsunoError } from '../core/errors.ts';
import type { PartialShape } from '../core/shape.ts';
import type { Graph } from '../ir/graph.ts';
import { printGraph } from '../ir/print.ts';
import { isShapeList } from '../layers/layer.ts';
import type { NetworkInput } from '../topology/network.ts';
import { Compiled } from '../train/compiled.ts';
import { whole } from '../train/fit_options.ts';
import { haltName } from '../train/health.ts';
import * as optimizers from '../train/optimizers/index.ts';
import { predictStep, Randomness, type StepTypes, trainStep } from '../train/step.ts';
import type { Model } from './model.ts';

/** What of a step can be looked at, in the order in which it comes to be. */
export const inspectStages = ['graph', 'gradient', 'passes', 'plan', 'kernels'] as const;

/**
 * `graph`: what the layers ask for. `gradient`: with the gradients and the optimizer's update. `passes`: after each pass
 * that changes the graph. `plan`: kernels in order, and where values lie. `kernels`: the functions in WebAssembly.
 */
export type InspectStage = (typeof inspectStages)[number];

export interface InspectOptions {
  /** Samples a step; default 32. */
  batchSize?: number | undefined;
  /** Threads that the plan is for; default 2. */
  threads?: number | undefined;
}

/**
 * A step of the model at one stage, as text: a step of training where the model is compiled with a loss, else one of
 * prediction. Nothing is run and nothing changes.
 *
 * @throws TsunoError `STATE` for a model that does not know its inputs, and for the gradient of one without a loss.
 * @example
 * ```ts
 * inspect(model, 'graph').startsWith('%0 = input()'); // true
 * ```
 */
export function inspect(model: Model, stage: InspectStage, options: InspectOptions = {}): string {
  const batch = whole('inspect', 'batchSize', options.batchSize ?? 32, 1);
  const threads = whole('inspect', 'threads', options.threads ?? 2, 1);
  const specs = model.inputSpecs;
  if (!specs) throw refuse(model, 'built', 'one that does not know its inputs yet');
  const compiled = model.compiled?.options.loss === undefined ? undefined : copyOf(model);
  if (stage === 'gradient' && !compiled) {
    throw refuse(model, 'compiled with a loss to have a gradient', 'none');
  }
  const graphs = new Map<string, string>();
  let last = '';
  const keep = (name: string, graph: Graph) => {
    const text = printGraph(graph);
    if (text !== last) graphs.set(graphs.has(name) ? `${name}_again` : name, text);
    last = text;
  };
  const types = typesFor(model, specs, batch, compiled);
  const step = compiled
    ? trainStep(model, compiled(), types, new Randomness(), keep).graph
    : predictStep(model, types, new Randomness(), keep);
  if (stage === 'graph') return graphs.get('traced')!;
  if (stage === 'gradient') return graphs.get('differentiated')!;
  const ends = compiled ? { halt: haltName } : { streamed: [...step.outputs.keys()] };
  const { plan, functions } = printStep(step, { threads, ...ends }, keep);
  if (stage === 'plan') return plan;
  if (stage === 'kernels') return functions.join('\n\n');
  return [...graphs].map(([name, text]) => `== ${name} ==\n${text}`).join('\n\n');
}

/** Makes what `compile` settled anew each time, so that looking at a step leaves the model's own as it is. */
function copyOf(model: Model): () => Compiled {
  const { options, optimizer } = model.compiled!;
  return () =>
    new Compiled(
      { ...options, optimizer: optimizers.get(optimizer.serialize()) },
      () => model.outputNames,
    );
}

/** Types of the columns of a step, with the labels that the losses want. */
function typesFor(
  model: Model,
  specs: readonly NetworkInput[],
  batch: number,
  compiled: (() => Compiled) | undefined,
): StepTypes {
  const inputs = specs.map(({ shape }) => shape);
  const found = model.outputShape(inputs.length === 1 ? inputs[0]! : inputs);
  const shapes: PartialShape[] = isShapeList(found) ? [...found] : [found];
  const outputs = shapes.map((shape) => ({
    shape: fixed(shape, batch),
    dtype: 'float32' as const,
  }));
  const x = specs.map(({ shape, dtype }) => ({ dtype, shape: fixed(shape, batch).slice(1) }));
  const losses = compiled?.().lossesFor(outputs, outputs) ?? [];
  const y = losses.map((loss, i) => {
    const shape = outputs[i]!.shape.slice(1);
    return loss?.labelKind === 'sparse'
      ? ({ dtype: 'int32', shape: shape.slice(0, -1) } as const)
      : ({ dtype: 'float32', shape } as const);
  });
  return { batch, x, y, weighted: [] };
}

/** The shape with this batch; other open extents become 32. */
function fixed(shape: PartialShape, batch: number): number[] {
  return shape.map((extent, axis) => (axis === 0 ? batch : (extent ?? 32)));
}

function refuse(model: Model, expected: string, found: string): TsunoError {
  return new TsunoError('STATE', {
    where: `inspect "${model.name}"`,
    what: 'the model',
    expected,
    found,
  });
}
