/**
 * @file What the repository's own checks read: the files of the working tree, and a source text with its comments
 * and strings told apart from its code. TypeScript 7 has no stable programming interface, so this is a small
 * scanner of our own: it knows comments, strings, templates and regular expressions, and nothing of grammar.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root: the nearest folder above with a package.json. */
export const root = findRoot(dirname(fileURLToPath(import.meta.url)));

function findRoot(folder: string): string {
  return existsSync(join(folder, 'package.json')) ? folder : findRoot(dirname(folder));
}

export function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

/** Paths below `folder`, relative to the root, with `/`; nothing installed, nothing compiled. */
export function filesBelow(folder: string, keep: (path: string) => boolean = () => true): string[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .map((path) => path.split(sep).join('/'))
    .filter((path) => !/(^|\/)(node_modules|__pycache__)\//.test(path) && keep(path))
    .sort();
}

/** TypeScript sources below `folder`, declarations left out. */
export function typescriptBelow(folder: string): string[] {
  return filesBelow(folder, (path) => path.endsWith('.ts') && !path.endsWith('.d.ts'));
}

/** Every file that is, or is about to be, part of the repository; without git, the folders it is known to have. */
export function repositoryFiles(): string[] {
  try {
    const list = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return list.split('\n').filter((path) => path !== '' && existsSync(join(root, path)));
  } catch {
    const folders = ['.ci', 'bench', 'demo', 'docs', 'examples', 'src', 'test', 'tools'];
    return [...folders.flatMap((folder) => filesBelow(folder)), 'README.md', 'package.json'].filter(
      (path) => existsSync(join(root, path)),
    );
  }
}

interface Span {
  start: number;
  end: number;
}

export interface ScannedSource {
  /** The text at equal length, with comments and the insides of strings, templates and expressions blanked. */
  code: string;
  /** Comments with their delimiters. */
  comments: Span[];
}

/** After these a slash begins a regular expression, not a division; after the `!` of `count! / 2` it divides. */
const beforeExpression =
  /(?:^|[-(,=:[&|?{};+*%<>~^]|(?<![\w$)\]])!|\b(?:return|typeof|case|in|of|void|throw|await|yield))\s*$/;

const scanned = new Map<string, ScannedSource>();

/** Tells code from comments and strings. `${…}` inside templates is code again. */
export function scan(text: string): ScannedSource {
  const known = scanned.get(text) ?? scanText(text);
  scanned.set(text, known);
  return known;
}

function scanText(text: string): ScannedSource {
  const code = text.replace(/[^\n]/g, ' ').split('');
  const comments: Span[] = [];
  const templates: number[] = []; // depth of braces inside each open `${`
  let at = 0;

  const keep = (count = 1) => {
    for (let i = at; i < at + count; i += 1) code[i] = text[i]!;
    at += count;
  };
  const skipTo = (end: number) => {
    at = Math.min(end, text.length);
  };
  const quoted = (quote: string) => {
    keep();
    while (at < text.length && text[at] !== quote && text[at] !== '\n')
      skipTo(at + (text[at] === '\\' ? 2 : 1));
    if (text[at] === quote) keep();
  };
  /** Inside a template, up to its end or the next `${`. */
  const template = () => {
    while (at < text.length && text[at] !== '`' && !text.startsWith('${', at)) {
      skipTo(at + (text[at] === '\\' ? 2 : 1));
    }
    if (text[at] === '`') keep();
    else {
      keep(2);
      templates.push(0);
    }
  };
  const expression = () => {
    keep();
    for (let inClass = false; at < text.length && text[at] !== '\n'; ) {
      if (text[at] === '[') inClass = true;
      else if (text[at] === ']') inClass = false;
      else if (text[at] === '/' && !inClass) break;
      skipTo(at + (text[at] === '\\' ? 2 : 1));
    }
    if (text[at] === '/') keep();
  };

  while (at < text.length) {
    const c = text[at]!;
    const open = templates.length - 1;
    if (text.startsWith('//', at) || text.startsWith('/*', at)) {
      const close = text[at + 1] === '/' ? text.indexOf('\n', at) : text.indexOf('*/', at + 2) + 2;
      const end = close < at + 2 ? text.length : close;
      comments.push({ start: at, end });
      skipTo(end);
    } else if (c === "'" || c === '"') quoted(c);
    else if (c === '`') {
      keep();
      template();
    } else if (c === '/' && beforeExpression.test(code.slice(Math.max(0, at - 80), at).join('')))
      expression();
    else {
      keep();
      if (open >= 0 && c === '{') templates[open]! += 1;
      if (open >= 0 && c === '}') {
        if (templates[open] === 0) {
          templates.pop();
          template();
        } else templates[open]! -= 1;
      }
    }
  }
  return { code: code.join(''), comments };
}

/** The line, counted from 1, of an offset. */
export function lineOf(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length;
}
