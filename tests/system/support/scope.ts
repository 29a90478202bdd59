import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Whatever ends, and cleans up then: a test's context, or `{ after }` of node:test for a whole file. */
export interface Scope {
  after(clean: () => void | Promise<void>): void;
}

/** A new directory that is removed when the scope ends. */
export function scratchDirectory(scope: Scope): string {
  const path = mkdtempSync(join(tmpdir(), 'shikaku-'));
  scope.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}
