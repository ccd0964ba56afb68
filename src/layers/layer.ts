/**
 * @file The base of every layer. A layer is called like a function: on symbolic tensors it notes the call, on values of
 * a graph it appends its computation. A concrete layer has its members in this order: constructor (normalise, validate),
 * `build` (make weights), `call` (compute), `outputShape`, `config`.
 *
 * @see https://keras.io/api/layers/base_layer/
 */
import type { DType } from '../core/dtype.ts';
import { show, TsunoError } from '../core/errors.ts';
import { snakeCase, uniqueName } from '../core/names.ts';
import type { PartialShape, Shape } from '../core/shape.ts';
import type { Tensor } from '../core/tensor.ts';
import { Value } from '../ir/graph.ts';
import { cast, mul } from '../ops/index.ts';
import { flag, refuse } from './checks.ts';
import { type ConstraintLike, constraintOf } from './constraints.ts';
import { type InitializerLike, initializerOf } from './initializers.ts';
import { checkSpec, type InputSpec } from './input_spec.ts';
import { type Regularizer, type RegularizerLike, regularizerOf } from './regularizers.ts';
import { scratchShapes } from './scratch.ts';
import { type Config, isSerialized, optionsOf, serialized } from './serialized.ts';
import { type CallOptions, type InboundNode, type Producer, SymbolicTensor } from './symbolic.ts';
import { currentTrace } from './trace.ts';
import { Variable } from './variable.ts';
import { checkWeightSize } from './weight_allowance.ts';

export type OneOrMany<T> = T | readonly T[];

/** One shape for a layer of one input, a list for a layer of several. */
export type InputShape = PartialShape | readonly PartialShape[];

/** What `call` is told beside its inputs. */
export interface CallContext {
  readonly training: boolean;
}

/** Options of every layer. */
export interface LayerOptions {
  /** Default: Keras's snake case of the class, with a number from the second on: `conv2d_1`. */
  name?: string | undefined;
  /** Default true: the optimizer may change the weights. */
  trainable?: boolean | undefined;
  /** Type of weights and arithmetic: only `float32`. */
  dtype?: unknown;
  /** Adds a penalty on the output to the loss, divided by the batch. */
  activityRegularizer?: RegularizerLike | null | undefined;
}

export interface WeightOptions {
  name: string;
  shape: Shape;
  /** Default: `glorot_uniform` for two axes or more, else `zeros`. */
  initializer?: InitializerLike | undefined;
  /** Default true. */
  trainable?: boolean | undefined;
  regularizer?: RegularizerLike | null | undefined;
  constraint?: ConstraintLike | null | undefined;
  dtype?: DType | undefined;
}

/** A class of layers, as the registry keeps it. */
export interface LayerClass {
  /** Keras's name of the class; default the class's own name. Set it, so that minified code saves the same files. */
  readonly className?: string;
  readonly name: string;
  fromConfig(config: Config): Layer;
}

export function isShapeList(shape: InputShape): shape is readonly PartialShape[] {
  return Array.isArray(shape[0]);
}

/** Keras's class name: of a built-in class the constant, which survives minification. */
export function classNameOf(type: { readonly name: string; readonly className?: string }): string {
  return Object.hasOwn(type, 'className') ? type.className! : type.name;
}

/** Makes `new` give a function that runs `invoke`: what lets `layer(x)` be written. */
abstract class Callable {
  constructor() {
    const self = (inputs: OneOrMany<Value | SymbolicTensor>, options?: CallOptions) =>
      (self as unknown as Callable).invoke(inputs, options);
    // biome-ignore lint/correctness/noConstructorReturn: the instance is the function, with the class's prototype.
    return Object.setPrototypeOf(self, new.target.prototype) as this;
  }

  protected abstract invoke(
    inputs: OneOrMany<Value | SymbolicTensor>,
    options?: CallOptions,
  ): Value | SymbolicTensor;
}

