/**
 * @file The habits of this repository that a machine can check, as one list: each rule says which files it concerns
 * and what it finds in a text. Formatting and the rest are Biome's.
 */
import { importsOf } from './imports.ts';
import { lineOf, scan } from './sources.ts';

export interface Rule {
  name: string;
  /** The files concerned. */
  files: RegExp;
  /** What is wrong, as offsets with a remark; empty where all is well. */
  check(text: string, path: string): { at: number; remark: string }[];
}

const source = /^src\/.*(?<!\.d)\.ts$/;
const typescript = /^(src|test|examples|bench|demo|tools|cli|studio)\/.*\.ts$/;
const written = /\.(ts|mjs|js|json|md|sh|yml|html|css|py)$|^\.ci\/|^\.npmrc$/;

/** Packages small enough to be loaded with tsuno. */
const light = ['fflate'];

/** Every match of a pattern as a finding. */
function matches(text: string, pattern: RegExp, remark: (match: string) => string) {
  return [...text.matchAll(pattern)].map((match) => ({
    at: match.index,
    remark: remark(match[0]),
  }));
}

/** The same, inside comments only. */
function inComments(text: string, pattern: RegExp) {
  return scan(text).comments.flatMap(({ start, end }) =>
    matches(text.slice(start, end), pattern, (word) => word).map(({ at, remark }) => ({
      at: at + start,
      remark,
    })),
  );
}

/** Imports that load something, as soon as the file itself is loaded. */
function loaded(text: string, which: (specifier: string) => boolean) {
  const { code } = scan(text);
  return importsOf(text)
    .filter(({ specifier }) => which(specifier))
    .filter(({ kind, at }) => kind === 'static' || (kind === 'dynamic' && runsOnLoad(code, at)))
    .map(({ specifier, at }) => ({ at, remark: specifier }));
}

/** An `await import(…)` outside every brace runs when the module loads. */
function runsOnLoad(code: string, at: number): boolean {
  const before = code.slice(0, at);
  const depth = before.replace(/[^{]/g, '').length - before.replace(/[^}]/g, '').length;
  return depth === 0 && /\bawait\s*$/.test(before);
}

/** Built from pieces, so that this file does not mention what it forbids. */
const hosts = new RegExp(
  `\\bregistry\\.(?:npmjs|yarnpkg|npmmirror)|\\bnpmjs${'\\.'}(?:org|com)\\b`,
  'g',
);
const machinePaths = new RegExp(
  `(?<![\\w.@/-])/(?:${['work', 'root', 'Users', 'home'].join('|')})/[\\w.]`,
  'g',
);

export const rules: Rule[] = [
  {
    name: 'at most 700 lines',
    files: typescript,
    check: (text) => {
      const lines = text.trimEnd().split('\n').length;
      return lines > 700 ? [{ at: text.length, remark: `${lines} lines` }] : [];
    },
  },
  {
    name: 'opens with an @file paragraph',
    files: typescript,
    check: (text) =>
      /^(#!.*\n)?\/\*\*\s*(\*\s*)?@file\s+\S/.test(text)
        ? []
        : [{ at: 0, remark: 'no @file paragraph' }],
  },
  {
    name: 'names in snake_case',
    files: typescript,
    check: (_, path) =>
      /^[a-z0-9]+(_[a-z0-9]+)*(\.(test|d))?\.ts$/.test(path.split('/').at(-1)!)
        ? []
        : [{ at: 0, remark: 'not snake_case' }],
  },
  {
    name: 'no `any`',
    files: typescript,
    check: (text) => matches(scan(text).code, /(?<![.\w$])any(?![\w$(:?])/g, () => 'any'),
  },
  {
    name: 'no silenced compiler; only a type test may expect an error',
    files: typescript,
    check: (text, path) =>
      inComments(
        text,
        source.test(path) ? /@ts-(?:ignore|nocheck|expect-error)/g : /@ts-(?:ignore|nocheck)/g,
      ),
  },
  {
    name: 'no work left for later',
    files: typescript,
    check: (text) => inComments(text, /\b(?:TODO|FIXME|XXX)\b/g),
  },
  {
    name: 'loads in a browser: node modules are imported inside the function that needs them, or for their types',
    files: source,
    check: (text) => loaded(text, (specifier) => specifier.startsWith('node:')),
  },
  {
    name: 'loads fast: packages are imported inside the function that needs them, or for their types',
    files: source,
    check: (text) =>
      loaded(text, (specifier) => !/^(?:\.|node:)/.test(specifier) && !light.includes(specifier)),
  },
  {
    name: 'no registry host',
    files: written,
    check: (text) => matches(text, hosts, (host) => host),
  },
  {
    name: 'no path of one machine',
    files: written,
    check: (text) => matches(text, machinePaths, (path) => path),
  },
];

/** `path:line: remark (rule)` for everything the rules find. */
export function findings(path: string, text: string): string[] {
  return rules
    .filter(({ files }) => files.test(path))
    .flatMap(({ name, check }) =>
      check(text, path).map(({ at, remark }) => `${path}:${lineOf(text, at)}: ${remark} (${name})`),
    );
}
