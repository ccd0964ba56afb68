/** @file What messages advise: options of the command line, not those of programs. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { failureOf } from '../../cli/failure.ts';
import { programRepairs } from '../../cli/repairs.ts';
import { TsunoError } from '../../src/index.ts';
import { read, typescriptBelow } from '../repository/sources.ts';

describe('repairs', () => {
  const sources = typescriptBelow('src').map(read).join('\n');

  for (const program of programRepairs) {
    test(`"${program}" is what the library says, and is not said here`, () => {
      assert.ok(sources.includes(program), 'nothing in src/ says so');
      const { message, data } = failureOf(
        new TsunoError('STATE', {
          where: 'fit',
          what: 'it',
          expected: 'so',
          found: 'other',
          repair: `Weights are as they were. ${program}`,
        }),
      );
      assert.ok(!JSON.stringify([message, data]).includes(program));
      assert.match(message, /received other\. Weights are as they were\. [A-Za-z-]+ .*[.)]$/);
    });
  }

  test('other messages stay as they are', () => {
    const error = new TsunoError('FILE', { where: 'a', what: 'b', expected: 'c', found: 'd' });
    assert.equal(failureOf(error).message, error.message);
  });
});
