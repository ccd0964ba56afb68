/** @file Several optimizers at once: each weight has one, by its path. */
import { show, TsunoError } from '../../core/errors.ts';
import type { Graph } from '../../ir/graph.ts';
import { refuse } from '../../layers/checks.ts';
import { type Config, isSerialized, type Serialized, serialized } from '../../layers/serialized.ts';
import type { Variable } from '../../layers/variable.ts';
import { div, intAdd, read } from '../../ops/index.ts';
import { optimizerFamily } from './family.ts';
import { Optimizer, type Rule, type WeightGradient } from './optimizer.ts';
import { checkPattern, matches } from './path_pattern.ts';

/**
 * Optimizers by the paths of weights, `layer/kernel`: a path, or a pattern in which `.*` stands for anything.
 *
 * @see https://keras.io/api/optimizers/
 */
export class OptimizerMap {
  static readonly className = 'OptimizerMap';
  readonly defaultOptimizer: Optimizer;
  private readonly entries: ReadonlyMap<string, Optimizer>;

  /** @throws TsunoError `ARGUMENT` for a pattern that holds more than text and `.*`, or what is no optimizer. */
  constructor(defaultOptimizer: Optimizer, byPath: Readonly<Record<string, Optimizer>> = {}) {
    this.defaultOptimizer = defaultOptimizer;
    this.entries = new Map(Object.entries(byPath));
    for (const [pattern, optimizer] of [['.*', defaultOptimizer] as const, ...this.entries]) {
      checkPattern('OptimizerMap', 'path', pattern);
      if (!(optimizer instanceof Optimizer) || optimizer instanceof MultiOptimizer)
        throw refuse('OptimizerMap', `optimizer of "${pattern}"`, 'one optimizer', optimizer);
    }
  }

  /** All of them, each once, the default last. */
  get optimizers(): readonly Optimizer[] {
    return [...new Set([...this.entries.values(), this.defaultOptimizer])];
  }

  /** @throws TsunoError `ARGUMENT` where two patterns fit, and neither is the path itself. */
  of(variable: Variable): Optimizer {
    const { path } = variable;
    const own = this.entries.get(path);
    if (own) return own;
    const fitting = [...this.entries].filter(([pattern]) => matches(path, pattern, true));
    if (fitting.length > 1) {
      const patterns = fitting.map(([pattern]) => pattern);
      throw refuse('OptimizerMap', `patterns for "${path}"`, 'one at most', patterns);
    }
    return fitting[0]?.[1] ?? this.defaultOptimizer;
  }

  serialize(): Serialized {
    const byPath = [...this.entries].map(([path, optimizer]) => [path, optimizer.serialize()]);
    return serialized('keras.optimizers', 'OptimizerMap', {
      default_optimizer: this.defaultOptimizer.serialize(),
      optimizer_map: Object.fromEntries(byPath),
    });
  }

  /** @throws TsunoError `ARGUMENT` for a config that does not describe optimizers. */
  static from(given: Serialized): OptimizerMap {
    const { default_optimizer: fallback, optimizer_map: byPath } = given.config;
    const make = (what: string, entry: unknown) => {
      if (isSerialized(entry)) return optimizerFamily.make('OptimizerMap', what, entry);
      throw refuse('OptimizerMap', what, '{class_name, config}', entry);
    };
    const entries = Object.entries((byPath ?? {}) as Config);
    return new OptimizerMap(
      make('default_optimizer', fallback),
      Object.fromEntries(entries.map(([path, entry]) => [path, make(`"${path}"`, entry)])),
    );
  }
}

export interface MultiOptimizerOptions {
  /** The loss is multiplied by it and the gradients divided; default none. */
  lossScaleFactor?: number | null | undefined;
  name?: string | undefined;
}

/**
 * Trains each weight with the optimizer that the map says. Rates are those of the optimizers inside.
 *
 * @example
 * ```ts
 * const map = new optimizers.OptimizerMap(new optimizers.Adam(), {
 *   '.*conv2d.*': new optimizers.SGD({ momentum: 0.9 }),
 * });
 * model.compile({ optimizer: new optimizers.MultiOptimizer(map), loss: 'mse' });
 * ```
 * @see https://keras.io/api/optimizers/
 */
