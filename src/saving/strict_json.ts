/**
 * @file JSON as files of models hold it, read strictly: bounded size and depth, no key twice, no `__proto__`, no lone
 * surrogate. Python's `NaN` and `Infinity` are read, since Keras writes them; and numbers that Python must see as
 * floats are written with a point.
 *
 * @see https://www.rfc-editor.org/rfc/rfc8259
 */
import { type ErrorCode, show, TsunoError } from '../core/errors.ts';
import { decodeUtf8 } from './byte_reader.ts';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export interface JsonLimits {
  /** Bytes; default 64 MiB. */
  size?: number;
  /** Lists and objects inside each other; default 200. */
  depth?: number;
  /** Lists and objects in all; default no limit. */
  containers?: number;
  /** Most items of lists under these keys, which a list of more is refused for as `CONFIG`; default no limit. */
  lists?: Readonly<Record<string, number>>;
  /** Code of the errors; default `JSON`. */
  code?: ErrorCode;
  /** Code of the error for a key that is there twice; default that of the others. */
  duplicateCode?: ErrorCode;
}

/**
 * The value that UTF-8 text describes.
 *
 * @throws TsunoError `JSON` (or the code of the limits) naming the byte, or the character of a text.
 * @example
 * ```ts no-run
 * parseJson(new TextEncoder().encode('{"a": [1, 2]}'), 'config.json'); // { a: [1, 2] }
 * ```
 */
export function parseJson(
  source: Uint8Array | string,
  where: string,
  limits: JsonLimits = {},
): Json {
  const { size = 64 * 2 ** 20, code = 'JSON' } = limits;
  const fail = (expected: string, found: string) =>
    new TsunoError(code, { where, what: 'text', expected, found });
  if (source.length > size) throw fail(`at most ${size} bytes`, `${source.length}`);
  const text =
    typeof source === 'string' ? source : decodeUtf8(source, () => fail('UTF-8', 'other bytes'));
  return new Parser(text, where, limits).document();
}

const escapes: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};
const words = new Map<string, Json>([
  ['true', true],
  ['false', false],
  ['null', null],
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
]);
const blank = /[ \t\n\r]*/y;
const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const word = /-?[A-Za-z]+/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters must be escaped in JSON.
const plain = /[^"\\\u0000-\u001f]*/y;

class Parser {
  private at = 0;
  private depth = 0;
  private containers = 0;
  private readonly text: string;
  private readonly where: string;
  private readonly limits: JsonLimits;

  constructor(text: string, where: string, limits: JsonLimits) {
    this.text = text;
    this.where = where;
    this.limits = limits;
  }

  document(): Json {
    const value = this.value();
    this.skip();
    if (this.at < this.text.length) throw this.error('the end', this.seen());
    return value;
  }

  /** @param key under which it lies in an object. */
  private value(key?: string): Json {
    this.skip();
    const first = this.text[this.at];
    if (first === '{') return this.object();
    if (first === '[') return this.list(key);
    if (first === '"') return this.string();
    const digits = this.match(number);
    if (digits) return Number(digits);
    const name = this.match(word);
    const known = words.get(name);
    if (known === undefined) throw this.error('a value', name ? show(name) : this.seen());
    return known;
  }

  private object(): Json {
    const entries: { [key: string]: Json } = {};
    this.inside('}', () => {
      this.skip();
      if (this.text[this.at] !== '"') throw this.error('a key', this.seen());
      const key = this.string();
      if (key === '__proto__') throw this.error('another key', show(key));
      if (Object.hasOwn(entries, key)) {
        const { code = 'JSON', duplicateCode = code } = this.limits;
        throw this.error('each key once', `${show(key)} twice`, duplicateCode);
      }
      this.skip();
      this.take(':');
      entries[key] = this.value(key);
    });
    return entries;
  }

  private list(key = ''): Json {
    const { lists = {} } = this.limits;
    const most = Object.hasOwn(lists, key) ? lists[key]! : Infinity;
    const items: Json[] = [];
    this.inside(']', () => {
      if (items.length === most) {
        throw new TsunoError('CONFIG', {
          where: `${this.where}, character ${this.at}`,
          what: key,
          expected: `at most ${most}`,
          found: 'more',
        });
      }
      items.push(this.value());
    });
    return items;
  }

  /** Items between brackets, with commas. */
  private inside(end: string, item: () => void): void {
    const { depth = 200, containers = Infinity } = this.limits;
    if (++this.depth > depth) throw this.error(`at most ${depth} levels`, 'one more');
    if (++this.containers > containers)
      throw this.error(`of at most ${containers} lists and objects`, 'one more');
    this.at++;
    this.skip();
    if (this.text[this.at] === end) this.at++;
    else {
      for (;;) {
        item();
        this.skip();
        if (this.text[this.at] === end) break;
        this.take(',');
      }
      this.at++;
    }
    this.depth--;
  }

  private string(): string {
    this.at++;
    let result = '';
    for (;;) {
      result += this.match(plain);
      const next = this.text[this.at];
      if (next === '"') break;
      if (next !== '\\') throw this.error('the end of a string', this.seen());
      result += this.escape();
    }
    this.at++;
    if (!isWellFormed(result)) throw this.error('whole characters', 'a lone surrogate');
    return result;
  }

  private escape(): string {
    const kind = this.text[this.at + 1] ?? '';
    const simple = escapes[kind];
    if (simple !== undefined && Object.hasOwn(escapes, kind)) {
      this.at += 2;
      return simple;
    }
    const code = this.text.slice(this.at + 2, this.at + 6);
    if (kind !== 'u' || !/^[0-9a-fA-F]{4}$/.test(code))
      throw this.error('an escape', show(this.text.slice(this.at, this.at + 6)));
    this.at += 6;
    return String.fromCharCode(Number.parseInt(code, 16));
  }

  private take(character: string): void {
    if (this.text[this.at] !== character) throw this.error(show(character), this.seen());
    this.at++;
  }

  private skip(): void {
    this.match(blank);
  }

  private match(pattern: RegExp): string {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0] ?? '';
    this.at += found.length;
    return found;
  }

  private seen(): string {
    return this.at < this.text.length ? show(this.text.slice(this.at, this.at + 12)) : 'the end';
  }

  private error(expected: string, found: string, code = this.limits.code ?? 'JSON'): TsunoError {
    const where = `${this.where}, character ${this.at}`;
    return new TsunoError(code, { where, what: 'text', expected, found });
  }
}

