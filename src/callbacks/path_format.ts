/** @file Paths with values in them, as Python's `str.format` writes them: `{epoch:02d}-{val_loss:.2f}.keras`. */
import { TsunoError } from '../core/errors.ts';
import { exponential, fixed, pythonFloat } from './number_format.ts';

/**
 * A path with its fields filled in: `{name}`, or after a colon a width with leading zeros or spaces and `d` (whole
 * numbers), `.2f` or `.3e`.
 *
 * @throws TsunoError `ARGUMENT` for a name without a value or a form that is none.
 * @example
 * ```ts no-run
 * formatPath('{epoch:02d}-{val_loss:.2f}.keras', { epoch: 3, val_loss: 0.126 }); // '03-0.13.keras'
 * ```
 */
export function formatPath(path: string, values: Readonly<Record<string, number>>): string {
  return path.replace(/\{(\w+)(?::([^{}]*))?\}/g, (field, name: string, form = '') => {
    const value = values[name];
    if (value === undefined) {
      const names = Object.keys(values).join(', ');
      throw refuse(path, field, `must name one of ${names}`, name);
    }
    const parts = /^(0?)(\d*)(?:\.(\d+))?([dfe]?)$/.exec(form);
    const text = parts && formatted(value, parts[3], parts[4]!);
    if (!text) throw refuse(path, field, 'must have a form as :02d, :.2f or :.3e', form);
    return text.padStart(Number(parts[2]), parts[1] === '0' ? '0' : ' ');
  });
}

function formatted(value: number, digits: string | undefined, kind: string): string | undefined {
  if (kind === 'd')
    return Number.isInteger(value) && digits === undefined ? String(value) : undefined;
  if (kind === 'f') return fixed(value, Number(digits ?? 6));
  if (kind === 'e') return exponential(value, Number(digits ?? 6));
  if (digits !== undefined) return undefined;
  return Number.isInteger(value) ? String(value) : pythonFloat(value);
}

function refuse(where: string, what: string, expected: string, found: string): TsunoError {
  return new TsunoError('ARGUMENT', { where, what, expected, found });
}
