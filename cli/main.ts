#!/usr/bin/env node
/** @file The command `tsuno`: the arguments of this process to `run.ts`, its exit code back. */
import { TsunoError } from '../src/index.ts';
import { failureOf } from './failure.ts';
import { run } from './run.ts';
import { processStreams } from './streams.ts';

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // A reader that has seen enough, as `head`, closes the pipe: that is no error; nor is a terminal that was closed.
  const isGone = error.code === 'EIO' && process.stdout.isTTY;
  if (error.code === 'EPIPE' || isGone) process.exit(process.exitCode ?? 0);
  const { code, message } = failureOf(
    new TsunoError('SAVE', {
      where: 'standard output',
      what: 'the result',
      expected: 'written',
      found: String(error.code),
      cause: error,
    }),
  );
  process.stderr.write(`error: ${message}\n`);
  process.exit(code);
});
// Progress and messages that nobody takes, as on a terminal that was closed, are lost, and the work goes on.
process.stderr.on('error', () => undefined);
process.exitCode = await run(process.argv.slice(2), processStreams());
