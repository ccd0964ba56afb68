/**
 * @file How `fit` has its states kept, and goes on from one. A state is that between two steps, or between a step and
 * validation, or between two epochs: never one that half of the callbacks have been told of. While they are told, `hold`
 * has a copy of what was before, which is what is kept if one of them throws.
 */
import { TsunoError } from '../core/errors.ts';
import type { Variable } from '../layers/variable.ts';
import type { CallbackList, Logs, TrainedModel } from './callback.ts';
import type {
  CallbackState,
  Configuration,
  EpochTiming,
  FoundState,
  RunKeeper,
  RunPlace,
  RunState,
} from './run_state.ts';
import { Snapshot } from './snapshot.ts';
import type { Trainer } from './trainer.ts';

/** What of a run its states are made of. */
export interface KeptRun {
  trainer: Trainer;
  model: TrainedModel;
  callbacks: CallbackList;
  configuration: Configuration;
  /** As given; else one of this run's own, which a state found replaces. */
  seed: number;
  timing: EpochTiming[];
}

/** A copy of what was before callbacks were told. */
interface Held {
  place: RunPlace;
  logs: Logs;
  stopTraining: boolean;
  learningRate: number;
  callbacks: Readonly<Record<string, CallbackState>>;
}

export class Keeping {
  readonly seed: number;
  private readonly run: KeptRun;
  private readonly keeper: RunKeeper | undefined;
  private readonly found: FoundState | undefined;
  private readonly copy = new Snapshot();
  private held: Held | undefined;
  private place: RunPlace = { epoch: 0, batch: 0, begun: false };
  /** Steps of all epochs before the one at hand. */
  private stepsBefore = 0;
  private logs: Logs = {};
  /** Whether the model is that of the run: before, there is nothing to keep. */
  private isUnderWay = false;
  /** Whether the run has come to its end, and no state of it is needed any more. */
  isWhole = false;

  private constructor(run: KeptRun, keeper?: RunKeeper, found?: FoundState) {
    this.run = run;
    this.keeper = keeper;
    this.found = found;
    this.seed = found?.state.seed ?? run.seed;
  }

  /** Looks for a state to go on from. @throws TsunoError where there is one that does not fit. */
  static async open(
    run: Omit<KeptRun, 'configuration'>,
    configurationOf: () => Promise<Configuration>,
  ): Promise<Keeping> {
    const { callbacks, trainer } = run;
    const { keeper } = callbacks;
    if (!keeper) return new Keeping({ ...run, configuration: {} });
    const own = await configurationOf();
    const configuration = { ...own, callbacks: callbacks.statefulNames.join(', ') };
    const found = await keeper.open({
      network: trainer.network,
      compiled: trainer.compiled('fit'),
      configuration,
      warn: (message) => trainer.warn(message),
    });
    return new Keeping({ ...run, configuration }, keeper, found);
  }

  /** What callbacks are told of a run that goes on. */
  get params(): { resumedFrom?: { epoch: number; batch: number } } {
    if (!this.found) return {};
    const { epoch, batch } = this.found.state;
    return { resumedFrom: { epoch, batch } };
  }

  /**
   * To be called when training has begun; goes on from the state that was found.
   *
   * @returns the first epoch, the logs of the one before, and whether training had been told to stop there.
   */
  async begin(initialEpoch: number): Promise<{ epoch: number; logs: Logs; isOver: boolean }> {
    const { timing } = this.run;
    const state = this.found?.state;
    if (!state) {
      this.isUnderWay = true;
      return { epoch: initialEpoch, logs: {}, isOver: false };
    }
    timing.push(...state.timing);
    this.logs = { ...state.logs };
    // In mid-epoch the state is that after its `onEpochBegin`.
    if (!state.begun) await this.apply();
    return { epoch: state.epoch, logs: this.logs, isOver: state.stopTraining && !state.begun };
  }

  private async apply(): Promise<void> {
    const { trainer, model, callbacks } = this.run;
    const { state, apply } = this.found!;
    apply();
    const variables = variablesOf(trainer);
    // Other metrics than those of then are allowed by force alone; they begin anew.
    const fits =
      variables.map(({ size }) => size).join() === state.variables.map(({ size }) => size).join();
    variables.slice(0, fits ? undefined : 2).forEach((variable, i) => {
      variable.assign(state.variables[i]!);
    });
    await callbacks.restore(state.callbacks);
    model.stopTraining = state.stopTraining;
    this.isUnderWay = true;
  }