export class MultiOptimizer extends Optimizer {
  static readonly className = 'MultiOptimizer';
  readonly optimizerMap: OptimizerMap;
  private owners: ReadonlyMap<Variable, Optimizer> = new Map();

  /**
   * @param map or its options in Keras's serialised form.
   * @throws TsunoError `ARGUMENT` where an optimizer inside scales the loss: the outer one does it for all.
   */
  constructor(map: OptimizerMap | Config, options: MultiOptimizerOptions = {}) {
    const given = map instanceof OptimizerMap ? { ...options, optimizerMap: map } : map;
    const { lossScaleFactor, name } = given as MultiOptimizerOptions;
    super('MultiOptimizer', 0, { lossScaleFactor, name });
    const { optimizerMap } = given;
    if (optimizerMap instanceof OptimizerMap) this.optimizerMap = optimizerMap;
    else if (isSerialized(optimizerMap)) this.optimizerMap = OptimizerMap.from(optimizerMap);
    else throw refuse(this.name, 'optimizerMap', 'an OptimizerMap', optimizerMap);
    const scaling = this.optimizers.find((optimizer) => optimizer.lossScaleFactor !== null);
    if (scaling)
      throw refuse(
        this.name,
        `lossScaleFactor of "${scaling.name}"`,
        'null',
        scaling.lossScaleFactor,
      );
  }

  /** Those inside. */
  get optimizers(): readonly Optimizer[] {
    return this.optimizerMap.optimizers;
  }

  /** Its own, then those of each optimizer inside. */
  override get variables(): readonly Variable[] {
    return [...super.variables, ...this.optimizers.flatMap(({ variables }) => variables)];
  }

  override get built(): boolean {
    return this.owners.size > 0;
  }

  /** The rate of the default optimizer. @throws TsunoError `STATE` on setting. */
  override get learningRate(): number {
    return this.optimizerMap.defaultOptimizer.learningRate;
  }

  override set learningRate(value: number) {
    throw new TsunoError('STATE', {
      where: this.name,
      what: 'learningRate',
      expected: 'set for each optimizer inside',
      found: show(value),
      repair: 'Set optimizer.optimizers[0].learningRate.',
    });
  }

  override excludeFromWeightDecay(which: Parameters<Optimizer['excludeFromWeightDecay']>[0]): void {
    for (const optimizer of this.optimizers) optimizer.excludeFromWeightDecay(which);
  }

  override build(variables: readonly Variable[]): void {
    if (this.built) return;
    const owners = new Map(variables.map((variable) => [variable, this.optimizerMap.of(variable)]));
    for (const optimizer of this.optimizers)
      optimizer.build(variables.filter((variable) => owners.get(variable) === optimizer));
    this.owners = owners;
  }

  override update(graph: Graph, pairs: readonly WeightGradient[]): void {
    const { lossScaleFactor } = this;
    const plain = pairs.map(({ variable, gradient }) => ({
      variable,
      gradient: lossScaleFactor === null ? gradient : div(gradient, lossScaleFactor),
    }));
    const ownerOf = (variable: Variable) =>
      this.owners.get(variable) ?? this.optimizerMap.defaultOptimizer;
    for (const optimizer of this.optimizers) {
      const own = plain.filter(({ variable }) => ownerOf(variable) === optimizer);
      if (own.length > 0) optimizer.update(graph, own);
    }
    graph.updates.set(this.iterations, intAdd(read(graph, this.iterations), 1));
  }

  /** Each optimizer inside has its own. */
  protected override rule(): Rule {
    return (_gradient, { weight }) => ({ weight: weight! });
  }

  override swapAverages(): boolean {
    return this.optimizers.map((optimizer) => optimizer.swapAverages()).includes(true);
  }

  override noteSwapped(): void {
    for (const optimizer of this.optimizers) optimizer.noteSwapped();
  }

  override finalize(): void {
    for (const optimizer of this.optimizers) optimizer.finalize();
  }

  override config(): Config {
    return {
      optimizer_map: this.optimizerMap.serialize(),
      loss_scale_factor: this.lossScaleFactor,
      name: this.name,
    };
  }
}
