import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** The tree's root. */
export const root = resolve(import.meta.dirname, '../../..');

/** What is tested: $SHIKAKU_BUILD, or build/. */
export const build = resolve(process.env['SHIKAKU_BUILD'] ?? join(root, 'build'));

/** Path of a program of ours; throws where it is not built, so that a test cannot pass without it. */
export function program(name: string): string {
  const path = join(build, 'src/programs', name);
  if (!existsSync(path)) throw new Error(`${path} is not built`);
  return path;
}
