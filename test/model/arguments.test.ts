/**
 * @file Every argument of every class that Keras has for image classification (test/fixtures/keras/arguments.json): its
 * default, another value, and what Keras writes of both; values of a wrong kind are refused with a typed error. What is
 * not here stands in docs/not_included.md.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  clearSession,
  constraints,
  initializers,
  losses,
  metrics,
  optimizers,
  regularizers,
  schedules,
  TsunoError,
} from '../../src/index.ts';
import { layerClassOf } from '../../src/layers/registry.ts';
import { type Config, optionsOf, type Serialized } from '../../src/layers/serialized.ts';
import { read } from '../repository/sources.ts';

/** Arguments of a class: those that are needed, and for each the options it was tried with. */
interface Arguments {
  required: Config;
  /** What Keras writes of a member made of the required ones. */
  config: Config;
  others: Readonly<Record<string, { options: Config; config: Config }>>;
}

const kinds: Readonly<Record<string, Readonly<Record<string, Arguments>>>> = JSON.parse(
  read('test/fixtures/keras/arguments.json'),
);
const absent = new Set(
  [...read('docs/not_included.md').matchAll(/^\| `(\w+)\((\w+)\)` \|/gm)].map(
    ([, name, argument]) => `${name}.${argument}`,
  ),
);

interface Made {
  serialize?(): Serialized;
  config(): Config;
}
type Class = (new (options: Config) => Made) & { readonly className?: string };

const families: Readonly<Record<string, object>> = {
  constraints,
  initializers,
  losses,
  metrics,
  optimizers,
  regularizers,
  schedules,
};

function classOf(kind: string, name: string): Class {
  const found =
    kind === 'layers'
      ? layerClassOf({ class_name: name })
      : Object.values(families[kind]!).find(
          (one: unknown) =>
            typeof one === 'function' && 'className' in one && one.className === name,
        );
  assert.ok(found, `${kind} has no ${name}`);
  return found as unknown as Class;
}

function make(kind: string, name: string, options: Config): Made {
  clearSession();
  const Member = classOf(kind, name);
  return new Member(optionsOf(options));
}

/** Entries that say where a class lies, which is not the question here. */
const places = new Set(['module', 'registered_name', 'shared_object_id']);
/**
 * Keras counts the names of its session and draws a seed for cropping; it forgets some arguments, writes lists as
 * tensors, and its integers are of TensorFlow.
 */
const unlike = new Set([
  'name',
  'AUC.label_weights',
  'CosineSimilarity.axis',
  'Huber.delta',
  'Identity.gain',
  'IoU.dtype',
  'RandomCrop.seed',
]);

function same(found: unknown, expected: unknown): boolean {
  if (typeof found === 'number' && typeof expected === 'number')
    return Math.abs(found - expected) <= 1e-6 * (1 + Math.abs(expected));
  if (typeof found !== 'object' || typeof expected !== 'object' || !found || !expected)
    return (found ?? null) === (expected ?? null);
  const keys = new Set([...Object.keys(found), ...Object.keys(expected)]);
  return [...keys].every(
    (key) => places.has(key) || same((found as Config)[key], (expected as Config)[key]),
  );
}

function checkConfig(name: string, found: Config, expected: Config): void {
  const short = name.replace(/^(Binary|Mean|OneHot(Mean)?)IoU$/, 'IoU');
  for (const key of new Set([...Object.keys(found), ...Object.keys(expected)])) {
    if (unlike.has(key) || unlike.has(`${short}.${key}`)) continue;
    const values = `${JSON.stringify(found[key])}, in Keras ${JSON.stringify(expected[key])}`;
    assert.ok(same(JSON.parse(JSON.stringify(found))[key], expected[key]), `${key}: ${values}`);
  }
}

/** Values of every kind; most arguments can take few of them. */
const strange: readonly unknown[] = [
  Number.NaN,
  Number.POSITIVE_INFINITY,
  -3.5,
  'nonsense',
  { nonsense: 1 },
  [1, 2, 3, 4, 5, 6, 7],
];

/** How many strange values an argument may take and still know its kind: names take a text, factors a number. */
const mostTaken = 2;

for (const [kind, classes] of Object.entries(kinds)) {
  describe(`arguments of ${kind}`, () => {
    for (const [name, { required, config, others }] of Object.entries(classes)) {
      test(name, () => {
        checkConfig(name, make(kind, name, required).config(), config);
        for (const [argument, other] of Object.entries(others)) {
          const options = { ...required, ...other.options };
          if (absent.has(`${name}.${argument}`)) {
            assert.throws(() => make(kind, name, options), { code: 'UNSUPPORTED' }, argument);
            continue;
          }
          const made = make(kind, name, options).config();
          checkConfig(name, made, { ...config, ...other.config });
          if (argument === 'name') assert.equal(made.name, 'own');
          // TypeScript knows no such option of losses and metrics: they are `float32`.
          if (argument === 'dtype' && kind !== 'layers') continue;
          const taken = strange.filter((value) => {
            try {
              make(kind, name, { ...options, [argument]: value });
              return true;
            } catch (error) {
              assert.ok(error instanceof TsunoError, `${argument}: ${value}: ${error}`);
              assert.doesNotMatch(error.message, /^internal/);
              return false;
            }
          });
          assert.ok(taken.length <= mostTaken, `${argument} takes ${JSON.stringify(taken)}`);
        }
      });
    }
  });
}

test('what docs/not_included.md says of arguments is of Keras’s', () => {
  assert.ok(absent.size > 0);
  for (const one of absent) {
    const [name, argument] = one.split('.') as [string, string];
    const classes = Object.values(kinds).find((members) => name in members);
    assert.ok(classes?.[name]?.others[argument], one);
  }
});
