/** @file The Chromium that browser tests drive: the system's, or the one that `CHROMIUM` names. */
import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const path = process.env.CHROMIUM ?? '/usr/bin/chromium';

/** Why tests in a browser are left out here; `false` where they are not. */
export const noChromium: string | false = existsSync(path)
  ? false
  : `there is no Chromium at ${path}; install one, or name it in CHROMIUM`;

const quiet = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Starts it without a window; it asks nobody for anything by itself. */
export function launch(): Promise<Browser> {
  return chromium.launch({ executablePath: path, headless: true, args: quiet });
}
