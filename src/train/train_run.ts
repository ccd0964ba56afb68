/**
 * @file Steps of training, run so that no failure leaves a half-changed model. A run is cut into stretches of about a
 * second; before each, everything that steps change is copied. Steps are a function of the values before them, so the
 * state after any whole step of a stretch can be computed again, to the bit. That is the way back
 *
 * - where loss or gradients are not finite: the guard inside the step (`health.ts`) ends the run at once;
 * - where a weight or a state of the optimizer overflows although its gradient was finite: found after the stretch, then
 *   the step is searched by halves;
 * - where a thread dies or falls silent in mid-step: the engine has counted the steps that ended.
 */
import { TsunoError } from '../core/errors.ts';
import type { Variable } from '../layers/variable.ts';
import type { Binding, Session } from '../runtime/session.ts';
import { haltName, healthName } from './health.ts';
import type { StepProgram } from './programs.ts';
import { firstNonFinite, Snapshot } from './snapshot.ts';

/** Aim of a stretch, in seconds. */
const stretchSeconds = 1;
/** Steps of the first stretch, before there is a measurement. */
const firstSteps = 8;

export interface TrainRun {
  made: StepProgram;
  steps: number;
  /** What step `step` of this run, and by their strides those behind it, are fed. */
  inputsFrom(step: number): Record<string, Binding>;
  /** Variables that must stay finite. */
  finite: readonly Variable[];
  /** Where the state before a stretch is kept. */
  snapshot: Snapshot;
  /** Names a step of this run in errors, e.g. `fit "model", epoch 2, step 17`. */
  nameOf(step: number): string;
  progress: ((stepsDone: number) => void) | undefined;
  signal: AbortSignal | undefined;
}

/**
 * Runs the steps.
 *
 * @param inTurn runs a stretch when nobody else's run is in progress.
 * @returns the number of steps done; fewer than asked for where the signal aborted.
 * @throws TsunoError `NONFINITE_LOSS`, `WORKER`; variables are then those after the last whole, healthy step.
 */
export async function runTraining(
  session: Session,
  run: TrainRun,
  inTurn: (body: () => Promise<number>) => Promise<number>,
): Promise<number> {
  let done = 0;
  while (done < run.steps && !run.signal?.aborted) {
    const { secondsPerStep } = run.made;
    const wanted = secondsPerStep ? Math.ceil(stretchSeconds / secondsPerStep) : firstSteps;
    const [from, steps] = [done, Math.min(wanted, run.steps - done)];
    done += await inTurn(() => runStretch(session, run, from, steps));
  }
  return done;
}

async function runStretch(
  session: Session,
  run: TrainRun,
  from: number,
  steps: number,
): Promise<number> {
  const { made, signal, progress } = run;
  const before = run.snapshot.take(made.program.plan.graph.updates.keys());
  const started = performance.now();
  let reached = 0;
  let ran: number;
  let failure: unknown;
  try {
    ran = await session.run(made.program, {
      steps,
      signal,
      inputs: run.inputsFrom(from),
      progress: (now) => {
        reached = now;
        progress?.(from + now);
      },
    });
  } catch (error) {
    const isWorker = error instanceof TsunoError && error.code === 'WORKER';
    ran = isWorker ? reached : 0;
    failure = isWorker ? lostThread(error, run, from + ran) : error;
    await goTo(session, run, before, from, ran);
  }
  const isHalt = ran > 0 && isHalted(session, made);
  const halt = isHalt ? sickGradient(session, run, from + ran - 1) : undefined;
  const healthy = isHalt ? ran - 1 : ran;
  if (halt) await goTo(session, run, before, from, healthy);
  // A weight may have overflowed in a step before, and only then made the loss infinite.
  if (ran > 0 && firstNonFinite(run.finite))
    throw await findSickStep(session, run, before, from, healthy);
  if (halt) throw halt;
  if (failure) throw failure;
  if (ran > 0) made.secondsPerStep = (performance.now() - started) / 1000 / ran;
  return ran;
}

/** Brings the state after `steps` steps back. */
async function goTo(
  session: Session,
  run: TrainRun,
  before: Snapshot,
  from: number,
  steps: number,
): Promise<void> {
  before.restore();
  if (steps <= 0) return;
  try {
    await session.run(run.made.program, { steps, inputs: run.inputsFrom(from) });
  } catch (error) {
    before.restore();
    throw error;
  }
}

/** A thread that failed in step `step`. */
function lostThread(error: TsunoError, { nameOf }: TrainRun, step: number): TsunoError {
  return new TsunoError('WORKER', {
    where: `${nameOf(step)}, ${error.where}`,
    what: error.what,
    expected: error.expected,
    found: error.found,
    repair: `Weights are those before the step. ${error.repair ?? ''}`.trimEnd(),
    cause: error,
  });
}

function isHalted(session: Session, { program }: StepProgram): boolean {
  return session.engine.output(program, haltName)[0] !== 0;
}

const repair = 'Try a smaller learning rate.';

/** Which gradient it was; backwards from the loss, it is the first that is not finite. */
function sickGradient(session: Session, { made, nameOf }: TrainRun, step: number): TsunoError {
  const health = session.engine.output(made.program, healthName).slice() as ArrayLike<number>;
  const loss = health[0]!;
  const sick = made.checked.findLastIndex((_, i) => !Number.isFinite(health[i + 1]));
  const path = made.checked[sick]?.path;
  const isLoss = !Number.isFinite(loss);
  const first = isLoss && path ? ` The first gradient that is not finite is that of ${path}.` : '';
  return new TsunoError('NONFINITE_LOSS', {
    where: nameOf(step),
    what: isLoss ? 'the loss' : `the gradient of ${path}`,
    expected: 'finite',
    found: String(isLoss ? loss : health[sick + 1]),
    repair: `Weights are those before the step.${first} ${repair}`,
  });
}

/** The first step after which a weight is not finite: the state goes back to the one before it. */
async function findSickStep(
  session: Session,
  run: TrainRun,
  before: Snapshot,
  from: number,
  steps: number,
): Promise<TsunoError> {
  const { program } = run.made;
  let good = before;
  let first = from;
  // The step is one of `count` from `first`, and `good` is the state before that.
  for (let count = steps; count > 1; ) {
    const half = count >> 1;
    await goTo(session, run, good, first, half);
    if (firstNonFinite(run.finite)) count = half;
    else {
      good = new Snapshot().take(program.plan.graph.updates.keys());
      first += half;
      count -= half;
    }
  }
  await goTo(session, run, good, first, 1);
  const sick = firstNonFinite(run.finite);
  good.restore();
  return new TsunoError('NONFINITE_LOSS', {
    where: run.nameOf(first),
    what: `${sick?.variable.path} after the step`,
    expected: 'finite',
    found: String(sick?.value),
    repair: `Weights are those before the step. ${repair}`,
  });
}
