/**
 * @file What `compile` is given, as a model's file holds it (`compile_config`), and back: names stay names, objects take
 * Keras's form `{module, class_name, config, registered_name}`, functions are kept by their name.
 */
import { show, TsunoError } from '../core/errors.ts';
import { isSerialized, type Serialized } from '../layers/serialized.ts';
import * as losses from './losses/index.ts';
import * as metrics from './metrics/index.ts';
import * as optimizers from './optimizers/index.ts';
import * as schedules from './schedules/index.ts';

/** What knows its serialised form: losses, metrics, optimizers, schedules. */
export interface Serializable {
  serialize(): Serialized;
}

/** A function in a file: only its name. */
export interface SerializedFunction {
  module: 'builtins';
  class_name: 'function';
  config: string;
  registered_name: 'function';
}

type Class = new () => Serializable;

function isClass(value: unknown): value is Class {
  return typeof value === 'function' && 'className' in value;
}

/**
 * The form in a file of a name, an object, a class or a function.
 *
 * @example
 * ```ts no-run
 * serialize('adam');                        // 'adam'
 * serialize(new losses.Huber()).class_name; // 'Huber'
 * ```
 */
export function serialize(value: string): string;
export function serialize(value: Serializable | Class | Serialized): Serialized;
export function serialize(
  value: string | Serializable | Class | Serialized | ((...args: never[]) => unknown),
): string | Serialized | SerializedFunction;
export function serialize(
  value: string | Serializable | Class | Serialized | ((...args: never[]) => unknown),
): string | Serialized | SerializedFunction {
  if (typeof value === 'string' || isSerialized(value)) return value;
  if (isClass(value)) return new value().serialize();
  if (typeof value === 'function') {
    return {
      module: 'builtins',
      class_name: 'function',
      config: value.name,
      registered_name: 'function',
    };
  }
  return value.serialize();
}

const families = {
  'keras.losses': losses.get,
  'keras.metrics': metrics.get,
  'keras.optimizers': optimizers.get,
  'keras.optimizers.schedules': schedules.get,
} as const;

/**
 * The loss, metric, optimizer or schedule in Keras's form.
 *
 * @throws TsunoError `UNSUPPORTED` for a module that has none of these, `ARGUMENT` for an unknown class.
 */
export function deserialize(
  form: Serialized,
): losses.Loss | metrics.Metric | optimizers.Optimizer | schedules.Schedule {
  const module = form.module.replace(/^keras\.src\./, 'keras.') as keyof typeof families;
  const get = Object.hasOwn(families, module) ? families[module] : undefined;
  if (get) return get(form);
  throw new TsunoError('UNSUPPORTED', {
    where: 'compile config',
    what: `module of ${show(form.class_name)}`,
    expected: `one of ${Object.keys(families).join(', ')}`,
    found: show(form.module),
  });
}
