/** @file A display that follows a run: what it throws ends the run, but not from inside the engine's clock. */

export interface Watched {
  progress?: ((stepsDone: number) => void) | undefined;
  signal?: AbortSignal | undefined;
}

export interface Watch extends Watched {
  release(): void;
  /** Throws what `progress` threw. */
  rethrow(): void;
}

/** What `progress` throws ends the run, but not from inside the engine's clock. */
export function watched({ progress, signal }: Watched): Watch {
  if (!progress) return { signal, release: () => undefined, rethrow: () => undefined };
  const stop = new AbortController();
  const abort = () => stop.abort();
  signal?.addEventListener('abort', abort);
  if (signal?.aborted) abort();
  const thrown: unknown[] = [];
  return {
    signal: stop.signal,
    progress: (done) => {
      if (thrown.length > 0) return;
      try {
        progress(done);
      } catch (error) {
        thrown.push(error);
        abort();
      }
    },
    release: () => signal?.removeEventListener('abort', abort),
    rethrow: () => {
      if (thrown.length > 0) throw thrown[0];
    },
  };
}
