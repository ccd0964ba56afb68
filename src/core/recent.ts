/** @file A cache of so many values: when one more comes, that which was wanted longest ago goes. */

export class Recent<V> {
  private readonly limit: number;
  private readonly drop: (value: V) => void;
  /** The least recently wanted first. */
  private readonly values = new Map<string, V>();

  /** @param drop is told of each value that had to go. */
  constructor(limit: number, drop: (value: V) => void) {
    this.limit = limit;
    this.drop = drop;
  }

  get(key: string): V | undefined {
    const value = this.values.get(key);
    if (value === undefined) return undefined;
    this.values.delete(key);
    this.values.set(key, value);
    return value;
  }

  set(key: string, value: V): void {
    this.values.delete(key);
    this.values.set(key, value);
    for (const [oldest, old] of this.values) {
      if (this.values.size <= this.limit) break;
      this.values.delete(oldest);
      this.drop(old);
    }
  }

  /** Takes a value out, unless another is there now. */
  delete(key: string, value: V): void {
    if (this.values.get(key) === value) this.values.delete(key);
  }

  /** Takes all out. @returns what was there. */
  clear(): V[] {
    const all = [...this.values.values()];
    this.values.clear();
    return all;
  }

  get size(): number {
    return this.values.size;
  }
}
