/**
 * @file Ctrl-C while a model trains: the first finishes the step and lets `fit` return what there is; the second leaves at
 * once. Node only; a page has the `signal` option.
 */

export interface Interrupt {
  signal: AbortSignal;
  release(): void;
}

/** Exit status of a program that the user stopped. */
const stoppedByUser = 130;

/** Listens for Ctrl-C until released; aborts with `outer` too. */
export function onInterrupt(outer?: AbortSignal): Interrupt {
  const controller = new AbortController();
  const abort = () => controller.abort();
  outer?.addEventListener('abort', abort);
  if (outer?.aborted) abort();
  const stop = () => {
    if (controller.signal.aborted) process.exit(stoppedByUser);
    process.exitCode = stoppedByUser;
    abort();
  };
  const isNode = typeof process !== 'undefined' && typeof process.on === 'function';
  if (isNode) process.on('SIGINT', stop);
  return {
    signal: controller.signal,
    release() {
      outer?.removeEventListener('abort', abort);
      if (isNode) process.off('SIGINT', stop);
    },
  };
}
