/**
 * @file Options that a loss or a metric has beyond those of all. A table says each once, with its check and its default;
 * from it the option is an argument of the constructor, a property and an entry of the config.
 */
import { snakeCase } from '../../core/names.ts';
import type { Config } from '../../layers/serialized.ts';

/** The options `O`, none left out. */
export type Settled<O> = { readonly [Name in keyof O]-?: Exclude<O[Name], undefined> };

/** The check and the default of each of the options `O`; `null`, where it is the default, needs no check. */
export type OptionTable<O> = {
  readonly [Name in keyof O]-?: readonly [
    check: (where: string, what: string, value: unknown) => NonNullable<O[Name]>,
    otherwise: Exclude<O[Name], undefined>,
  ];
};

/** What is `given` of the options in `table`, checked, and the defaults of the others. */
export function settle<O extends object>(
  where: string,
  table: OptionTable<O>,
  given: O,
): Settled<O> {
  const names = Object.keys(table) as (keyof O & string)[];
  const entries = names.map((name) => {
    const [check, otherwise] = table[name];
    const value = given[name] ?? otherwise;
    return [name, value === null ? null : check(where, name, value)];
  });
  return Object.fromEntries(entries) as Settled<O>;
}

/** The properties of `owner` that are options in `table`, under Keras's names. */
export function configOf(table: object, owner: object): Config {
  const names = Object.keys(table) as (keyof typeof owner)[];
  return Object.fromEntries(names.map((name) => [snakeCase(name), owner[name]]));
}
