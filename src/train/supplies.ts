/** @file What `fit`, `evaluate` and `predict` were given, as supplies: in memory, a streamed set, or batches. */
import { show, TsunoError } from '../core/errors.ts';
import { Tensor } from '../core/tensor.ts';
import { Dataset } from '../data/dataset.ts';
import { StreamingDataset } from '../data/streaming_dataset.ts';
import { BatchSupply } from './batch_supply.ts';
import {
  type BatchStream,
  type ColumnNames,
  type ColumnOptions,
  columnsOf,
  countOf,
  type Data,
  sliceColumns,
  type Tensors,
  weightsOf,
  withClassWeight,
} from './batches.ts';
import type { Supply } from './feed.ts';
import { MemorySupply } from './memory_supply.ts';
import { SetSupply, type SetWeights } from './set_supply.ts';

export interface SupplyOptions extends ColumnOptions {
  /** How much the samples of each class count; default 1. */
  classWeight?: Readonly<Record<number, number>> | undefined;
}

/** Whether data are batches, or a function that gives them. */
function isBatchStream(data: Data): data is BatchStream {
  if (typeof data === 'function') return true;
  if (typeof data !== 'object' || data === null) return false;
  if (Array.isArray(data) || ArrayBuffer.isView(data) || data instanceof Tensor) return false;
  return Symbol.asyncIterator in data || Symbol.iterator in data;
}

function refuse(where: string, what: string, expected: string, found: unknown): TsunoError {
  return new TsunoError('ARGUMENT', { where, what, expected, found: show(found) });
}

function mustBeLeftOut(where: string, what: string, given: unknown, reason: string): void {
  if (given !== undefined) throw refuse(where, what, `must be left out: ${reason}`, given);
}

/** @throws TsunoError where data in memory are impossible, or options do not go with the kind of data. */
export function supplyOf(
  data: Data,
  options: SupplyOptions,
  names: ColumnNames,
  where: string,
): Supply {
  const { classWeight, y, sampleWeight } = options;
  if (data instanceof StreamingDataset) {
    mustBeLeftOut(where, 'y', y, 'the data set has labels');
    return new SetSupply(data, setWeights(data, options, names, where));
  }
  if (isBatchStream(data)) {
    mustBeLeftOut(where, 'y', y, 'batches have labels, [x, y]');
    mustBeLeftOut(
      where,
      'sampleWeight',
      sampleWeight,
      'batches have weights, [x, y, sampleWeight]',
    );
    return new BatchSupply(data, classWeight);
  }
  return new MemorySupply(
    withClassWeight(columnsOf(data, options, names, where), classWeight, where),
  );
}

function setWeights(
  { length }: StreamingDataset,
  { sampleWeight, classWeight }: SupplyOptions,
  names: ColumnNames,
  where: string,
): SetWeights {
  return { sampleWeights: weightsOf(sampleWeight, length, names, where), classWeight };
}

/** What to predict: of labelled data the inputs. */
export function inputSupply(data: Data, names: ColumnNames, where: string): Supply {
  return supplyOf(data instanceof Dataset ? data.images : data, {}, names, where);
}

/**
 * The last part of the samples apart: what to train on, and what to validate with.
 *
 * @param split the part, between 0 and 1; cut as Keras cuts, rounded down.
 * @throws TsunoError `ARGUMENT` where that is not so or leaves no samples on one side, or the data are batches.
 */
export function splitSupplies(
  data: Data,
  options: SupplyOptions,
  names: ColumnNames,
  split: number,
): [training: Supply, validation: Supply] {
  const where = 'fit';
  if (isBatchStream(data)) {
    throw refuse(where, 'validationSplit', 'must be left out: batches have no last part', split);
  }
  const { classWeight } = options;
  if (data instanceof StreamingDataset) {
    const cut = validationCut(data.length, split);
    const { sampleWeights } = setWeights(data, options, names, where);
    const part = (from: number, to?: number, weight?: SupplyOptions['classWeight']) =>
      new SetSupply(data.slice(from, to), {
        sampleWeights: sampleWeights.map((one) => one?.slice(from, to)),
        classWeight: weight,
      });
    mustBeLeftOut(where, 'y', options.y, 'the data set has labels');
    return [part(0, cut, classWeight), part(cut)];
  }
  const all = columnsOf(data as Dataset | Tensors, options, names, where);
  const cut = validationCut(countOf(all), split);
  const training = withClassWeight(sliceColumns(all, 0, cut), classWeight, where);
  return [new MemorySupply(training), new MemorySupply(sliceColumns(all, cut))];
}

function validationCut(count: number, split: number): number {
  const cut = Math.floor(count * (1 - split));
  if (split > 0 && split < 1 && cut > 0 && cut < count) return cut;
  throw refuse(
    'fit',
    `validationSplit of ${count} samples`,
    'a number between 0 and 1 that leaves samples on both sides',
    split,
  );
}
