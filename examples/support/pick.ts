/** @file Some predictions to look at: the first wrong ones among right ones. */
import { Tensor } from 'tsuno';

/** Rows of a tensor, in the order given. */
export function rowsOf(all: Tensor, rows: readonly number[]): Tensor {
  const width = all.size / all.length;
  const picked = new Tensor(all.dtype, [rows.length, ...all.shape.slice(1)]);
  for (const [to, from] of rows.entries())
    picked.data.set(all.data.subarray(from * width, (from + 1) * width), to * width);
  return picked;
}

/**
 * Numbers of `count` samples, up to a third of them wrong, mixed by their place in the data.
 *
 * @param predicted class of each sample, beside its true class in `labels`.
 */
export function mixOfRightAndWrong(
  predicted: readonly number[],
  labels: Tensor,
  count: number,
): number[] {
  const isRight = (label: number, i: number) => label === labels.at(i);
  const all = predicted.map((label, i) => ({ i, right: isRight(label, i) }));
  const wrong = all.filter(({ right }) => !right).slice(0, Math.floor(count / 3));
  const right = all.filter((one) => one.right).slice(0, count - wrong.length);
  return [...wrong, ...right].map(({ i }) => i).sort((a, b) => mixed(a) - mixed(b));
}

/** A fixed shuffle of whole numbers. */
function mixed(i: number): number {
  return (i * 2654435761) % 2 ** 32;
}
