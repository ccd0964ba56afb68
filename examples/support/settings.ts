/** @file What the examples can be told by the environment, so that a test or a trial runs them smaller. */

export interface Settings {
  /** `TSUNO_RUN`: where pictures and figures land; default `runs/NAME`. */
  folder: string;
  /** `TSUNO_EPOCHS`, default 5. */
  epochs: number;
  /** `TSUNO_SEED`, default 1. */
  seed: number;
  /** `TSUNO_SAMPLES`: images for training and validation, default all 60,000. */
  samples: number;
  /** `TSUNO_THREADS`, default as many as tsuno takes. */
  threads: number | undefined;
}

/** @throws Error for a number that is none. */
export function settings(name: string): Settings {
  return {
    folder: process.env.TSUNO_RUN ?? `runs/${name}`,
    epochs: numberOf('TSUNO_EPOCHS') ?? 5,
    seed: numberOf('TSUNO_SEED') ?? 1,
    samples: numberOf('TSUNO_SAMPLES') ?? 60_000,
    threads: numberOf('TSUNO_THREADS'),
  };
}

function numberOf(variable: string): number | undefined {
  const text = process.env[variable];
  if (text === undefined || text === '') return undefined;
  const value = Number(text);
  if (Number.isInteger(value) && value >= 0) return value;
  throw new Error(`${variable} must be a whole number, received ${text}`);
}
