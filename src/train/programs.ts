/**
 * @file The programs of a model: one for each kind of step, batch size and type of data, compiled when first wanted and
 * kept until the model changes or too many others have been wanted since.
 */
import { Recent } from '../core/recent.ts';
import type { Layer } from '../layers/layer.ts';
import type { Variable } from '../layers/variable.ts';
import type { Program, Session } from '../runtime/session.ts';
import type { Network } from '../topology/network.ts';
import type { Compiled } from './compiled.ts';
import { haltName } from './health.ts';
import { predictStep, Randomness, type StepTypes, testStep, trainStep } from './step.ts';

/** Programs kept; a model that takes images of any size would else have one for every size it has met. */
export const mostPrograms = 64;

export type StepKind = 'train' | 'test' | 'predict';

export interface StepProgram {
  program: Program;
  /** Weights whose gradients the guard of a training step looks at, in the order of its result. */
  checked: readonly Variable[];
  /** Measured; `undefined` before the first run. */
  secondsPerStep: number | undefined;
}

export class Programs {
  readonly randomness = new Randomness();
  /** Predictions draw from steps of their own, so that one in mid-training changes nothing. */
  private readonly predictRandomness = new Randomness(this.randomness.seed);
  private readonly network: Network;
  private readonly made = new Recent<Promise<StepProgram>>(mostPrograms, drop);
  private structure: readonly unknown[] = [];

  constructor(network: Network) {
    this.network = network;
  }

  /**
   * The program for one kind of step on data of these types.
   *
   * @param compiled what steps of training and tests need.
   * @throws TsunoError where there is none: no loss, nothing to train, shapes that do not fit, no memory.
   */
  get(
    session: Session,
    kind: StepKind,
    types: StepTypes,
    compiled?: Compiled,
  ): Promise<StepProgram> {
    this.noticeStructure();
    const key = JSON.stringify([kind, types]);
    const known = this.made.get(key);
    if (known) return known;
    const made = this.make(session, kind, types, compiled);
    this.made.set(key, made);
    made.catch(() => this.made.delete(key, made));
    return made;
  }

  /** Drops all programs. @param dispose whether the engine that holds them goes on. */
  forget(dispose: boolean): void {
    for (const made of this.made.clear()) if (dispose) drop(made);
  }

  /** Freezing, thawing, adding and taking off layers changes what a step is. */
  private noticeStructure(): void {
    const now = structureOf(this.network);
    const same =
      now.length === this.structure.length && now.every((one, i) => one === this.structure[i]);
    if (!same) this.forget(true);
    this.structure = now;
  }

  private async make(
    session: Session,
    kind: StepKind,
    types: StepTypes,
    compiled?: Compiled,
  ): Promise<StepProgram> {
    const { network, randomness } = this;
    const of = (program: Program, checked: readonly Variable[] = []): StepProgram => ({
      program,
      checked,
      secondsPerStep: undefined,
    });
    if (kind === 'predict') {
      const graph = predictStep(network, types, this.predictRandomness);
      return of(await session.compile(graph, { streamed: [...graph.outputs.keys()] }));
    }
    if (kind === 'test') {
      return of(await session.compile(testStep(network, compiled!, types, randomness)));
    }
    const { graph, checked } = trainStep(network, compiled!, types, randomness);
    return of(await session.compile(graph, { halt: haltName }), checked);
  }
}

/** Frees a program once it is made. */
function drop(made: Promise<StepProgram>): void {
  made.then(
    ({ program }) => program.dispose(),
    () => undefined,
  );
}

/** Layers, whether they train, and their weights: equal lists mean the same steps. */
function structureOf(layer: Layer): unknown[] {
  const weights = layer.sublayers.length === 0 ? layer.weights : [];
  return [
    layer,
    layer.trainable,
    ...weights.flatMap((weight) => [weight, weight.trainable]),
    ...layer.sublayers.flatMap(structureOf),
  ];
}
