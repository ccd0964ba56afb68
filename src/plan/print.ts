/** @file A plan as text: one kernel a line, with places, shares and meeting points. */
import { printNode } from '../ir/print.ts';
import type { Place, Plan, PlannedKernel } from './plan.ts';

export function printPlan(plan: Plan): string {
  const lines = [`arena ${plan.arenaBytes} bytes`];
  plan.inputs.forEach(({ name, dtype, shape }, i) => {
    lines.push(`input ${i} ${name} ${dtype}[${shape.join(', ')}]`);
  });
  plan.variables.forEach(({ name, path = name, dtype, shape }, i) => {
    lines.push(`variable ${i} ${path} ${dtype}[${shape.join(', ')}]`);
  });
  lines.push(
    ...plan.once.map((kernel) => `once ${printKernel(kernel)}`),
    ...plan.kernels.map(printKernel),
  );
  for (const { from, to } of plan.copies)
    lines.push(`copy ${printPlace(from)} → ${printPlace(to)}`);
  for (const [name, place] of plan.outputs) lines.push(`result ${name} at ${printPlace(place)}`);
  return lines.join('\n');
}

function printKernel({
  node,
  inputs,
  outputs,
  scratch,
  units,
  spread,
  barrier,
}: PlannedKernel): string {
  const places = `${inputs.map(printPlace).join(' ')} → ${outputs.map(printPlace).join(' ')}`;
  const work = `${units} units${spread ? ' shared' : ''}${scratch ? `, scratch ${printPlace(scratch)}` : ''}`;
  return `${barrier ? '| ' : '  '}${printNode(node)}\n      ${places}; ${work}`;
}

function printPlace(place: Place): string {
  if (place.region === 'arena') return `@${place.offset}+${place.bytes}`;
  return `${place.region[0]}${place.index}`;
}