export interface Layer {
  /**
   * Applies the layer.
   *
   * @param inputs symbolic tensors, while a network is put together, or values of a graph, inside `call`; a list for
   * layers of several inputs.
   * @throws TsunoError `SHAPE` where the inputs do not fit; `UNSUPPORTED` where the layer has several outputs.
   */
  // biome-ignore lint/style/useShorthandFunctionType: an interface merges with the class of its name, a type does not.
  <T extends Value | SymbolicTensor>(inputs: OneOrMany<T>, options?: CallOptions): T;
}

/**
 * What a layer of yours extends: give it `call`, and `build` where it has weights.
 *
 * @example
 * ```ts
 * class Scale extends Layer {
 *   static readonly className = 'Scale';
 *   factor!: Variable;
 *   override build(inputShape: PartialShape) {
 *     this.factor = this.addWeight({ name: 'factor', shape: [inputShape.at(-1)!], initializer: 'ones' });
 *   }
 *   override call(x: Value) {
 *     return ops.mul(x, this.read(this.factor));
 *   }
 * }
 * const scale = new Scale();
 * scale.build([null, 3]);
 * scale.countParams(); // 3
 * ```
 * @see https://keras.io/api/layers/base_layer/
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the interface says what Callable makes true, that layers are functions.
export abstract class Layer extends Callable implements Producer {
  readonly name: string;
  /** Type of the weights. */
  readonly dtype = 'float32';
  /** Whether the weights exist. */
  built = false;
  /** Default true: inputs become `float32` before `call`. */
  autocast = true;
  /** What the inputs must look like; checked before `build` and `call`. */
  inputSpec: InputSpec | undefined;
  readonly activityRegularizer: Regularizer | undefined;
  readonly #nodes: InboundNode[] = [];
  #tunable: Variable[] = [];
  #fixed: Variable[] = [];
  #trainable: boolean;
  #buildShape: InputShape | undefined;
  #callShape: InputShape | undefined;

  constructor(options: LayerOptions = {}) {
    super();
    this.name = options.name ?? uniqueName(snakeCase(this.className));
    if (typeof this.name !== 'string' || this.name === '' || this.name.includes('/'))
      throw refuse(this.className, 'name', 'a string without "/"', this.name);
    checkFloat32(this.where, options.dtype);
    this.#trainable = flag(this.where, 'trainable', options.trainable ?? true);
    this.activityRegularizer = regularizerOf(
      this.where,
      'activityRegularizer',
      options.activityRegularizer,
    );
    Object.defineProperty(this, 'build', { value: (shape: InputShape) => this.#buildOnce(shape) });
  }

  /** Keras's name of the class. */
  get className(): string {
    return classNameOf(this.constructor as unknown as LayerClass);
  }

  /** How errors name the layer: `Conv2D "conv2d_1"`. */
  get where(): string {
    return `${this.className} "${this.name}"`;
  }

  /** Whether Keras's layer takes a mask, always null here; its files say so at each call. */
  get acceptsMask(): boolean {
    return false;
  }

  /**
   * Whether Keras's layer takes it that this is training where nothing says so. Its files note that at each call, where it
   * means nothing: the model decides, there and here.
   */
  get trainingDefault(): boolean | undefined {
    return undefined;
  }

  /** Makes the weights for inputs of this shape, once; `null` stands for an extent that may differ, as the batch. */
  build(_inputShape: InputShape): void {}

  /** Computes the outputs, by operations on values. Layers of several inputs are given a list. */
  abstract call(inputs: OneOrMany<Value>, context: CallContext): OneOrMany<Value>;

  /** The shape that `call` gives for inputs of this shape. Default: found by tracing `call`. */
  outputShape(inputShape: InputShape): InputShape {
    return scratchShapes(this.where, inputShape, this.autocast ? 'float32' : undefined, (values) =>
      this.#run(values, isShapeList(inputShape), {}),
    );
  }

  /** Keras's config, from which `fromConfig` makes an equal layer. */
  config(): Config {
    return {
      name: this.name,
      trainable: this.trainable,
      dtype: serialized('keras', 'DTypePolicy', { name: this.dtype }),
      ...(this.activityRegularizer
        ? { activity_regularizer: this.activityRegularizer.serialize() }
        : {}),
    };
  }

  /** A layer from a config of Keras. Default: its entries become the options of the constructor. */
  static fromConfig(config: Config): Layer {
    // biome-ignore lint/complexity/noThisInStatic: the class that is asked, not the base.
    const make = this as unknown as new (options: Config) => Layer;
    return new make(optionsOf(config));
  }

  /** Type of the outputs for inputs of these types. */
  outputDtype(inputs: readonly DType[]): DType {
    return this.autocast ? this.dtype : (inputs[0] ?? this.dtype);
  }

  /**
   * Adds a weight, usually in `build`.
   *
   * @throws TsunoError `MEMORY` where it would be larger than 2 GB, before it is allocated.
   */
  protected addWeight(options: WeightOptions): Variable {
    const { name, shape, trainable = true, dtype = 'float32' } = options;
    checkWeightSize(this.where, name, shape, dtype);
    const initializer = options.initializer ?? (shape.length > 1 ? 'glorot_uniform' : 'zeros');
    const initial = initializerOf(this.where, `initializer of ${name}`, initializer).values(shape);
    const regularizer = regularizerOf(
      this.where,
      `regularizer of ${name}`,
      options.regularizer ?? undefined,
    );
    const constraint = constraintOf(
      this.where,
      `constraint of ${name}`,
      options.constraint ?? undefined,
    );
    const variable: Variable = new Variable<DType>({
      name,
      shape,
      dtype,
      trainable,
      ...(dtype === 'float32' ? { initial } : {}),
      regularizer: regularizer && ((weight) => regularizer.penalty(weight)),
      constraint: constraint && ((weight) => constraint.project(weight)),
    });
    variable.path = [...scopes, name].join('/');
    (trainable ? this.#tunable : this.#fixed).push(variable);
    return variable;
  }

  /** The value of a weight, for use in `call`. */
  protected read(variable: Variable): Value {
    return currentTrace().read(variable);
  }

  /** Adds a scalar to the loss of the step being traced. */
  addLoss(loss: Value): void {
    currentTrace().addLoss(loss);
  }

  /** Layers inside this one: those its properties hold, alone or in lists, in the order of assignment. */
  get sublayers(): readonly Layer[] {
    return layersIn(Object.values(this));
  }

  /** All weights, each once: own ones, trainable first, then those of the layers inside. */
  get weights(): readonly Variable[] {
    const inner = this.sublayers.flatMap((layer) => layer.weights);
    return [...new Set([...this.#tunable, ...this.#fixed, ...inner])];
  }

  /** The weights an optimizer may change. */
  get trainableWeights(): readonly Variable[] {
    return this.trainable ? this.weights.filter((weight) => weight.trainable) : [];
  }

  get nonTrainableWeights(): readonly Variable[] {
    return this.trainable ? this.weights.filter((weight) => !weight.trainable) : this.weights;
  }

  /** Setting it concerns the layers inside as well. */
  get trainable(): boolean {
    return this.#trainable;
  }

  set trainable(trainable: boolean) {
    this.#trainable = trainable;
    for (const weight of this.#tunable) weight.trainable = trainable;
    for (const layer of this.sublayers) layer.trainable = trainable;
  }

  /** Number of parameters, trainable or not. */
  countParams(): number {
    return this.weights.reduce((sum, weight) => sum + weight.size, 0);
  }

  /** Copies of the weights, in the order of `weights`. */
  getWeights(): Tensor[] {
    return this.weights.map((weight) => weight.value());
  }

  /** Takes values for all `weights`. @throws TsunoError `SHAPE` before any is changed, where they do not fit. */
  setWeights(values: readonly Tensor[]): void {
    const { weights } = this;
    const wanted = weights.map(({ shape }) => [...shape]);
    const found = values.map(({ shape }) => [...shape]);
    if (JSON.stringify(wanted) !== JSON.stringify(found)) {
      throw new TsunoError('SHAPE', {
        where: this.where,
        what: 'weights',
        expected: `of shapes ${show(wanted)}`,
        found: show(found),
      });
    }
    weights.forEach((weight, i) => {
      weight.assign(values[i]!);
    });
  }

  /** Calls on symbolic tensors, first to last. */
  get inboundNodes(): readonly InboundNode[] {
    return this.#nodes;
  }

  /** The shape the weights were made for. */
  get buildShape(): InputShape | undefined {
    return this.#buildShape;
  }

  /** The shape of the inputs of the first call, the batch open. */
  get callShape(): InputShape | undefined {
    return this.#callShape;
  }

  /** The symbolic input of the first call. */
  get input(): SymbolicTensor {
    return this.#onlyTensor('input', this.#nodes[0]?.inputs);
  }

  /** The symbolic output of the first call: a door for models that show what happens inside. */
  get output(): SymbolicTensor {
    return this.#onlyTensor('output', this.#nodes[0]?.outputs);
  }

  /** As calling the layer, for layers of several outputs: always a list. */
  outputsOf<T extends Value | SymbolicTensor>(
    inputs: OneOrMany<T>,
    options: CallOptions = {},
  ): T[] {
    const list = Array.isArray(inputs) ? (inputs as readonly T[]) : [inputs as T];
    const many = Array.isArray(inputs);
    if (list.length > 0 && list.every((item) => item instanceof SymbolicTensor))
      return this.#note(list, many, options) as unknown as T[];
    if (list.length > 0 && list.every((item) => item instanceof Value))
      return this.#run(list, many, options) as unknown as T[];
    throw new TsunoError('ARGUMENT', {
      where: this.where,
      what: 'input',
      expected: 'a symbolic tensor, as Input({ shape }) gives, or a value inside call',
      found: show(inputs),
      repair: 'To compute with numbers, put the layer into a model and call predict.',
    });
  }

  protected invoke(
    inputs: OneOrMany<Value | SymbolicTensor>,
    options: CallOptions = {},
  ): Value | SymbolicTensor {
    const outputs = this.outputsOf(inputs, options);
    if (outputs.length === 1) return outputs[0]!;
    throw new TsunoError('UNSUPPORTED', {
      where: this.where,
      what: 'a layer called as a function',
      expected: 'must have one output',
      found: String(outputs.length),
      repair: 'Use layer.outputsOf(x).',
    });
  }

  #onlyTensor(what: string, tensors: readonly SymbolicTensor[] | undefined): SymbolicTensor {
    if (tensors?.length === 1) return tensors[0]!;
    throw new TsunoError('STATE', {
      where: this.where,
      what,
      expected: 'one symbolic tensor',
      found: tensors ? `${tensors.length} of them` : 'none, for the layer was not called yet',
    });
  }

  #buildOnce(inputShape: InputShape): void {
    if (this.built) return;
    checkSpec(this.where, this.inputSpec, isShapeList(inputShape) ? inputShape : [inputShape]);
    const before = [[...this.#tunable], [...this.#fixed]] as const;
    try {
      inside(this.name, () => Object.getPrototypeOf(this).build.call(this, inputShape));
    } catch (error) {
      [this.#tunable, this.#fixed] = [[...before[0]], [...before[1]]];
      throw error;
    }
    this.#buildShape = inputShape;
    this.built = true;
    if (!this.#trainable) this.trainable = false;
  }

  /** The call on symbolic tensors. */
  #note(inputs: readonly SymbolicTensor[], many: boolean, options: CallOptions): SymbolicTensor[] {
    const shapes = inputs.map(({ shape }) => shape);
    const inputShape = many ? shapes : shapes[0]!;
    checkSpec(this.where, this.inputSpec, shapes);
    this.#callShape ??= inputShape;
    (this as Layer).build(inputShape);
    checkSpec(this.where, this.inputSpec, shapes);
    const shape = inside(this.name, () => this.outputShape(inputShape));
    const dtype = this.outputDtype(inputs.map((input) => input.dtype));
    const node = this.#nodes.length;
    const outputs = (isShapeList(shape) ? shape : [shape]).map(
      (extents, tensor) => new SymbolicTensor(extents, dtype, { layer: this, node, tensor }),
    );
    this.#nodes.push({ layer: this, inputs, outputs, many, options });
    return outputs;
  }

  /** The call on values of a graph. */
  #run(inputs: readonly Value[], many: boolean, options: CallOptions): Value[] {
    const trace = currentTrace();
    const training = options.training ?? trace.training;
    const shapes = inputs.map(({ shape }) => shape);
    checkSpec(this.where, this.inputSpec, shapes);
    const open = shapes.map((shape) => (shape.length > 0 ? [null, ...shape.slice(1)] : shape));
    this.#callShape ??= many ? open : open[0]!;
    (this as Layer).build(this.#callShape);
    checkSpec(this.where, this.inputSpec, shapes);
    return trace.within(this.name, training, () => this.apply(inputs, many, training));
  }

  /** `call` and what belongs to it: types, penalties, a look at the result. */
  protected apply(inputs: readonly Value[], many: boolean, training: boolean): Value[] {
    const trace = currentTrace();
    const values = this.autocast ? inputs.map((value) => cast(value, this.dtype)) : inputs;
    const result = inside(this.name, () => this.call(many ? values : values[0]!, { training }));
    const outputs: readonly Value[] = Array.isArray(result) ? result : [result as Value];
    checkResult(this.where, outputs);
    for (const weight of this.#tunable) if (weight.trainable) trace.penalize(weight);
    if (this.activityRegularizer) {
      for (const output of outputs) {
        const penalty = this.activityRegularizer.penalty(output);
        trace.addLoss(mul(penalty, 1 / (output.shape[0] ?? 1)));
      }
    }
    return [...outputs];
  }
}

/** Names of the layers being built or called, outermost first: the path of new weights. */
let scopes: readonly string[] = [];

/** Weights made in `body` belong to layer `name`. */
export function inside<T>(name: string, body: () => T): T {
  const outer = scopes;
  if (outer.at(-1) !== name) scopes = [...outer, name];
  try {
    return body();
  } finally {
    scopes = outer;
  }
}

/** Layers in a list of values, in lists and plain objects inside it, each once. */
function layersIn(values: readonly unknown[], found = new Set<Layer>()): readonly Layer[] {
  for (const value of values) {
    if (value instanceof Layer) found.add(value);
    else if (Array.isArray(value)) layersIn(value, found);
    else if (value && Object.getPrototypeOf(value) === Object.prototype)
      layersIn(Object.values(value), found);
  }
  return [...found];
}

function checkFloat32(where: string, dtype: unknown): void {
  const policy = isSerialized(dtype) ? dtype.config.name : dtype;
  if (policy === undefined || policy === null || policy === 'float32') return;
  throw new TsunoError('UNSUPPORTED', {
    where,
    what: 'dtype',
    expected: '"float32"',
    found: show(policy),
  });
}

function checkResult(where: string, outputs: readonly unknown[]): void {
  const stranger = outputs.find((output) => !(output instanceof Value));
  if (outputs.length > 0 && stranger === undefined && !outputs.includes(undefined)) return;
  throw new TsunoError('USER_CODE', {
    where,
    what: 'result of call',
    expected: 'a value of the graph',
    found: show(stranger),
  });
}
