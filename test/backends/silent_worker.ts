/** @file A thread of the engine that never says it is there. */
setInterval(() => undefined, 1000);
