/**
 * @file What the steps of a run depend on that are still to come: with the weights and the optimizer's variables, all that
 * is needed to go on in another process as if nothing had happened.
 */
import type { Tensor } from '../core/tensor.ts';
import type { Network } from '../topology/network.ts';
import type { Compiled } from './compiled.ts';

/** How long one epoch took. */
export type EpochTiming = {
  /** Steps of training done. */
  steps: number;
  /** Seconds of its steps of training alone. */
  trainSeconds: number;
  /** Seconds with validation and callbacks. */
  seconds: number;
};

/** What a state may be made of: JSON, and tensors. What is `undefined` is left out. */
export type StateValue =
  | null
  | undefined
  | boolean
  | number
  | string
  | Tensor
  | readonly StateValue[]
  | { readonly [name: string]: StateValue };

/** What a callback remembers. */
export type CallbackState = { readonly [name: string]: StateValue };

/** Where a run stands, between two steps. */
export interface RunPlace {
  /** The epoch at hand, or the next one, from 0. */
  epoch: number;
  /** Steps of it that are done. */
  batch: number;
  /** Whether `onEpochBegin` has been told. */
  begun: boolean;
}

/** What makes a run this run and no other, by name; values are compared as text. */
export type Configuration = Readonly<Record<string, string>>;

/** A run between two steps, without the weights and the optimizer. */
export interface RunState extends RunPlace {
  seed: number;
  learningRate: number;
  stopTraining: boolean;
  /** Those of the last whole epoch. */
  logs: Readonly<Record<string, number>>;
  timing: readonly EpochTiming[];
  configuration: Configuration;
  /** Of those that have a state, by class and order. */
  callbacks: Readonly<Record<string, CallbackState>>;
  /** Sums of losses and metrics in mid-epoch, and what random numbers count by. */
  variables: readonly Tensor[];
}

/** A state that was found, checked against the model, and not yet applied. */
export interface FoundState {
  state: RunState;
  /** Gives the model its weights and the optimizer its variables; nothing can fail any more. */
  apply(): void;
}

/** The run at hand, before its first step. */
export interface RunAtHand {
  network: Network;
  compiled: Compiled;
  /** Without the seed, where none was given. */
  configuration: Configuration;
  /** Says what the user should know. */
  warn(message: string): void;
}

/** What keeps the states of a run, on a disk say; a callback that has one is told by `fit`. */
export interface RunKeeper {
  /** Batches, counted over epochs, after which a state is kept; `undefined`: after each epoch. */
  readonly every: number | undefined;
  /**
   * Called before anything else.
   *
   * @returns the state to go on from, if there is one.
   * @throws TsunoError where there is one that does not fit the run.
   */
  open(run: RunAtHand): Promise<FoundState | undefined>;
  /** Keeps a state; the model stands still until then. */
  keep(state: RunState): Promise<void>;
  /** Called last. @param isWhole whether the run came to its end: states of it are not needed any more. */
  close(isWhole: boolean): Promise<void>;
}
