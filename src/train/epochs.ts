/**
 * @file Which batches an epoch trains on. Without `stepsPerEpoch` each epoch is one pass over the data. With it an epoch
 * goes on where the last one ended, as in Keras: a pass that runs out ends its epoch early, the next epoch starts another.
 * It is a function of the epoch alone, so that a run resumed at `initialEpoch` continues with the same batches.
 */

/** The batches of one epoch. */
export interface EpochPart {
  /** Number of the pass over the data, from 0; each has its own order of samples. */
  pass: number;
  /** First batch of the pass. */
  from: number;
  steps: number;
  /** Steps of all epochs before. */
  stepsBefore: number;
}

/**
 * The part of epoch `epoch`, from 0.
 *
 * @param batches of one pass over the data; `Infinity` where only its end will tell.
 * @example
 * ```ts
 * epochPart(1, 10, 4); // {"pass":0,"from":4,"steps":4,"stepsBefore":4}
 * epochPart(2, 10, 4); // {"pass":0,"from":8,"steps":2,"stepsBefore":8}
 * epochPart(3, 10, 4); // {"pass":1,"from":0,"steps":4,"stepsBefore":10}
 * ```
 */
export function epochPart(epoch: number, batches: number, stepsPerEpoch?: number): EpochPart {
  if (stepsPerEpoch === undefined)
    return { pass: epoch, from: 0, steps: batches, stepsBefore: stepsOf(epoch, batches) };
  const epochsPerPass = Math.ceil(batches / stepsPerEpoch);
  const pass = Math.floor(epoch / epochsPerPass);
  const from = (epoch % epochsPerPass) * stepsPerEpoch;
  const steps = Math.min(stepsPerEpoch, batches - from);
  return { pass, from, steps, stepsBefore: stepsOf(pass, batches) + from };
}

/** Of whole passes; where their length is not known, none are counted. */
function stepsOf(passes: number, batches: number): number {
  return Number.isFinite(batches) ? passes * batches : 0;
}
