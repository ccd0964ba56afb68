/** @file A layer of one function, for tests that need an operation no layer is made of. */
import type { Value } from '../../src/ir/graph.ts';
import { Layer } from '../../src/layers/layer.ts';

export class Lambda extends Layer {
  private readonly compute: (x: Value) => Value;

  constructor(compute: (x: Value) => Value) {
    super();
    this.compute = compute;
  }

  override call(x: Value): Value {
    return this.compute(x);
  }
}
