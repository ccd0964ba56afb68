/**
 * @file The programs inside the documentation: every fence marked `ts` in Markdown pages and in docstrings, as
 * modules that can be compiled and run. The rules for writers:
 *
 * 1. A block is one module and may `await`. Words after `ts` change that: `no-run` only checks its types, `continue`
 *    puts the block before it, on the same page, in front of it.
 * 2. A name that the block neither declares nor imports is imported for it: from `tsuno` where tsuno exports it; in
 *    a docstring also from its own file, else from the first file of src/ that exports it. A `model`, `images`,
 *    `labels`, `training`, `validation` or `test` that nothing declares is given: see doc_givens.ts.
 * 3. `expression; // value` on one line is a claim that is checked, where the value is JSON, a quoted string or
 *    `undefined`: `x.shape; // [2, 3]`. Numbers are compared to the digits shown. `console.log(expression); // value`
 *    is the same claim. Other comments are comments.
 * 4. `@example` is followed by a fence.
 */
import { posix } from 'node:path';
import { given } from './doc_givens.ts';
import { importsOf } from './imports.ts';
import { lineOf, scan } from './sources.ts';

export interface Block {
  /** The file it stands in. */
  path: string;
  /** The line of its first line of code, from 1. */
  line: number;
  code: string;
  run: boolean;
}

/** Names and where to import them from, the first match wins. */
export interface Exports {
  specifier: string;
  names: ReadonlySet<string>;
}

const fence = /^([ \t]*)```([^\n`]*)\n([\s\S]*?)^[ \t]*```[ \t]*$/gm;

/** The blocks of a page of Markdown. */
export function markdownBlocks(path: string, text: string): Block[] {
  return fences(path, text, 1);
}

/** The blocks of the docstrings of a source. */
export function docstringBlocks(path: string, text: string): Block[] {
  return scan(text).comments.flatMap(({ start, end }) => {
    const comment = text.slice(start, end);
    if (!comment.startsWith('/**')) return [];
    const bare = comment.replace(/^[ \t]*\* ?|^\/\*\*|[ \t]*\*\/$/gm, '');
    for (const example of bare.matchAll(/^[ \t]*@example\b((?:(?!^[ \t]*@\w)[\s\S])*)/gm)) {
      if (!/^[ \t]*```/m.test(example[1]!)) {
        const line = lineOf(text, start) + lineOf(bare, example.index) - 1;
        throw new Error(`${path}:${line}: @example must be followed by a fence of code`);
      }
    }
    return fences(path, bare, lineOf(text, start));
  });
}

function fences(path: string, text: string, firstLine: number): Block[] {
  const blocks: Block[] = [];
  for (const match of text.matchAll(fence)) {
    const [language, ...words] = match[2]!.trim().split(/\s+/);
    if (language !== 'ts' && language !== 'typescript') continue;
    const line = firstLine + lineOf(text, match.index);
    const unknown = words.find((word) => word !== 'no-run' && word !== 'continue');
    if (unknown !== undefined)
      throw new Error(`${path}:${line - 1}: unknown word after ts: ${unknown}`);
    const before = words.includes('continue') ? blocks.at(-1) : undefined;
    if (before === undefined && words.includes('continue')) {
      throw new Error(`${path}:${line - 1}: nothing to continue`);
    }
    const own = match[3]!.replace(new RegExp(`^${match[1]}`, 'gm'), '');
    const code =
      before === undefined ? own : `${before.code}${'\n'.repeat(gap(before, line))}${own}`;
    blocks.push({ path, line: before?.line ?? line, code, run: !words.includes('no-run') });
  }
  return blocks;
}

/** Blank lines between a block and the one that continues it, so that line numbers stay those of the page. */
function gap(before: Block, line: number): number {
  return line - before.line - (before.code.split('\n').length - 1);
}

/**
 * The module of a block. Its first line holds what was added, so that line n of the block is line n + 1.
 *
 * @param address what a source of this repository is called in an import from the module
 */
export function moduleOf(
  block: Block,
  exports: readonly Exports[],
  address: (path: string) => string,
): string {
  const bound = new Set([...declared(block.code), ...imported(block.code)]);
  const added = [`import { claim as __claim } from '${address('test/repository/doc_claim.ts')}';`];
  for (const { specifier, names } of exports) {
    const wanted = [...used(block.code)].filter((name) => names.has(name) && !bound.has(name));
    for (const name of wanted) bound.add(name);
    if (wanted.length > 0) added.push(`import { ${wanted.join(', ')} } from '${specifier}';`);
  }
  const free = [...used(block.code)].filter((name) => !bound.has(name));
  added.push(...given(new Set(free)));
  return `${added.join(' ')}\n${withClaims(block)}\nexport {};\n`;
}

