/**
 * @file The network: a layer made of layers, in one of three forms. Functional: read off symbolic inputs and outputs.
 * Sequential: a list. Subclass: the user's `call`. Whatever the form, a trace gives one graph, and there is one way to
 * its weights, shapes and names.
 */
import type { DType } from '../core/dtype.ts';
import { show, TsunoError } from '../core/errors.ts';
import { snakeCase, uniqueName } from '../core/names.ts';
import { type PartialShape, showShape } from '../core/shape.ts';
import type { Value } from '../ir/graph.ts';
import {
  type CallContext,
  classNameOf,
  type InputShape,
  inside,
  isShapeList,
  Layer,
  type LayerClass,
  type LayerOptions,
  type OneOrMany,
} from '../layers/layer.ts';
import { registerLayer } from '../layers/registry.ts';
import { scratchShapes } from '../layers/scratch.ts';
import { type Config, optionsOf } from '../layers/serialized.ts';
import { SymbolicTensor } from '../layers/symbolic.ts';
import { currentTrace } from '../layers/trace.ts';
import { Functional, tensorsOf } from './functional.ts';
import {
  functionalConfig,
  functionalParts,
  sequentialConfig,
  sequentialLayers,
} from './network_config.ts';
import { Sequential } from './sequential.ts';

/** One input, as whoever feeds the network must know it. */
export interface NetworkInput {
  readonly name: string;
  /** With the batch; `null` where an extent may differ. */
  readonly shape: PartialShape;
  readonly dtype: DType;
}

/** Either `inputs` and `outputs`, or `layers`, or neither, for a class that has `call`. */
export interface NetworkOptions extends LayerOptions {
  inputs?: OneOrMany<SymbolicTensor> | undefined;
  outputs?: OneOrMany<SymbolicTensor> | undefined;
  layers?: readonly (Layer | SymbolicTensor)[] | undefined;
}

export type NetworkKind = 'functional' | 'sequential' | 'subclass';

const isSymbolic = (value: unknown): value is SymbolicTensor => value instanceof SymbolicTensor;

export class Network extends Layer {
  static readonly className: string = 'Network';
  readonly #form: Functional | Sequential | undefined;
  /** Whether inputs and outputs were given as lists. */
  readonly lists: { readonly inputs: boolean; readonly outputs: boolean };
  /** What a subclass found out when it was built. */
  #found: { inputs: readonly PartialShape[]; outputs: readonly PartialShape[] } | undefined;

