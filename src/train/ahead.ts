/** @file Reads an iterator before its items are wanted, up to a weight of items that wait. */

/** Items that were read ahead. What reading throws comes in its turn, behind the items before it. */
export class Ahead<T> {
  private readonly iterator: AsyncIterator<T>;
  private readonly weigh: (item: T) => number;
  private readonly limit: number;
  private readonly items: T[] = [];
  private weight = 0;
  private isEnded = false;
  private isClosed = false;
  private failure: { error: unknown } | undefined;
  private waiting: (() => void)[] = [];

  /** @param limit weight of the items that wait, from which on no other is read. */
  constructor(iterator: AsyncIterator<T>, weigh: (item: T) => number, limit: number) {
    this.iterator = iterator;
    this.weigh = weigh;
    this.limit = limit;
    void this.read();
  }

  private async read(): Promise<void> {
    try {
      while (!this.isClosed) {
        if (this.weight >= this.limit) {
          await this.change();
          continue;
        }
        const { done, value } = await this.iterator.next();
        if (done) break;
        this.items.push(value);
        this.weight += this.weigh(value);
        this.notify();
      }
    } catch (error) {
      this.failure = { error };
    } finally {
      this.isEnded = true;
      this.notify();
    }
  }

  private change(): Promise<void> {
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  private notify(): void {
    const { waiting } = this;
    this.waiting = [];
    for (const wake of waiting) wake();
  }

  /**
   * Waits for another item.
   *
   * @returns whether there is one; false too where `signal` aborts.
   * @throws what reading threw.
   */
  async has(signal?: AbortSignal): Promise<boolean> {
    const wake = () => this.notify();
    signal?.addEventListener('abort', wake);
    try {
      while (this.items.length === 0 && !this.isEnded && !signal?.aborted) await this.change();
    } finally {
      signal?.removeEventListener('abort', wake);
    }
    if (signal?.aborted) return false;
    if (this.items.length > 0) return true;
    if (this.failure) throw this.failure.error;
    return false;
  }

  /** The next item, if it has been read. */
  get first(): T | undefined {
    return this.items[0];
  }

  /** Takes the next item, which {@link has} said there is. */
  take(): T {
    const item = this.items.shift() as T;
    this.weight -= this.weigh(item);
    this.notify();
    return item;
  }

  /** Reads no more, and tells the iterator so. One that is at work on an item is not waited for. */
  close(): void {
    this.isClosed = true;
    this.notify();
    this.iterator.return?.().catch(() => undefined);
  }
}
