/**
 * @file A list of layers, each called on the output of the one before. Where the first says what comes in, layers are
 * built as they are added; else all are, when the shape is known.
 */
import { show, TsunoError } from '../core/errors.ts';
import type { PartialShape } from '../core/shape.ts';
import { InputLayer } from '../layers/input_layer.ts';
import { Layer } from '../layers/layer.ts';
import { SymbolicTensor } from '../layers/symbolic.ts';
import { checkNames, Functional } from './functional.ts';

export class Sequential {
  readonly kind = 'sequential';
  private readonly where: string;
  private inputLayer: InputLayer | undefined;
  private readonly stack: Layer[] = [];
  /** What the layers so far give, from the input on; empty where the input is not known. */
  private readonly tensors: SymbolicTensor[] = [];
  private functional: Functional | undefined;

  constructor(where: string) {
    this.where = where;
  }

  /** The layers without the input layer. */
  get layers(): readonly Layer[] {
    return this.stack;
  }

  /** The layers with the input layer, where there is one. */
  get allLayers(): readonly Layer[] {
    return this.inputLayer ? [this.inputLayer, ...this.stack] : this.stack;
  }

  /** Shape of the input with the batch, once known. */
  get inputShape(): PartialShape | undefined {
    return this.inputLayer?.batchShape;
  }

  /** Whether the input is known and there are layers. */
  get built(): boolean {
    return this.tensors.length > 1;
  }

  /** As a network of calls, once built. */
  get network(): Functional | undefined {
    if (!this.built) return undefined;
    this.functional ??= new Functional(this.where, [this.tensors[0]!], [this.tensors.at(-1)!]);
    return this.functional;
  }

  add(item: unknown): void {
    const layer = item instanceof SymbolicTensor ? item.history.layer : item;
    if (!(layer instanceof Layer)) {
      throw new TsunoError('ARGUMENT', {
        where: this.where,
        what: 'layer',
        expected: 'a layer, or Input({ shape }) at the beginning',
        found: show(item),
      });
    }
    checkNames(this.where, [...this.allLayers, layer]);
    if (layer instanceof InputLayer) {
      this.begin(layer);
      return;
    }
    if (this.tensors.length > 0) this.tensors.push(layer(this.tensors.at(-1)!));
    this.stack.push(layer);
    this.functional = undefined;
  }

  /** Takes the last layer off. */
  pop(): Layer {
    const layer = this.stack.pop();
    if (!layer) {
      throw new TsunoError('STATE', {
        where: this.where,
        what: 'a model that loses a layer',
        expected: 'must have one',
        found: 'none',
      });
    }
    if (this.tensors.length > 1) this.tensors.pop();
    this.functional = undefined;
    return layer;
  }

  /** Builds all layers for inputs of this shape. */
  build(shape: PartialShape): void {
    if (this.stack.length === 0) {
      throw new TsunoError('STATE', {
        where: this.where,
        what: 'a model that is built',
        expected: 'must have layers',
        found: 'none',
        repair: 'Use model.add(layer).',
      });
    }
    if (!this.inputLayer) this.begin(new InputLayer({ batchShape: shape }));
  }

  private begin(layer: InputLayer): void {
    if (this.inputLayer || this.tensors.length > 0) {
      throw new TsunoError('ARGUMENT', {
        where: this.where,
        what: 'input',
        expected: 'given once, before the layers',
        found: `"${layer.name}" after "${this.inputLayer?.name}"`,
      });
    }
    const tensors = [layer.output];
    for (const next of this.stack) tensors.push(next(tensors.at(-1)!));
    this.inputLayer = layer;
    this.tensors.push(...tensors);
  }
}
