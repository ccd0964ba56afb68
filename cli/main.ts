#!/usr/bin/env node
/** @file The command `tsuno`: the arguments of this process to `run.ts`, its exit code back. */
import { run } from './run.ts';
import { processStreams } from './streams.ts';

// A reader that has seen enough, as `head`, closes the pipe: that is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});
process.exitCode = await run(process.argv.slice(2), processStreams());
