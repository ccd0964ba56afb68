/**
 * @file The order of the folders under src/, and the two rules that keep it: a file imports only from its own folder
 * or from folders earlier in the order, and no chain of imports leads back to where it began. Imports of types count.
 */
import { posix } from 'node:path';
import { lineOf, scan } from './sources.ts';

/** From the bottom up; `docs/layout.md` says what each is for. */
export const order = [
  'core',
  'data',
  'ir',
  'ops',
  'layers',
  'topology',
  'grad',
  'passes',
  'plan',
  'backends',
  'runtime',
  'train',
  'saving',
  'callbacks',
  'plots',
  'model',
  'applications',
  'comparison',
  'index.ts',
];

export interface Import {
  /** As written. */
  specifier: string;
  kind: 'static' | 'type' | 'dynamic';
  /** Where its clause begins, an offset. */
  at: number;
}

/** The source texts of a tree, by path: `src/core/shape.ts` → text. */
export type Tree = ReadonlyMap<string, string>;

const patterns: [Import['kind'], RegExp][] = [
  ['type', /\b(?:import|export)\s+type\s+(?:\{[^}]*\}|\*(?:\s+as\s+\w+)?|\w+)\s*from\s*['"]/g],
  [
    'static',
    /\b(?:import|export)\s+(?!type\s+[\w{*])(?:[\w$]+\s*,?\s*)?(?:\{[^}]*\}|\*(?:\s+as\s+\w+)?)?\s*from\s*['"]/g,
  ],
  ['static', /\bimport\s*['"]/g],
  ['dynamic', /\bimport\s*\(\s*['"]/g],
];

/** Every import and re-export of a source, in the order of the text. */
export function importsOf(text: string): Import[] {
  const { code } = scan(text);
  const found = patterns.flatMap(([kind, pattern]) =>
    [...code.matchAll(pattern)].map((match): Import => {
      const start = match.index + match[0].length;
      const specifier = text.slice(start, code.indexOf(code[start - 1]!, start));
      return { specifier, kind: onlyTypes(match[0]) ? 'type' : kind, at: match.index };
    }),
  );
  return found.sort((a, b) => a.at - b.at);
}

/** `import { type A, type B } from` brings in nothing that runs. */
function onlyTypes(clause: string): boolean {
  const names = /^(?:import|export)\s*\{([^}]*)\}/
    .exec(clause)?.[1]
    ?.split(',')
    .map((name) => name.trim());
  return names?.filter(Boolean).every((name) => name.startsWith('type ')) ?? false;
}

function isRelative({ specifier }: Import): boolean {
  return specifier.startsWith('.');
}

function target(path: string, { specifier }: Import): string {
  return posix.join(posix.dirname(path), specifier);
}

/** `src/layers/dense.ts` → `layers`; `src/index.ts` → `index.ts`. */
function rung(path: string): string {
  return path.split('/')[1] ?? path;
}

/** One sentence for each import that leads up, out of src/, or to a file that is not there. */
export function upwardImports(tree: Tree): string[] {
  return [...tree].flatMap(([path, text]) => {
    const own = order.indexOf(rung(path));
    if (own < 0) return [`${path}: ${rung(path)} has no place in the order of the folders`];
    return importsOf(text)
      .filter(isRelative)
      .flatMap((entry) => {
        const to = target(path, entry);
        const where = `${path}:${lineOf(text, entry.at)}`;
        if (!tree.has(to)) return [`${where}: ${entry.specifier} is no file of src/`];
        return order.indexOf(rung(to)) > own
          ? [`${where}: ${rung(path)} must not import ${to}`]
          : [];
      });
  });
}

/** Each ring of files that import one another, once, as `a → b → a`. */
export function cycles(tree: Tree): string[] {
  const next = new Map(
    [...tree].map(([path, text]) => [
      path,
      importsOf(text)
        .filter(isRelative)
        .map((entry) => target(path, entry)),
    ]),
  );
  const found = new Map<string, string>();
  const done = new Set<string>();
  const visit = (path: string, chain: string[]): void => {
    const from = chain.indexOf(path);
    if (from >= 0) {
      const ring = chain.slice(from);
      found.set([...ring].sort().join(), [...ring, path].join(' → '));
    } else if (!done.has(path)) {
      for (const to of next.get(path) ?? []) visit(to, [...chain, path]);
      done.add(path);
    }
  };
  for (const path of tree.keys()) visit(path, []);
  return [...found.values()];
}
