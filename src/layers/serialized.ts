/**
 * @file Keras's form of an object in a config, `{module, class_name, config, registered_name}`, and how an initializer,
 * regularizer, constraint or activation is found: by name, by object, by function, or by that form.
 */
import { show, TsunoError } from '../core/errors.ts';
import { identifier } from '../core/names.ts';

/** Keys and values of a config, as JSON holds them. */
export type Config = Record<string, unknown>;

export interface Serialized {
  module: string;
  class_name: string;
  config: Config;
  registered_name: string | null;
}

/** A function under its name: what an activation that is not Keras's own becomes. */
export interface SerializedFunction {
  module: string;
  class_name: 'function';
  config: string;
  registered_name: string | null;
}

export function isSerializedFunction(value: unknown): value is SerializedFunction {
  return isSerialized(value) && typeof value.config === 'string';
}

export function isSerialized(value: unknown): value is Serialized {
  return typeof value === 'object' && value !== null && 'class_name' in value;
}

export function serialized(module: string, className: string, config: Config): Serialized {
  return { module, class_name: className, config, registered_name: null };
}

/** The same entries under camelCase keys: a config of Keras as the options of a constructor. */
export function optionsOf(config: Config): Config {
  return Object.fromEntries(
    Object.entries(config).map(([key, value]) => [
      key.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()),
      value,
    ]),
  );
}

/** A class that a family finds by name. */
export interface Member<T> {
  readonly className: string;
  new (options: never): T;
}

/** Classes by Keras's identifiers, in snake case; camelCase and class names are understood too. */
export class Family<T extends object> {
  private readonly kind: string;
  private readonly members = new Map<string, Member<T>>();

  constructor(
    kind: string,
    members: readonly Member<T>[],
    aliases: Record<string, Member<T>> = {},
  ) {
    this.kind = kind;
    for (const member of members) this.register(member);
    for (const [alias, member] of Object.entries(aliases)) this.members.set(alias, member);
  }

  /** Makes a class of yours known under its `className`, and other names. */
  register(member: Member<T>, ...aliases: readonly string[]): void {
    for (const name of [identifier(member.className), ...aliases]) this.members.set(name, member);
  }

  /** @throws TsunoError `ARGUMENT` naming the known identifiers. */
  make(where: string, what: string, name: string | Serialized): T {
    const className = typeof name === 'string' ? name : name.class_name;
    const member = this.members.get(identifier(className));
    if (!member) {
      throw new TsunoError('ARGUMENT', {
        where,
        what,
        expected: `a known ${this.kind} (${[...this.members.keys()].join(', ')})`,
        found: show(className),
      });
    }
    const options = typeof name === 'string' ? {} : optionsOf(name.config);
    const make = member as unknown as new (options: Config) => T;
    return new make(options);
  }
}
