/** @file Functions as folded WebAssembly text, for people. */
import type { Code, Instruction } from './instructions.ts';
import type { FunctionBuilder } from './module.ts';

export function printFunction(fn: FunctionBuilder): string {
  const params = fn.params.map((param) => param.type).join(' ');
  const locals = fn.locals.map((l) => l.type).join(' ');
  return [
    `(func $${fn.name} (param ${params})`,
    `  (local ${locals})`,
    ...printCode(fn.body, '  '),
    ')',
  ].join('\n');
}

function printCode(code: Code, indent: string): string[] {
  return code.flatMap((instruction) => {
    if (!instruction.body) return [indent + fold(instruction)];
    const head = `${indent}(${instruction.name}${instruction.operands.map((o) => ` ${fold(o)}`).join('')}`;
    const lines = [head, ...printCode(instruction.body, `${indent}  `)];
    if (instruction.otherwise)
      lines.push(`${indent} else`, ...printCode(instruction.otherwise, `${indent}  `));
    return [...lines, `${indent})`];
  });
}

function fold({ name, operands, immediates }: Instruction): string {
  const memory = immediates.length === 2 ? (immediates[1] ? ` offset=${immediates[1]}` : '') : '';
  const plain = immediates.length === 1 ? ` ${immediates[0]}` : '';
  return `(${name}${memory}${plain}${operands.map((operand) => ` ${fold(operand)}`).join('')})`;
}
