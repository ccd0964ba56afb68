/** @file The WebAssembly engine as what runs the steps of training cases: one session, programs freed by the case. */

import { bytesOf } from '../../src/core/dtype.ts';
import { sizeOf } from '../../src/core/shape.ts';
import type { Graph } from '../../src/ir/graph.ts';
import { forwardPasses } from '../../src/passes/index.ts';
import type { Program, Session } from '../../src/runtime/session.ts';
import type { StepBackend } from './training_run.ts';

/** @returns a backend and what frees its programs. */
export function engineSteps(session: Session): StepBackend & { dispose(): void } {
  const programs = new Map<Graph, Program>();
  const programOf = async (graph: Graph): Promise<Program> => {
    const program = programs.get(graph) ?? (await session.compile(graph));
    programs.set(graph, program);
    return program;
  };
  return {
    passes: forwardPasses,
    async run(graph, inputs) {
      const program = await programOf(graph);
      const bound = program.plan.inputs.map(({ name, shape, dtype }) => {
        const region = session.reserve(sizeOf(shape) * bytesOf(dtype));
        session.engine.view(region, dtype, shape).set(inputs[name]!);
        return [name, { region }] as const;
      });
      try {
        await session.run(program, { inputs: Object.fromEntries(bound) });
        return new Map(
          [...graph.outputs.keys()].map((name) => [
            name,
            session.engine.output(program, name).slice(),
          ]),
        );
      } finally {
        session.release(...bound.map(([, { region }]) => region));
      }
    },
    read: (variable) => variable.data,
    assign: (variable, values) => variable.assign(values),
    dispose() {
      for (const program of programs.values()) program.dispose();
    },
  };
}
