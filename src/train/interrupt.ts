/**
 * @file Ctrl-C while a model trains: the first finishes the step and lets `fit` return what there is; the second leaves at
 * once. Node only; a page has the `signal` option.
 */

export interface Interrupt {
  signal: AbortSignal;
  release(): void;
}

/** Signals that ask a program to end, with the exit status of one that does (128 and the signal's number). */
const statuses = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/** Listens for Ctrl-C and its kin until released; aborts with `outer` too. */
export function onInterrupt(outer?: AbortSignal): Interrupt {
  const controller = new AbortController();
  const abort = () => controller.abort();
  outer?.addEventListener('abort', abort);
  if (outer?.aborted) abort();
  let asked = false;
  const listeners = Object.entries(statuses).map(([name, status]) => ({
    name: name as keyof typeof statuses,
    stop: () => {
      if (asked) process.exit(status);
      asked = true;
      process.exitCode ??= status;
      abort();
    },
  }));
  const isNode = typeof process !== 'undefined' && typeof process.on === 'function';
  if (isNode) for (const { name, stop } of listeners) process.on(name, stop);
  return {
    signal: controller.signal,
    release() {
      outer?.removeEventListener('abort', abort);
      if (isNode) for (const { name, stop } of listeners) process.off(name, stop);
    },
  };
}
