/**
 * @file Files of other programs that hold code: pickles, as PyTorch and scikit-learn write them. They are refused by what
 * they are, whatever they are called, with what to do instead.
 */
import { show, TsunoError } from '../core/errors.ts';

const hint =
  "Reading it would run code. In Python, export with torch.onnx.export and use loadModel('m.onnx'), or save the tensors with safetensors.torch.save_file.";

/** Endings of files that hold pickles. */
const endings = /\.(pt|pth|pkl|pickle|ckpt|joblib)$/i;

/** @throws TsunoError `UNSUPPORTED` with how to convert it, where a path is that of a pickle. */
export function refusePickledPath(path: string | URL): void {
  if (!endings.test(String(path))) return;
  throw new TsunoError('UNSUPPORTED', {
    where: String(path),
    what: 'file',
    expected: 'of data alone',
    found: `${show(endings.exec(String(path))![0])}, a pickle of Python`,
    repair: hint,
  });
}

/** @throws TsunoError `UNSUPPORTED` with how to convert it, where bytes are a pickle, or an archive of PyTorch. */
export function refusePickle(bytes: Uint8Array, where: string): void {
  const isPickle = bytes[0] === 0x80 && bytes[1]! >= 2 && bytes[1]! <= 5;
  if (!isPickle && !isTorchArchive(bytes)) return;
  throw new TsunoError('UNSUPPORTED', {
    where,
    what: 'file',
    expected: 'of data alone',
    found: isPickle ? 'a pickle of Python' : 'an archive of PyTorch, which holds a pickle',
    repair: hint,
  });
}

/** An archive whose first member is `NAME/data.pkl`, as `torch.save` writes it. */
function isTorchArchive(bytes: Uint8Array): boolean {
  if (bytes[0] !== 0x50 || bytes[1] !== 0x4b || bytes.length < 30) return false;
  const length = bytes[26]! + 256 * bytes[27]!;
  const name = String.fromCharCode(...bytes.subarray(30, 30 + Math.min(length, 300)));
  return /(^|\/)data\.pkl$/.test(name);
}
