/**
 * @file What work may cost: processor time, which other programs on the machine do not add to, and memory that stays
 * with it. Collecting garbage of what ran before may fall into a measurement, so that one of three has to do.
 */
import assert from 'node:assert/strict';

/** Milliseconds of the processor, of all threads of this process, and bytes. */
export interface Cost {
  cpu: number;
  memory: number;
}

/** What `body` costs. */
export async function costOf(body: () => unknown): Promise<Cost> {
  const memory = () => {
    const { arrayBuffers, heapUsed } = process.memoryUsage();
    return arrayBuffers + heapUsed;
  };
  const before = memory();
  const began = process.cpuUsage();
  await body();
  const { user, system } = process.cpuUsage(began);
  return { cpu: (user + system) / 1000, memory: memory() - before };
}

/** Runs `body`, up to three times, and fails where it never keeps the limits. */
export async function assertCheap(body: () => unknown, limits: Partial<Cost>): Promise<void> {
  const { cpu = Infinity, memory = Infinity } = limits;
  const costs: string[] = [];
  for (let attempt = 0; attempt < 3; attempt++) {
    const cost = await costOf(body);
    if (cost.cpu < cpu && cost.memory < memory) return;
    costs.push(`${cost.cpu} ms and ${cost.memory} bytes`);
  }
  assert.fail(`took ${costs.join('; ')}, may take ${cpu} ms and ${memory} bytes`);
}
