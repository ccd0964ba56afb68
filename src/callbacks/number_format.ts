/**
 * @file Numbers as Python prints them, so that what tsuno prints is what Keras prints: ties go to the even digit
 * (`0.15625` → `0.1562`; JavaScript's `toFixed` says `0.1563`) and exponents have two digits (`3.1200e-04`).
 */

/**
 * Python's `f'{value:.{digits}f}'`.
 *
 * @example
 * ```ts
 * fixed(0.15625, 4); // '0.1562'
 * fixed(2.5, 0);     // '2'
 * ```
 */
export function fixed(value: number, digits: number): string {
  if (!Number.isFinite(value)) return nonFinite(value);
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  const size = Math.abs(value);
  if (size >= 1e21) return `${sign}${BigInt(size)}${digits > 0 ? `.${'0'.repeat(digits)}` : ''}`;
  const rounded = size.toFixed(digits);
  // Halfway between two decimals of `digits` digits lie only the odd multiples of 2^-(digits + 1).
  const isTie = (size * 2 ** (digits + 1)) % 2 === 1;
  if (!isTie || Number(rounded.at(-1)) % 2 === 0) return sign + rounded;
  // `toFixed` went up to an odd digit; the even one is below.
  return sign + (Number(rounded) - 10 ** -digits).toFixed(digits);
}

/** Python's `f'{value:.{digits}e}'`, for one digit or more. */
export function exponential(value: number, digits: number): string {
  if (!Number.isFinite(value)) return nonFinite(value);
  const exact = value.toExponential(60);
  const end = exact.indexOf('.') + 1 + digits;
  const isTie = /^50*e/.test(exact.slice(end));
  const text =
    isTie && Number(exact[end - 1]) % 2 === 0
      ? exact.slice(0, end) + exact.slice(exact.indexOf('e'))
      : value.toExponential(digits);
  return text.replace(/e([+-])(\d)$/, 'e$10$2');
}

/** Python's `f'{count:,}'` of a whole number: `93,962`. */
export function thousands(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** Keras's form of a loss or metric: `0.9123`, small ones as `3.1200e-04`. */
export function metricValue(value: number): string {
  return Math.abs(value) > 1e-3 ? fixed(value, 4) : exponential(value, 4);
}

/** Bytes in units of 1024: `367.04 KB`. */
export function memorySize(bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB', 'PB'];
  let size = bytes;
  let unit = 0;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit++;
  }
  return `${fixed(size, 2)} ${units[unit]}`;
}

function nonFinite(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  return value > 0 ? 'inf' : '-inf';
}

/** Python's `repr` of a float: `0.001`, `1e-05`, `1.0`. */
export function pythonFloat(value: number): string {
  if (!Number.isFinite(value)) return nonFinite(value);
  // The shortest digits that name the number, as in Python.
  const [digits = '', power = '0'] = value.toExponential().split('e');
  const exponent = Number(power);
  if (exponent < -4 || exponent >= 16) {
    const size = String(Math.abs(exponent)).padStart(2, '0');
    return `${digits}e${exponent < 0 ? '-' : '+'}${size}`;
  }
  const plain = String(value);
  const sign = Object.is(value, -0) ? '-' : '';
  return /\./.test(plain) ? plain : `${sign}${plain}.0`;
}
