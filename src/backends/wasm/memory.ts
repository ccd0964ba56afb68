/**
 * @file The engine's one linear memory and who has which part of it: first fit over free stretches, grown when none fits.
 */
import { TsunoError } from '../../core/errors.ts';
import { roundUp } from '../../plan/plan.ts';
import type { Region } from '../backend.ts';
import type { MemoryImport } from './assembler/module.ts';

const page = 65536;
/** Kernels may read (never write) up to a vector past a region. */
const slack = 64;
/** Largest memories to ask for, in pages: 4 GiB, else what a small device grants. */
const maxima = [65536, 32768, 16384, 4096];

export class EngineMemory {
  readonly memory: WebAssembly.Memory;
  readonly import: MemoryImport;
  private readonly open: Region[] = [];
  /** The first unused byte; address 0 stays empty, so that no region is "null". */
  private top = 64;

  constructor(shared: boolean) {
    const initial = 16;
    for (const maximum of maxima) {
      try {
        this.memory = new WebAssembly.Memory({ initial, maximum, shared });
        this.import = { initial, maximum, shared };
        return;
      } catch (cause) {
        if (maximum === maxima.at(-1)) throw outOfMemory(maximum * page, cause);
      }
    }
    throw outOfMemory(0, undefined);
  }

  /** The bytes; another object after each growth. */
  get buffer(): ArrayBufferLike {
    return this.memory.buffer;
  }

  allocate(bytes: number): Region {
    const size = roundUp(Math.max(1, bytes) + slack);
    const place = this.open.findIndex((region) => region.bytes >= size);
    if (place >= 0) {
      const found = this.open[place]!;
      if (found.bytes === size) this.open.splice(place, 1);
      else this.open[place] = { address: found.address + size, bytes: found.bytes - size };
      new Uint8Array(this.buffer, found.address, size).fill(0);
      return { address: found.address, bytes: size };
    }
    const region = { address: this.top, bytes: size };
    this.grow(this.top + size);
    this.top += size;
    return region;
  }

  free(region: Region): void {
    this.open.push(region);
    this.open.sort((a, b) => a.address - b.address);
    for (let i = this.open.length - 2; i >= 0; i--) {
      const [low, high] = [this.open[i]!, this.open[i + 1]!];
      if (low.address + low.bytes !== high.address) continue;
      this.open.splice(i, 2, { address: low.address, bytes: low.bytes + high.bytes });
    }
    const last = this.open.at(-1);
    if (last && last.address + last.bytes === this.top) {
      this.top = last.address;
      this.open.pop();
      // Bytes above the top count as zeros.
      new Uint8Array(this.buffer, last.address, last.bytes).fill(0);
    }
  }

  /** Takes a region back that was the last to be freed. */
  reclaim({ address, bytes }: Region): void {
    const around = this.open.findIndex(
      (region) => region.address <= address && address + bytes <= region.address + region.bytes,
    );
    if (around < 0) {
      // It was at the top.
      const before = address - this.top;
      if (before > 0) this.open.push({ address: this.top, bytes: before });
      this.top = address + bytes;
      return;
    }
    const [free] = this.open.splice(around, 1) as [Region];
    const after = free.address + free.bytes - (address + bytes);
    if (address > free.address)
      this.open.push({ address: free.address, bytes: address - free.address });
    if (after > 0) this.open.push({ address: address + bytes, bytes: after });
    this.open.sort((a, b) => a.address - b.address);
  }

  private grow(bytes: number): void {
    const missing = Math.ceil((bytes + slack) / page) - this.buffer.byteLength / page;
    if (missing <= 0) return;
    try {
      this.memory.grow(missing);
    } catch (cause) {
      throw outOfMemory(bytes, cause);
    }
  }
}

function outOfMemory(bytes: number, cause: unknown): TsunoError {
  return new TsunoError('MEMORY', {
    where: 'engine',
    what: 'memory',
    expected: `must grow to ${(bytes / 2 ** 20).toFixed(0)} MB`,
    found: 'a refusal by the platform',
    repair: 'Use a smaller batch or model.',
    cause,
  });
}
