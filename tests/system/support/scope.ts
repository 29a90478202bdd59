import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Whatever ends, and cleans up then: a test's context, or `{ after }` of node:test for a whole file. */
export interface Scope {
  after(clean: () => void | Promise<void>): void;
}

type Clean = () => void | Promise<void>;
const cleaning = new WeakMap<Scope, Clean[]>();

/** When the scope ends, what was asked for last comes first: a server stops before its directory is removed. */
export function atEnd(scope: Scope, clean: Clean): void {
  const known = cleaning.get(scope);
  if (known) {
    known.push(clean);
    return;
  }
  const list = [clean];
  cleaning.set(scope, list);
  scope.after(async () => {
    for (const each of list.reverse()) await each();
  });
}

/** A new directory that is removed when the scope ends. */
export function scratchDirectory(scope: Scope): string {
  const path = mkdtempSync(join(tmpdir(), 'shikaku-'));
  atEnd(scope, () => rmSync(path, { recursive: true, force: true }));
  return path;
}
