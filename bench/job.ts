/** @file What one process measures, and what it finds. Processes are fresh, so that none warms another. */
import type { Arithmetic } from '../src/backends/wasm/kernel.ts';
import type { Profile } from './profile.ts';
import type { StreamRow } from './streaming.ts';
import type { ZerosResult } from './zeros.ts';

export interface Job {
  name: string;
  batch: number;
  threads: number;
  arithmetic: Arithmetic;
  /** Whether V8 may join pairs of 128-bit operations, where it can. */
  revectorize: boolean;
  /** As little as shows that everything works. */
  smoke: boolean;
  /**
   * `start`: from the start of the process to the end of the first step, and the memory of the job. `steps`: training and
   * inference. `train`: training only. `profile`: kernel by kernel. `stream`: epochs from memory and from files. `zeros`:
   * what zeros save.
   */
  task: 'start' | 'steps' | 'train' | 'profile' | 'stream' | 'zeros';
  /** When the process was asked for, as `Date.now()`. */
  asked: number;
  /** Processors that the process is held to; all of them where this is left out. */
  cores?: number;
  /** For `scaling`: the image and the filters instead of those of `name`. */
  variant?: { image: readonly number[]; filters: readonly number[] };
}

/** Of one network, batch, number of threads, arithmetic and Node. Times in milliseconds, `null` where not measured. */
export interface Measurement {
  name: string;
  batch: number;
  threads: number;
  /** The version that ran. */
  node: string;
  arithmetic: Arithmetic;
  revectorized: boolean;
  /** A training step: median of the rounds, least, most. */
  trainMs: number;
  trainMsMin: number;
  trainMsMax: number;
  /** A batch of `batch` predictions, through the program. */
  inferMs: number;
  inferMsMin: number;
  inferMsMax: number;
  /** Through the program, and through `predict`, by batch size. */
  infer: readonly { batch: number; programMs: number; predictMs: number }[];
  /** From the start of Node to the end of the first training step, data loaded. */
  firstStepMs: number;
  firstStepMsMin: number;
  firstStepMsMax: number;
  /** An epoch of `fit` with validation, 48,000 and 12,000 images of MNIST. */
  epochMs: number | null;
  /** Largest resident memory of a fresh process that trains, MiB. */
  peakMb: number;
}

export interface StartResult {
  firstStepMs: number;
  epochMs: number | null;
  peakMb: number;
}

export type StepsResult = Pick<
  Measurement,
  'trainMs' | 'trainMsMin' | 'trainMsMax' | 'inferMs' | 'inferMsMin' | 'inferMsMax' | 'infer'
> & { node: string; arithmetic: Arithmetic; revectorized: boolean };

export interface TrainResult {
  trainMs: number;
  multiplyAdds: number;
}

export interface Results {
  start: StartResult;
  steps: StepsResult;
  train: TrainResult;
  profile: Profile;
  stream: StreamRow[];
  zeros: ZerosResult;
}
