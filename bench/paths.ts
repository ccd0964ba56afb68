/** @file Where the benchmark reads and writes. */
import { join } from 'node:path';

/** The repository. */
export const root = join(import.meta.dirname, '..', '..');

/** What was found, and the peers in JavaScript: ignored by git. */
export const found = join(root, 'runs', 'bench');
