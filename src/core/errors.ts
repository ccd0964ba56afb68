/**
 * @file The one error type of tsuno and its grammar: where, what, what was expected, what was found,
 * and the repair where it is known. Every refusal is raised before anything is changed.
 *
 *     [Conv2D "conv_1"] filters must be a positive integer, received -1.
 *     [mnist train-images-idx3-ubyte] 16 header bytes must be present, received 7. Install the package again.
 */

/** What went wrong, for programs; the message is for people. */
export type ErrorCode =
  | 'ARGUMENT' // an argument of a call or a layer is impossible
  | 'SHAPE' // shapes do not fit together
  | 'STATE' // called in the wrong order: not built, not compiled
  | 'DATA_EMPTY' // no samples
  | 'DATA_MISMATCH' // x and y, images and labels, differ in count
  | 'LABEL_RANGE' // a label outside the classes
  | 'LABEL_FORMAT' // one-hot given to a sparse loss, or the reverse
  | 'NONFINITE_INPUT' // NaN or infinity in the data
  | 'NONFINITE_LOSS' // training diverged
  | 'IDX_TRUNCATED'
  | 'IDX_FORMAT'
  | 'CHECKSUM'
  | 'FILE' // missing, unreadable, not of the kind expected
  | 'SAVE' // could not be written; what was there before still is
  | 'ZIP' // an archive that is not what its format says
  | 'ZIP_LIMIT' // an archive that would unpack to more than is allowed
  | 'JSON' // not JSON, or not of the strict kind
  | 'CONFIG' // a description of a model that makes no model
  | 'HDF5' // a file that is not what its format says
  | 'HDF5_LINK' // a link to another place or file
  | 'HDF5_LIMIT' // declares more than the file holds
  | 'WEIGHTS_MISSING'
  | 'WEIGHTS_EXTRA'
  | 'WEIGHTS_SHAPE'
  | 'WEIGHTS_NONFINITE'
  | 'SAFETENSORS_LENGTH' // shorter than its header
  | 'SAFETENSORS_HEADER_LIMIT'
  | 'SAFETENSORS_HEADER' // not JSON of the strict kind
  | 'SAFETENSORS_HEADER_START' // does not begin with {
  | 'SAFETENSORS_DUPLICATE'
  | 'SAFETENSORS_METADATA'
  | 'SAFETENSORS_ENTRY' // not {dtype, shape, data_offsets}
  | 'SAFETENSORS_DTYPE'
  | 'SAFETENSORS_SHAPE'
  | 'SAFETENSORS_OFFSETS'
  | 'SAFETENSORS_SIZE' // shape and offsets disagree
  | 'SAFETENSORS_GAP' // a hole or an overlap between tensors
  | 'SAFETENSORS_END' // bytes that belong to no tensor
  | 'ONNX' // a file that is not what its format says
  | 'ONNX_LINK' // data in another file
  | 'ONNX_LIMIT' // more than is read
  | 'NPY'
  | 'NPY_OBJECTS' // pickled Python objects
  | 'IMAGE' // not what its format says, or of a kind that is not read
  | 'IMAGE_LIMIT' // more pixels, or more work, than is allowed
  | 'DATASET_CHANGED' // a file of a streamed data set changed under a run
  | 'MEMORY' // more memory than allowed or available
  | 'COMPILE' // the platform refused to compile WebAssembly
  | 'WORKER' // a thread failed or fell silent
  | 'UNSUPPORTED'
  | 'UNSUPPORTED_LAYER' // a description names a layer that is not known, or that is code
  | 'USER_CODE' // an exception out of a callback or generator
  | 'INTERNAL'; // a bug of ours

export interface ErrorDetails {
  /** Where: a layer (`Conv2D "conv_1"`), a file with offset, a sample, an argument's owner. */
  where: string;
  /** The subject of the sentence: `filters`, `label of sample 17`. */
  what: string;
  /** Completes `must be …`; give the whole clause if it starts with another verb, e.g. `must divide 6`. */
  expected: string;
  /** What was received. Strings are shown as they are; use {@link show} for values. */
  found: string;
  /** One next step, a sentence with its full stop. */
  repair?: string;
  cause?: unknown;
}

/**
 * A refusal: `code` and the parts of its sentence as fields.
 *
 * @example
 * ```ts
 * const error = new TsunoError('ARGUMENT', { where: 'Conv2D "a"', what: 'filters', expected: 'a positive integer', found: '-1' });
 * error.message; // '[Conv2D "a"] filters must be a positive integer, received -1.'
 * ```
 */
export class TsunoError extends Error {
  override readonly name = 'TsunoError';
  readonly code: ErrorCode;
  readonly where: string;
  readonly what: string;
  readonly expected: string;
  readonly found: string;
  readonly repair: string | undefined;

  constructor(code: ErrorCode, details: ErrorDetails) {
    super(sentence(details), details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.where = details.where;
    this.what = details.what;
    this.expected = details.expected;
    this.found = details.found;
    this.repair = details.repair;
  }
}

function sentence({ where, what, expected, found, repair }: ErrorDetails): string {
  const clause = /^must\b/.test(expected) ? expected : `must be ${expected}`;
  return `[${where}] ${what} ${clause}, received ${found}.${repair ? ` ${repair}` : ''}`;
}

/** An assertion about our own code; its message begins with `internal:`. */
export function internal(message: string, cause?: unknown): Error {
  return new Error(`internal: ${message}`, cause === undefined ? undefined : { cause });
}

/** What the system says of a failure: its code, as `ENOENT`, or else all of it. */
export function showFailure(cause: unknown): string {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
}

/** Shows a value in an error, shortened: strings quoted, shapes as `[2, 3]`, long arrays cut. */
export function show(value: unknown): string {
  if (typeof value === 'string')
    return JSON.stringify(value.length > 80 ? `${value.slice(0, 77)}…` : value);
  if (Array.isArray(value)) {
    const items = value.slice(0, 8).map(show);
    return `[${items.join(', ')}${value.length > 8 ? ', …' : ''}]`;
  }
  if (ArrayBuffer.isView(value)) return `${value.constructor.name}(${value.byteLength} bytes)`;
  if (value === null || typeof value !== 'object') return String(value);
  if (typeof value === 'function') return 'a function';
  const name = value.constructor?.name;
  return name && name !== 'Object' ? `a ${name}` : 'an object';
}