/** Identifiers that are not members of something; those in import clauses do not count. */
function used(code: string): Set<string> {
  const body = scan(code).code.replace(/\bimport\b[^'"();]*\bfrom\b/g, '');
  return new Set(body.match(/(?<![.\w$])[A-Za-z_$][\w$]*/g) ?? []);
}

/** Names that the block's own imports bind. */
function imported(code: string): string[] {
  return importsOf(code).flatMap(({ at }) => {
    const clause = /^import\s+(?:type\s+)?([^'"]*?)\s*from\b/.exec(code.slice(at))?.[1] ?? '';
    return clause
      .split(/[{},]/)
      .map((name) => name.trim().replace(/^(?:type\s+)?(?:.*\bas\s+)?/, ''));
  });
}

/** Names declared at the block's top level: `const a = 1, { b, c: d } = e;`, functions, classes and types. */
export function declared(block: string): string[] {
  const { code } = scan(block);
  const names = [...code.matchAll(/\b(?:function\*?|class|interface|type)\s+([\w$]+)/g)].map(
    (match) => match[1]!,
  );
  const keywords = [...code.matchAll(/\b(?:const|let|var)\b/g)].filter(
    ({ index }) => depth(code.slice(0, index)) === 0,
  );
  for (const keyword of keywords) {
    const rest = code.slice(keyword.index + keyword[0].length);
    const statement = rest.slice(
      0,
      [...rest].findIndex((c, i) => c === ';' && depth(rest.slice(0, i)) === 0) >>> 0,
    );
    for (const declarator of splitTop(statement)) {
      const pattern = /^\s*(\{[^}]*\}|\[[^\]]*\]|[\w$]+)/.exec(declarator)?.[1] ?? '';
      const parts = pattern.replace(/^[{[]|[}\]]$/g, '').split(',');
      names.push(
        ...parts.map((part) =>
          part
            .replace(/=.*/s, '')
            .replace(/^.*[:.]/s, '')
            .trim(),
        ),
      );
    }
  }
  return names.filter(Boolean);
}

function depth(code: string): number {
  return code.replace(/[^([{]/g, '').length - code.replace(/[^)\]}]/g, '').length;
}

/** Splits at the commas outside brackets. */
function splitTop(code: string): string[] {
  const parts = [''];
  for (const piece of code.split(',')) {
    const last = parts.length - 1;
    if (parts[last] === '') parts[last] = piece;
    else if (depth(parts[last]!) > 0) parts[last] += `,${piece}`;
    else parts.push(piece);
  }
  return parts;
}

const notExpression =
  /^\s*(?:$|[.)\]}?:|&]|(?:const|let|var|return|throw|import|export|if|else|for|while|do|class|function|type|interface)\b)/;

/** Turns `expression; // value` into a claim; lines and their numbers stay. */
function withClaims(block: Block): string {
  const { code, comments } = scan(block.code);
  const bare = code.split('\n');
  let at = 0;
  let previous = ';';
  return block.code
    .split('\n')
    .map((line, i) => {
      const start = at;
      at += line.length + 1;
      const comment = comments.find(
        (span) => span.start >= start && span.start < start + line.length,
      );
      const statement = bare[i]!.trimEnd();
      const begins = /[;{}]\s*$/.test(previous);
      if (statement !== '') previous = statement;
      if (
        comment === undefined ||
        !begins ||
        !statement.endsWith(';') ||
        notExpression.test(statement)
      )
        return line;
      if (/(?<![=!<>])=(?![=>])/.test(statement)) return line;
      const value = literal(block.code.slice(comment.start + 2, comment.end).trim());
      if (value === undefined || depth(statement) !== 0) return line;
      const expression = line
        .slice(0, statement.length - 1)
        .replace(/^(\s*)console\.log\((.*)\)$/, '$1$2');
      return `__claim(${expression}, ${value}, '${posix.normalize(block.path)}:${block.line + i}');`;
    })
    .join('\n');
}

/** The value a comment shows, as code; undefined where it is prose. */
function literal(comment: string): string | undefined {
  if (comment === 'undefined' || comment === 'NaN' || /^-?Infinity$/.test(comment)) return comment;
  if (/^'(?:[^'\\\n]|\\.)*'$/.test(comment)) return comment;
  try {
    return JSON.stringify(JSON.parse(comment));
  } catch {
    return undefined;
  }
}

/** Names a source exports, as far as its own text tells: declarations, lists, namespaces. */
export function exportedNames(text: string): Set<string> {
  const { code } = scan(text);
  const declarations = code.matchAll(
    /\bexport\s+(?:declare\s+)?(?:abstract\s+)?(?:async\s+)?(?:function\*?|class|const|let|type|interface)\s+([\w$]+)/g,
  );
  const lists = code.matchAll(/\bexport\s+(?:type\s+)?\{([^}]*)\}/g);
  const spaces = code.matchAll(/\bexport\s+\*\s+as\s+([\w$]+)/g);
  const listed = [...lists].flatMap((match) => match[1]!.split(','));
  return new Set(
    [...[...declarations, ...spaces].map((match) => match[1]!), ...listed]
      .map((name) =>
        name
          .trim()
          .replace(/^type\s+/, '')
          .replace(/^.*\bas\s+/, ''),
      )
      .filter(Boolean),
  );
}
