/** @file The peers in JavaScript that are no dependencies of tsuno: packages in `runs/bench/js`, put there when first needed. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { found } from '../paths.ts';

/** Versions are pinned, so that figures of another day can be compared. */
export const javaScriptPackages: Readonly<Record<string, string>> = {
  '@jax-js/jax': '0.1.25',
  '@tensorflow/tfjs': '4.22.0',
  '@tensorflow/tfjs-backend-wasm': '4.22.0',
};

const home = join(found, 'js');

function versionOf(name: string): string | undefined {
  const manifest = join(home, 'node_modules', name, 'package.json');
  if (!existsSync(manifest)) return undefined;
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version;
}

/** Installs what is missing, by npm. */
export function installJavaScriptPeers(): void {
  const wanted = Object.entries(javaScriptPackages);
  if (wanted.every(([name, version]) => versionOf(name) === version)) return;
  mkdirSync(home, { recursive: true });
  writeFileSync(
    join(home, 'package.json'),
    `${JSON.stringify({ private: true, dependencies: javaScriptPackages })}\n`,
  );
  const options = ['--no-audit', '--no-fund', '--ignore-scripts', '--no-package-lock'];
  execFileSync('npm', ['install', ...options], {
    cwd: home,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/** The file that an installed package begins with, as `require` finds it. */
export function resolveInstalled(name: string): string {
  return createRequire(join(home, 'package.json')).resolve(name);
}

/** Imports an installed package. */
export async function importInstalled<Exports>(name: string): Promise<Exports> {
  const loaded = (await import(pathToFileURL(resolveInstalled(name)).href)) as Exports & {
    default?: Exports;
  };
  return loaded.default ?? loaded;
}
