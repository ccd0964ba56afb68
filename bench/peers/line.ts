/** @file The line that each peer's program prints, as `measure.py` says. */
import type { Timing } from '../timing.ts';

/** What one process has measured. */
export interface PeerLine {
  peer: string;
  /** The peers' name of the network. */
  network: string;
  batch: number;
  threads: number;
  /** A training step, where the peer trains. */
  train: Timing | null;
  /** From the start of the process to the end of the first training step. */
  firstStepMs: number | null;
  /** An epoch of MNIST with validation, where `fit` is measured. */
  epochMs: number | null;
  /** Largest resident memory of the process that trains, MiB. */
  peakMb: number;
  /** Predictions of a batch, by its size. */
  infer: readonly ({ batch: number } & Timing)[];
}