  /** @throws TsunoError `ARGUMENT` where outputs do not follow from the inputs, or names are used twice. */
  constructor(options: NetworkOptions = {}) {
    const { inputs, outputs, layers } = options;
    const own = snakeCase(classNameOf(new.target as unknown as LayerClass));
    const base = inputs || outputs ? 'functional' : layers ? 'sequential' : own;
    super({ ...options, name: options.name ?? uniqueName(base) });
    this.autocast = false;
    this.lists = { inputs: Array.isArray(inputs), outputs: Array.isArray(outputs) };
    if (inputs || outputs) {
      const where = `Functional "${this.name}"`;
      this.#form = new Functional(
        where,
        tensorsOf(where, 'inputs', inputs ?? [], isSymbolic),
        tensorsOf(where, 'outputs', outputs ?? [], isSymbolic),
      );
      this.built = true;
    } else if (layers) {
      this.#form = new Sequential(`Sequential "${this.name}"`);
      for (const layer of layers) this.addLayer(layer);
    }
    if (options.trainable === false) this.trainable = false;
  }

  get kind(): NetworkKind {
    return (#form in this ? this.#form?.kind : undefined) ?? 'subclass';
  }

  override get className(): string {
    if (this.kind === 'functional') return 'Functional';
    return this.kind === 'sequential' ? 'Sequential' : super.className;
  }

  override get acceptsMask(): boolean {
    return true;
  }

  /** The network of calls: of a functional network, and of a sequential one once it is built. */
  get functional(): Functional | undefined {
    return this.#form instanceof Sequential ? this.#form.network : this.#form;
  }

  /** The layers in Keras's order; of a functional network with its input layers, of a sequential one without. */
  get layers(): readonly Layer[] {
    return this.#form?.layers ?? super.sublayers;
  }

  override get sublayers(): readonly Layer[] {
    return this.layers;
  }

  /** The layers with all input layers, as files list them. */
  get allLayers(): readonly Layer[] {
    return this.#form instanceof Sequential ? this.#form.allLayers : this.layers;
  }

  /**
   * A layer by its name, or by its place in `layers`.
   *
   * @throws TsunoError `ARGUMENT` where there is none.
   */
  getLayer(which: { name: string } | { index: number }): Layer {
    const { layers } = this;
    const found =
      'name' in which ? layers.find(({ name }) => name === which.name) : layers[which.index];
    if (found) return found;
    throw new TsunoError('ARGUMENT', {
      where: this.where,
      what: 'layer',
      expected:
        'name' in which
          ? `one of ${layers.map(({ name }) => name).join(', ')}`
          : `an index below ${layers.length}`,
      found: show('name' in which ? which.name : which.index),
    });
  }

  /** Symbolic inputs: of a functional network, or of a sequential one that is built. */
  get inputs(): readonly SymbolicTensor[] {
    return this.functional?.inputs ?? [];
  }

  get outputs(): readonly SymbolicTensor[] {
    return this.functional?.outputs ?? [];
  }

  override get input(): SymbolicTensor {
    return this.inputs.length === 1 ? this.inputs[0]! : super.input;
  }

  override get output(): SymbolicTensor {
    return this.outputs.length === 1 ? this.outputs[0]! : super.output;
  }

  /** What must be fed; `undefined` where that is known only once the network is built. */
  get inputSpecs(): readonly NetworkInput[] | undefined {
    if (this.functional) {
      return this.functional.inputs.map(({ history, shape, dtype }) => ({
        name: history.layer.name,
        shape,
        dtype,
      }));
    }
    return this.#found?.inputs.map((shape, i, all) => ({
      name: all.length === 1 ? 'input' : `input_${i}`,
      shape,
      dtype: 'float32',
    }));
  }

  /** Names of the outputs: of the layers that give them. */
  get outputNames(): readonly string[] {
    if (this.functional) return this.functional.outputNames;
    const count = this.#found?.outputs.length ?? 1;
    return count === 1 ? ['output'] : Array.from({ length: count }, (_, i) => `output_${i}`);
  }

  /**
   * Makes the weights, where the network does not know its inputs by itself.
   *
   * @param inputShape with the batch: one shape, or one for each input.
   */
  override build(inputShape: InputShape): void {
    const shapes = isShapeList(inputShape) ? inputShape : [inputShape];
    if (this.#form instanceof Sequential) this.#form.build(shapes[0]!);
    if (this.#form) return;
    const many = shapes.length > 1;
    const outputs = scratchShapes(this.where, inputShape, 'float32', (values) =>
      this.apply(values, many, false),
    );
    this.#found = {
      inputs: shapes.map((shape) => [null, ...shape.slice(1)]),
      outputs: isShapeList(outputs) ? outputs : [outputs],
    };
  }

  /**
   * Appends the whole network to the graph of the open trace.
   *
   * @param inputs one value for each input, in order.
   * @throws TsunoError `SHAPE` where they do not fit.
   */
  trace(inputs: readonly Value[]): readonly Value[] {
    const shapes = inputs.map(({ shape }) => shape);
    const open = shapes.map((shape) => [null, ...shape.slice(1)]);
    (this as Network).build(open.length === 1 ? open[0]! : open);
    const outputs = this.apply(inputs, inputs.length > 1, currentTrace().training);
    this.#found ??= { inputs: open, outputs: outputs.map(({ shape }) => shape) };
    return outputs;
  }

  override call(inputs: OneOrMany<Value>, _context: CallContext): OneOrMany<Value> {
    const list = Array.isArray(inputs) ? (inputs as readonly Value[]) : [inputs as Value];
    const { functional } = this;
    if (functional) {
      this.#checkInputs(functional, list);
      return functional.run(list);
    }
    throw new TsunoError('STATE', {
      where: this.where,
      what: 'a model without inputs, outputs or layers',
      expected: 'must have a method call(x, { training })',
      found: 'none',
    });
  }

  override outputShape(inputShape: InputShape): InputShape {
    const shapes = isShapeList(inputShape) ? inputShape : [inputShape];
    const { functional } = this;
    if (!functional) return super.outputShape(inputShape);
    this.#checkInputs(
      functional,
      shapes.map((shape) => ({ shape })),
    );
    const outputs = functional.outputShapes(shapes);
    return outputs.length === 1 ? outputs[0]! : outputs;
  }

  override outputDtype(inputs: readonly DType[]): DType {
    return this.outputs[0]?.dtype ?? (this.kind === 'subclass' ? this.dtype : inputs[0]!);
  }

  /** Keras's config: layers, and for functional networks the calls. */
  override config(): Config {
    if (this.#form instanceof Functional) return functionalConfig(this, this.#form, this.lists);
    if (this.#form) return sequentialConfig(super.config(), this.#form);
    return super.config();
  }

  static override fromConfig(config: Config): Layer {
    // biome-ignore lint/complexity/noThisInStatic: the class that is asked, not the base.
    const make = this as unknown as new (options: NetworkOptions) => Layer;
    if ('input_layers' in config) return new make(functionalParts(config));
    if (!('layers' in config)) return new make(optionsOf(config));
    const { layers, buildInputShape } = sequentialLayers(config);
    const name = typeof config.name === 'string' ? config.name : undefined;
    const network = new make({ name, layers, trainable: config.trainable !== false });
    if (buildInputShape && !network.built) network.build(buildInputShape);
    return network;
  }

  /** Appends a layer to a sequential network. */
  protected addLayer(layer: Layer | SymbolicTensor): void {
    const form = this.#sequential('add');
    inside(this.name, () => form.add(layer));
    if (form.built) this.built = true;
  }

  /** Takes the last layer off a sequential network and returns it. */
  protected popLayer(): Layer {
    const form = this.#sequential('pop');
    const layer = form.pop();
    this.built = form.built;
    return layer;
  }

  #sequential(method: string): Sequential {
    if (this.#form instanceof Sequential) return this.#form;
    throw new TsunoError('STATE', {
      where: this.where,
      what: method,
      expected: 'called on a sequential model',
      found: `a ${this.kind} one`,
    });
  }

  #checkInputs(network: Functional, given: readonly { shape: PartialShape }[]): void {
    const wanted = network.inputs;
    const fits =
      wanted.length === given.length &&
      wanted.every(
        ({ shape }, i) =>
          shape.length === given[i]!.shape.length &&
          shape.every((extent, axis) => {
            const found = given[i]!.shape[axis]!;
            return extent === null || found === null || extent === found;
          }),
      );
    if (fits) return;
    throw new TsunoError('SHAPE', {
      where: this.where,
      what: wanted.length === 1 ? 'input' : 'inputs',
      expected: `of shape ${wanted.map(({ shape }) => showShape(shape)).join(' and ')}`,
      found: given.map(({ shape }) => showShape(shape)).join(' and '),
    });
  }
}

registerLayer(Network, 'Functional');
registerLayer(Network, 'Sequential');
