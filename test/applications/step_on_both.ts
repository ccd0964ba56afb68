/** @file One training step of a network, on the engine and on the float64 reference. */
import assert from 'node:assert/strict';
import { evaluate } from '../../src/backends/reference/evaluate.ts';
import type { EngineOptions } from '../../src/backends/wasm/engine.ts';
import { RandomSequence } from '../../src/core/random.ts';
import { sizeOf } from '../../src/core/shape.ts';
import { tensor } from '../../src/core/tensor.ts';
import type { VariableRef } from '../../src/ir/graph.ts';
import type { Variable } from '../../src/layers/variable.ts';
import type { Model } from '../../src/model/model.ts';
import { Session } from '../../src/runtime/session.ts';
import { Compiled } from '../../src/train/compiled.ts';
import { haltName } from '../../src/train/health.ts';
import { SGD } from '../../src/train/optimizers/index.ts';
import { inputNames, Randomness, trainStep, typesOf } from '../../src/train/step.ts';

/** Random images and labels for a model. */
export function randomData(model: Model, count: number, seed = 1) {
  const [, ...image] = model.inputs[0]!.shape as number[];
  const classes = model.outputs[0]!.shape.at(-1)!;
  const random = new RandomSequence(seed, 78);
  const images = Float32Array.from({ length: count * sizeOf(image) }, () => random.uniform());
  const labels = Int32Array.from({ length: count }, () => Math.floor(random.uniform() * classes));
  return { image, images, labels };
}

export interface Difference {
  /** Variables whose new values were compared: weights, moving statistics, momentums, means. */
  variables: number;
  /** The largest difference of a variable's change, as a part of its largest change. */
  largest: number;
  /** The variable it was found in. */
  where: string;
}

/**
 * Changes are compared to at least this one: a gradient that is 0 but for rounding, as that of an offset before another
 * batch normalization, has no size of its own.
 */
const least = 1e-3;

/** Takes one step of SGD with momentum on both, and compares how far each variable moved. */
export async function differenceOfStep(
  model: Model,
  batch: number,
  engine: EngineOptions,
): Promise<Difference> {
  const { image, images, labels } = randomData(model, batch);
  const compiled = new Compiled(
    {
      optimizer: new SGD({ learningRate: 0.1, momentum: 0.9 }),
      loss: 'sparse_categorical_crossentropy',
      metrics: ['accuracy'],
    },
    () => model.outputNames,
  );
  const x = [tensor(images, [batch, ...image])];
  const types = typesOf({ x, y: [tensor(labels)], sampleWeights: [] }, batch);
  const { graph } = trainStep(model, compiled, types, new Randomness());
  const before = new Map<VariableRef, Float64Array>();
  const given = (variable: VariableRef) => {
    before.set(variable, Float64Array.from((variable as Variable).data));
    return before.get(variable)!;
  };
  const rows = Int32Array.from({ length: batch }, (_, i) => i);
  const inputs = {
    [inputNames.x(0)]: images,
    [inputNames.y(0)]: labels,
    [inputNames.rows]: rows,
  };
  const expected = evaluate(graph, inputs, given).updates;

  const session = await Session.open(engine);
  try {
    const program = await session.compile(graph, { halt: haltName });
    const bindings = Object.entries(inputs).map(([name, data]) => {
      const region = session.reserve(data.byteLength);
      const dtype = data instanceof Float32Array ? 'float32' : 'int32';
      session.engine.view(region, dtype, [data.length]).set(data);
      return [name, { region }] as const;
    });
    assert.equal(await session.run(program, { inputs: Object.fromEntries(bindings) }), 1);
    let worst: Difference = { variables: expected.size, largest: 0, where: 'none' };
    for (const [variable, { data }] of expected) {
      const found = (variable as Variable).data;
      const old = before.get(variable) ?? new Float64Array(data.length);
      const most = data.reduce((top, value, i) => Math.max(top, Math.abs(value - old[i]!)), least);
      const far = data.reduce((top, value, i) => Math.max(top, Math.abs(value - found[i]!)), 0);
      if (!(far / most <= worst.largest))
        worst = { ...worst, largest: far / most, where: (variable as Variable).path };
    }
    return worst;
  } finally {
    session.close();
  }
}
