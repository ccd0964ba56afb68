/**
 * @file Every class that Keras has for image classification (test/fixtures/keras/inventory.json) is here under Keras's
 * name, or stands in docs/not_included.md with a reason; what stands there is not here.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as tsuno from '../../src/index.ts';
import { layerClassOf } from '../../src/layers/registry.ts';
import { read } from './sources.ts';

type Inventory = Readonly<Record<string, readonly string[]>>;

const inventory: Inventory = JSON.parse(read('test/fixtures/keras/inventory.json'));

/** Names and reasons by the heading they stand under, in lower case. */
function reasons(page: string): Map<string, Map<string, string>> {
  const [, ...sections] = page.split('\n## ');
  return new Map(
    sections.map((section) => {
      const rows = [...section.matchAll(/^\| `(\w+)` \| (.+) \|$/gm)];
      const heading = section.slice(0, section.indexOf('\n')).toLowerCase();
      return [heading, new Map(rows.map(([, name, why]) => [name!, why!]))];
    }),
  );
}

const camelCase = (name: string) =>
  name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

/** Whether the public namespace `kind` has `name`. */
function isHere(kind: string, name: string): boolean {
  if (kind === 'layers') return layerClassOf({ class_name: name }) !== undefined;
  const all = (tsuno as unknown as Record<string, Record<string, unknown>>)[kind];
  assert.ok(all, `tsuno has no ${kind}`);
  const exported = kind === 'activations' ? camelCase(name) : name;
  if (typeof all[exported] === 'function') return true;
  // A class under another export, as `Identity`, which is also a layer.
  return Object.values(all).some(
    (value) => typeof value === 'function' && 'className' in value && value.className === name,
  );
}

describe('what Keras has', () => {
  const excused = reasons(read('docs/not_included.md'));

  test('the lists are of Keras’s kinds', () => {
    assert.ok(Object.keys(inventory).length >= 11);
    for (const [kind, names] of Object.entries(inventory)) {
      assert.ok(names.length >= 5, kind);
      assert.equal(new Set(names).size, names.length, kind);
    }
    for (const heading of excused.keys()) assert.ok(heading in inventory, heading);
  });

  for (const [kind, names] of Object.entries(inventory)) {
    const listed = excused.get(kind) ?? new Map<string, string>();

    test(`${kind}: here, or not included with a reason`, () => {
      const absent = names.filter((name) => !isHere(kind, name) && !listed.has(name));
      assert.deepEqual(absent, []);
    });

    test(`${kind}: what is not included is Keras’s, and not here`, () => {
      for (const [name, why] of listed) {
        assert.ok(names.includes(name), `Keras has no ${name}`);
        assert.ok(!isHere(kind, name), `${name} is here`);
        assert.ok(why.length > 10, `${name}: a reason`);
      }
    });
  }
});
