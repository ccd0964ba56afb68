/**
 * @file Where backups of a run lie: a place with names and bytes, and on top of it the rules that make it safe. Each backup
 * is a new name; older ones go only when it is there; and the newest one that is whole counts.
 */
import { TsunoError } from '../core/errors.ts';

/**
 * A place for backups. Writing may fail half-way: what is read is checked.
 *
 * @example
 * ```ts no-run
 * const files = new Map<string, Uint8Array>();
 * const store: BackupStore = {
 *   where: 'memory',
 *   open: async () => {},
 *   names: async () => [...files.keys()],
 *   read: async (name) => files.get(name)!,
 *   write: async (name, bytes) => void files.set(name, bytes),
 *   remove: async (name) => void files.delete(name),
 *   close: async () => {},
 * };
 * ```
 */
export interface BackupStore {
  /** How messages call it. */
  readonly where: string;
  /** Takes the place for this run. @throws TsunoError `STATE` where another run has it. */
  open(): Promise<void>;
  /** Names of what is there, in any order. */
  names(): Promise<string[]>;
  read(name: string): Promise<Uint8Array>;
  /** Writes bytes under a name that is not there. */
  write(name: string, bytes: Uint8Array): Promise<void>;
  remove(name: string): Promise<void>;
  /** Lets go of the place. */
  close(): Promise<void>;
}

/** The backups of one run in a store, numbered. */
export class Backups<T> {
  private readonly store: BackupStore;
  private readonly keep: number;
  /** Numbers of those that are whole, the oldest first, and of those that are not. */
  private whole: number[] = [];
  private damaged: number[] = [];
  private last = 0;

  /** @param keep how many of the newest stay. */
  constructor(store: BackupStore, keep: number) {
    this.store = store;
    this.keep = keep;
  }

  /**
   * Takes the place and reads the newest backup that is whole.
   *
   * @param read what the bytes of a backup are; rejects with `CHECKSUM` where they are damaged.
   * @param warn is told of backups that are damaged.
   * @param anew whether to begin anew where all are damaged.
   * @returns `undefined` where there is none.
   * @throws TsunoError `CHECKSUM` where there are some, all of them damaged.
   */
  async open(
    read: (bytes: Uint8Array, where: string) => Promise<T>,
    warn: (message: string) => void,
    anew: boolean,
  ): Promise<T | undefined> {
    const { store } = this;
    await store.open();
    const numbers = (await store.names()).flatMap((name) => numberOf(name) ?? []);
    numbers.sort((a, b) => b - a);
    this.last = numbers[0] ?? 0;
    const errors: TsunoError[] = [];
    for (const [i, number] of numbers.entries()) {
      const where = this.placeOf(number);
      try {
        const found = await read(await store.read(nameOf(number)), where);
        this.whole = numbers.slice(i).reverse();
        this.damaged = numbers.slice(0, i);
        if (errors.length > 0)
          warn(`${errors.map(({ message }) => message).join(' ')} The run goes on from ${where}.`);
        return found;
      } catch (error) {
        if (!(error instanceof TsunoError) || error.code !== 'CHECKSUM') throw error;
        errors.push(error);
      }
    }
    this.damaged = numbers;
    const [first] = errors;
    if (!first) return undefined;
    const places = numbers.map((number) => this.placeOf(number)).join(', ');
    if (!anew) {
      throw new TsunoError('CHECKSUM', {
        where: store.where,
        what: 'backups',
        expected: 'whole, one of them at least',
        found: `only damaged ones: ${places}`,
        repair: 'Remove them, or pass force: true, to begin anew.',
        cause: first,
      });
    }
    warn(`${places}: damaged; the run begins anew.`);
    return undefined;
  }

  private placeOf(number: number): string {
    return `${this.store.where}, ${nameOf(number)}`;
  }

  /** Adds a backup, and only then removes what is older than those that stay. */
  async add(bytes: Uint8Array): Promise<void> {
    const number = this.last + 1;
    await this.store.write(nameOf(number), bytes);
    this.last = number;
    this.whole.push(number);
    const old = [...this.damaged, ...this.whole.slice(0, -this.keep)];
    this.whole = this.whole.slice(-this.keep);
    this.damaged = await this.removeAll(old);
  }

  /** Removes all backups. */
  async clear(): Promise<void> {
    this.damaged = await this.removeAll([...this.damaged, ...this.whole]);
    this.whole = [];
  }

  /** @returns those that could not be removed, to be tried again. */
  private async removeAll(numbers: readonly number[]): Promise<number[]> {
    const left: number[] = [];
    for (const number of numbers) {
      await this.store.remove(nameOf(number)).catch(() => left.push(number));
    }
    return left;
  }

  async close(): Promise<void> {
    await this.store.close();
  }
}

function nameOf(number: number): string {
  return `${String(number).padStart(9, '0')}.keras`;
}

function numberOf(name: string): number | undefined {
  return /^\d{9,15}\.keras$/.test(name) ? Number.parseInt(name, 10) : undefined;
}
