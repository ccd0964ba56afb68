/**
 * @file A training step with everything that could make bits depend on threads: convolutions (one with batch normalization, one
 * fused with pooling), dropout, a dense layer, softmax cross-entropy, Adam, batches gathered by index.
 */
import { createHash } from 'node:crypto';
import { RandomSequence } from '../../src/core/random.ts';
import { sizeOf } from '../../src/core/shape.ts';
import { tensor } from '../../src/core/tensor.ts';
import { gradients } from '../../src/grad/gradients.ts';
import { Graph, type Value } from '../../src/ir/graph.ts';
import { Variable } from '../../src/layers/variable.ts';
import * as ops from '../../src/ops/index.ts';
import { forwardPasses, runPasses } from '../../src/passes/index.ts';
import type { Program, Session } from '../../src/runtime/session.ts';
import { pool2x2, same3x3 } from '../support/geometry.ts';

const batch = 16;
const samples = 64;
const classes = 5;

export class SmallTraining {
  readonly graph: Graph;
  readonly step = new Variable<'int32'>({ name: 'step', shape: [], dtype: 'int32' });
  readonly loss = new Variable<'float32'>({ name: 'loss', shape: [] });
  private readonly weights: Variable<'float32'>[] = [];
  private readonly slots: Variable<'float32'>[] = [];
  private readonly initial: Float32Array[] = [];
  private readonly random = new RandomSequence(5, 9);

  constructor() {
    const graph = new Graph();
    const images = ops.input(graph, 'images', [samples, 12, 12, 1], 'uint8');
    const labels = ops.input(graph, 'labels', [samples], 'uint8');
    const rows = ops.input(graph, 'rows', [batch], 'int32');
    const weight = (...shape: number[]) => ops.read(graph, this.weight(shape));

    let x = ops.mul(ops.cast(ops.gatherRows(images, rows), 'float32'), 1 / 255);
    x = ops.conv2d(x, weight(3, 3, 1, 8), same3x3);
    x = ops.relu(ops.batchNormalize(x, weight(8), weight(8), 1e-3).y);
    x = ops.relu(ops.add(ops.conv2d(x, weight(3, 3, 8, 16), same3x3), weight(16)));
    x = ops.reshape(ops.maxPool2d(x, pool2x2), [batch, 6 * 6 * 16]);
    const step = ops.read(graph, this.step);
    const noise = { shape: x.shape, stream: 5 };
    const draws = ops.randomUniform(ops.scalar(x, 7, 'int32'), step, noise);
    x = ops.select(ops.less(draws, 0.5), 0, ops.mul(x, 2));
    const logits = ops.add(ops.matmul(x, weight(6 * 6 * 16, classes)), weight(classes));
    const truth = ops.cast(ops.gatherRows(labels, rows), 'int32');
    const isTruth = ops.intEqual(ops.reshape(truth, [batch, 1]), ops.iota(truth, classes));
    const picked = ops.select(isTruth, ops.logSoftmax(logits), 0);
    graph.outputs.set('loss', ops.mul(ops.reduceSum(picked), -1 / batch));

    this.graph = runPasses(graph, forwardPasses);
    this.update(this.graph.outputs.get('loss')!);
  }

  private weight(shape: number[]): Variable<'float32'> {
    const scale = shape.length > 1 ? Math.sqrt(3 / sizeOf(shape.slice(0, -1))) : 0.1;
    const values = () => (this.random.uniform() * 2 - 1) * scale;
    const initial = Float32Array.from({ length: sizeOf(shape) }, values);
    const made = new Variable<'float32'>({ name: `w${this.weights.length}`, shape, initial });
    this.weights.push(made);
    this.initial.push(initial.slice());
    return made;
  }

  /** Adam (Kingma and Ba 2014). */
  private update(loss: Value): void {
    const { graph } = this;
    const found = gradients(
      loss,
      this.weights.map((one) => ops.read(graph, one)),
    );
    const count = ops.intAdd(ops.read(graph, this.step), 1);
    const correction = (beta: number) =>
      ops.sub(1, ops.integerPower(ops.scalar(loss, beta), count));
    const rate = ops.div(ops.mul(ops.sqrt(correction(0.999)), 3e-3), correction(0.9));
    this.weights.forEach((weight, i) => {
      const [m, v] = ['m', 'v'].map((name) => this.slot(`${weight.name}/${name}`, weight.shape));
      const g = found[i]!;
      const towards = (slot: Variable, value: Value, part: number) => {
        const old = ops.read(graph, slot);
        const next = ops.add(old, ops.mul(ops.sub(value, old), part));
        graph.updates.set(slot, next);
        return next;
      };
      const first = towards(m!, g, 0.1);
      const second = towards(v!, ops.square(g), 1e-3);
      const change = ops.div(ops.mul(first, rate), ops.add(ops.sqrt(second), 1e-7));
      graph.updates.set(weight, ops.sub(ops.read(graph, weight), change));
    });
    graph.updates.set(this.step, count);
    graph.updates.set(this.loss, ops.add(ops.read(graph, this.loss), loss));
  }

  private slot(name: string, shape: readonly number[]): Variable<'float32'> {
    const made = new Variable<'float32'>({ name, shape });
    this.slots.push(made);
    return made;
  }

  /** Sets every variable to its first value. */
  reset(): void {
    this.weights.forEach((weight, i) => {
      weight.assign(this.initial[i]!);
    });
    for (const slot of [...this.slots, this.loss]) slot.assign(new Float32Array(slot.size));
    this.step.assign([0]);
  }

  /** The bits of all variables, as a short text; the step comes first. */
  state(): string {
    const hash = createHash('sha256');
    for (const { data } of [...this.weights, ...this.slots, this.loss])
      hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    return `step ${this.step.data[0]}: ${hash.digest('hex')}`;
  }

  /** Compiles the step and lends it data; the result runs a number of steps from the newest state. */
  async prepare(session: Session): Promise<PreparedTraining> {
    const random = new RandomSequence(6, 9);
    const bytes = (count: number, limit: number) =>
      Uint8Array.from({ length: count }, () => random.below(limit));
    const inputs = {
      images: { region: session.lend(tensor(bytes(samples * 144, 256), [samples, 12, 12, 1])) },
      labels: { region: session.lend(tensor(bytes(samples, classes), [samples])) },
      // The same batch each step; dropout makes each step another.
      rows: {
        region: session.lend(tensor(Int32Array.from(bytes(batch, samples)), [batch])),
      },
    };
    const program = await session.compile(this.graph);
    return { program, run: (steps) => session.run(program, { steps, inputs }) };
  }
}

export interface PreparedTraining {
  program: Program;
  run(steps: number): Promise<number>;
}
