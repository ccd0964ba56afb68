/** @file A network in an engine, with data, ready to take any number of steps at a go: what is timed. */
import type { EngineOptions } from '../src/backends/wasm/engine.ts';
import { sizeOf } from '../src/core/shape.ts';
import type { Tensor } from '../src/core/tensor.ts';
import type { Graph } from '../src/ir/graph.ts';
import type { Model } from '../src/model/model.ts';
import type { Plan } from '../src/plan/plan.ts';
import { type Binding, type Program, Session } from '../src/runtime/session.ts';
import { Compiled } from '../src/train/compiled.ts';
import { haltName } from '../src/train/health.ts';
import type { Optimizer } from '../src/train/optimizers/optimizer.ts';
import {
  inputNames,
  predictStep,
  Randomness,
  type StepTypes,
  trainStep,
  typesOf,
} from '../src/train/step.ts';
import type { Steps } from './timing.ts';

function stepTypes(images: Tensor, labels: Tensor, batch: number): StepTypes {
  return typesOf({ x: [images], y: [labels], sampleWeights: [] }, batch);
}

export class Subject {
  readonly session: Session;
  private readonly model: Model;
  private readonly images: Tensor;
  private readonly labels: Tensor;
  private readonly data: Readonly<Record<string, Binding>>;

  private constructor(session: Session, model: Model, images: Tensor, labels: Tensor) {
    this.session = session;
    this.model = model;
    this.images = images;
    this.labels = labels;
    this.data = {
      [inputNames.x(0)]: { region: session.lend(images) },
      [inputNames.y(0)]: { region: session.lend(labels) },
    };
  }

  static async open(
    model: Model,
    images: Tensor,
    labels: Tensor,
    options: EngineOptions,
  ): Promise<Subject> {
    return new Subject(await Session.open(options), model, images, labels);
  }

  /** The step that `fit` takes. */
  static trainGraph(
    model: Model,
    images: Tensor,
    labels: Tensor,
    optimizer: Optimizer,
    batch: number,
  ): Graph {
    const options = { optimizer, loss: 'sparse_categorical_crossentropy', metrics: ['accuracy'] };
    const compiled = new Compiled(options, () => model.outputNames);
    return trainStep(model, compiled, stepTypes(images, labels, batch), new Randomness()).graph;
  }

  /** The batch of predictions that `predict` makes. */
  static predictGraph(model: Model, images: Tensor, labels: Tensor, batch: number): Graph {
    return predictStep(model, stepTypes(images, labels, batch), new Randomness());
  }

  /** Training steps. */
  async training(optimizer: Optimizer, batch: number): Promise<{ run: Steps; plan: Plan }> {
    const { model, images, labels } = this;
    const graph = Subject.trainGraph(model, images, labels, optimizer, batch);
    const program = await this.session.compile(graph, { halt: haltName });
    return { run: this.runner(program, batch, {}), plan: program.plan };
  }

  /** Batches of predictions. */
  async prediction(batch: number): Promise<Steps> {
    const graph = Subject.predictGraph(this.model, this.images, this.labels, batch);
    const program = await this.session.compile(graph, { streamed: [...graph.outputs.keys()] });
    const results = [...graph.outputs].map(([name, { shape }]) => {
      return [name, { region: this.session.reserve(sizeOf(shape) * 4) }] as const;
    });
    return this.runner(program, batch, Object.fromEntries(results));
  }

  close(): void {
    this.session.close();
  }

  /** Runs dispatches of up to `longest` steps, each over the samples in turn. */
  private runner(
    program: Program,
    batch: number,
    results: Readonly<Record<string, Binding>>,
  ): Steps {
    const longest = 2048;
    const region = this.session.reserve(longest * batch * 4);
    const rows = this.session.engine.view(region, 'int32', [longest * batch]);
    for (let i = 0; i < rows.length; i++) rows[i] = i % this.images.length;
    const inputs = {
      ...this.data,
      ...results,
      [inputNames.rows]: { region, stride: batch * 4 },
    };
    return async (steps) => {
      for (let left = steps; left > 0; left -= longest) {
        const wanted = Math.min(left, longest);
        const done = await this.session.run(program, { steps: wanted, inputs });
        if (done !== wanted) throw new Error(`${done} of ${wanted} steps were done`);
      }
    };
  }
}