  /** To be called before `onEpochBegin`. */
  async beforeEpoch(epoch: number): Promise<void> {
    this.place = { epoch, batch: 0, begun: false };
    this.stepsBefore = this.steps;
    await this.hold();
  }

  /** To be called after `onEpochBegin`. @returns how many steps of the epoch, of `most`, are done already. */
  async enterEpoch(most: number): Promise<number> {
    this.held = undefined;
    this.place.begun = true;
    if (this.isUnderWay) return 0;
    await this.apply();
    const done = Math.min(this.found!.state.batch, most);
    this.stepsBefore = this.steps - done;
    return done;
  }

  /** How many steps may go in one go before somebody wants to know. */
  get stretch(): number {
    const every = this.keeper?.every;
    const own = every === undefined ? Number.POSITIVE_INFINITY : every - (this.steps % every);
    return Math.min(own, this.run.callbacks.stretchAfter(this.steps));
  }

  /** To be called after some steps. @param batch the last of them, from 0 in its epoch. */
  async afterSteps(batch: number): Promise<void> {
    const { callbacks, trainer } = this.run;
    await callbacks.tellStretch(this.steps, batch, () => trainer.compiled('fit').logs());
    const every = this.keeper?.every;
    if (every !== undefined && this.steps % every === 0) await this.keep();
  }

  /** To be called when the steps of an epoch are done, before validation and `onEpochEnd`. */
  async beforeEnd(): Promise<void> {
    await this.hold();
  }

  /** To be called when an epoch is over and everybody knows. */
  async afterEpoch(epoch: number, logs: Logs): Promise<void> {
    this.held = undefined;
    this.place = { epoch: epoch + 1, batch: 0, begun: false };
    this.logs = { ...logs };
    if (this.keeper && this.keeper.every === undefined) await this.keep();
  }

  /** Keeps what can be gone on from after an error. */
  async rescue(error: unknown): Promise<void> {
    const code = error instanceof TsunoError ? error.code : undefined;
    // A run that diverged would do so again; a disk that has just failed is not asked again.
    if (code === 'NONFINITE_LOSS' || code === 'SAVE') return;
    try {
      await this.keep();
    } catch (second) {
      this.run.trainer.warn(`The run could not be kept: ${String(second)}`);
    }
  }

  async close(): Promise<void> {
    await this.keeper?.close(this.isWhole);
  }

  /** Steps of the run so far. */
  private get steps(): number {
    return this.run.trainer.randomness.step.data[0]!;
  }

  private async now(): Promise<Held> {
    const { model, callbacks } = this.run;
    return {
      place: { ...this.place, batch: this.place.begun ? this.steps - this.stepsBefore : 0 },
      logs: this.logs,
      stopTraining: model.stopTraining,
      learningRate: model.optimizer.learningRate,
      callbacks: await callbacks.states(),
    };
  }

  private async hold(): Promise<void> {
    if (!this.keeper || !this.isUnderWay) return;
    this.copy.take(this.everything());
    this.held = await this.now();
  }

  private everything(): Variable[] {
    const { model, trainer } = this.run;
    return [...model.weights, ...model.optimizer.variables, ...variablesOf(trainer)];
  }

  /** Keeps the state now. */
  async keep(): Promise<void> {
    const { held, keeper } = this;
    if (!keeper || !this.isUnderWay) return;
    if (!held) {
      await keeper.keep(this.stateOf(await this.now()));
      return;
    }
    const after = new Snapshot().take(this.everything());
    this.copy.restore();
    try {
      await keeper.keep(this.stateOf(held));
    } finally {
      after.restore();
    }
  }

  private stateOf({ place, ...rest }: Held): RunState {
    const { configuration, timing, trainer } = this.run;
    const variables = variablesOf(trainer).map((variable) => variable.value());
    const { seed } = this;
    return { ...place, ...rest, seed, timing: [...timing], configuration, variables };
  }
}

function variablesOf(trainer: Trainer): Variable[] {
  const { seed, step } = trainer.randomness;
  return [seed, step, ...trainer.compiled('fit').variables] as Variable[];
}