function isWellFormed(text: string): boolean {
  return !/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(text);
}

/** Keys whose numbers are floats in Keras, which for some of them refuses an integer. */
const floatKeys = new Set(
  `alpha beta beta_1 beta_2 beta_2_decay clip_threshold clipnorm clipvalue decay_rate delta ema_momentum
  end_learning_rate epsilon epsilon_1 epsilon_2 fill_value gain gamma global_clipnorm initial_accumulator_value
  initial_learning_rate l1 l1_regularization_strength l2 l2_regularization_strength
  l2_shrinkage_regularization_strength label_smoothing learning_rate learning_rate_power loss_scale_factor m_mul
  margin max_value maxval mean minval momentum negative_slope offset power precision q rate recall renorm_momentum rho
  scale sensitivity specificity stddev t_mul threshold thresholds value values variance warmup_target weight_decay`
    .split(/\s+/)
    .filter(Boolean),
);

/**
 * JSON as Python writes it: `, ` and `: ` between items, ASCII only, `NaN` and `Infinity` where they are, floats with a
 * point under the keys where Keras has floats.
 */
export function pythonJson(value: unknown): string {
  return write(value, undefined, false);
}

function write(value: unknown, key: string | undefined, floats: boolean): string {
  if (typeof value === 'number') return pythonNumber(value, floats || floatKeys.has(key ?? ''));
  if (typeof value === 'string') return asciiString(value);
  if (value === null || value === undefined || typeof value === 'boolean')
    return String(value ?? null);
  if (Array.isArray(value)) return `[${value.map((item) => write(item, key, floats)).join(', ')}]`;
  if (typeof value !== 'object') {
    throw new TsunoError('UNSUPPORTED', {
      where: 'config',
      what: key ?? 'value',
      expected: 'what JSON can hold',
      found: show(value),
    });
  }
  const below = floats || key === 'loss_weights';
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return `{${entries.map(([name, item]) => `${asciiString(name)}: ${write(item, name, below)}`).join(', ')}}`;
}

function pythonNumber(value: number, isFloat: boolean): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? 'Infinity' : '-Infinity';
  if (Object.is(value, -0)) return '-0.0';
  const text = String(value);
  return isFloat && /^-?\d+$/.test(text) ? `${text}.0` : text;
}

function asciiString(text: string): string {
  return JSON.stringify(text).replace(
    /[\u0080-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
