/** @file The WebAssembly engine as what computes a layer case once: compiled, run for one step, read, freed. */
import type { Region } from '../../src/backends/backend.ts';
import type { WasmEngine } from '../../src/backends/wasm/engine.ts';
import { bytesOf, type DType } from '../../src/core/dtype.ts';
import { type Shape, sizeOf } from '../../src/core/shape.ts';
import type { VariableRef } from '../../src/ir/graph.ts';
import type { CaseBackend } from './run_case.ts';

/** Cases on `engine`; each leaves nothing in its memory. */
export function engineBackend(engine: WasmEngine): CaseBackend {
  return async (graph, inputs, variables) => {
    const regions: Region[] = [];
    const lend = (dtype: DType, shape: Shape, data: ArrayLike<number>): Region => {
      const region = engine.allocate(Math.max(1, sizeOf(shape)) * bytesOf(dtype));
      regions.push(region);
      engine.view(region, dtype, shape).set(data);
      return region;
    };
    const held = new Map<VariableRef, Region>();
    const place = (variable: VariableRef): Region => {
      const region =
        held.get(variable) ?? lend(variable.dtype, variable.shape, variables(variable));
      held.set(variable, region);
      return region;
    };
    const program = await engine.compile(graph, place);
    try {
      const { plan } = program;
      const bound = plan.inputs.map(({ name, shape, dtype }) => ({
        name,
        region: lend(dtype, shape, inputs[name]!),
      }));
      await engine.run(program, {
        inputs: Object.fromEntries(bound.map(({ name, region }) => [name, { region }])),
      });
      const read = (region: Region, { dtype, shape }: { dtype: DType; shape: Shape }) =>
        engine.view(region, dtype, shape).slice();
      return {
        outputs: new Map(
          [...plan.outputs].map(([name, where]) => {
            const type = graph.outputs.get(name)!;
            // A result that is an input, as that of a layer which does nothing, stays where it was.
            if (where.region === 'input') return [name, read(bound[where.index]!.region, type)];
            if (where.region === 'variable')
              return [name, read(held.get(plan.variables[where.index]!)!, type)];
            return [name, engine.output(program, name).slice()];
          }),
        ),
        updates: new Map([...graph.updates.keys()].map((ref) => [ref, read(held.get(ref)!, ref)])),
      };
    } finally {
      program.dispose();
      for (const region of regions) engine.free(region);
    }
  };
}
