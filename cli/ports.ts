/** @file What the inputs and outputs of a model are called, where arrays are given or told by name. */
import { type Model, TsunoError } from '../src/index.ts';

export interface Ports {
  /** `x` alone, or the names of several inputs. */
  inputs: readonly string[];
  /** `y` alone, or the names of several outputs. */
  outputs: readonly string[];
}

/** The names under which a file has what a model is fed. */
export function portsOf(model: Model): Ports {
  const inputs = model.inputSpecs?.map(({ name }) => name) ?? [];
  const outputs = model.outputNames;
  return {
    inputs: inputs.length > 1 ? inputs : ['x'],
    outputs: outputs.length > 1 ? outputs : ['y'],
  };
}

/**
 * Several inputs or outputs want arrays by name.
 *
 * @param given what was given in their place.
 * @throws TsunoError `SHAPE` where there are several.
 */
export function refuseSeveral(given: string, { inputs, outputs = [] }: Partial<Ports>): void {
  const names = [...(inputs ?? []), ...outputs];
  if ((inputs?.length ?? 0) < 2 && outputs.length < 2) return;
  throw new TsunoError('SHAPE', {
    where: given,
    what: 'data of a model of several inputs or outputs',
    expected: `arrays by name: ${names.join(', ')}`,
    found: 'images, or arrays without names',
    repair: 'Give an .npz or .safetensors file with these arrays.',
  });
}
