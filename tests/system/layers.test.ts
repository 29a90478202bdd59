import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { root } from './support/build.ts';

/** What the layer check says about a tree that holds our architecture page and these files. */
function complaints(files: Record<string, string>): { status: number | null; text: string } {
  const tree = mkdtempSync(join(tmpdir(), 'shikaku-layers-'));
  try {
    execFileSync('git', ['init', '--quiet', tree]);
    mkdirSync(join(tree, 'docs'));
    copyFileSync(join(root, 'docs/architecture.md'), join(tree, 'docs/architecture.md'));
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(tree, path)), { recursive: true });
      writeFileSync(join(tree, path), text);
    }
    const run = spawnSync('python3', [join(root, 'tools/check-layers.py')], { cwd: tree, encoding: 'utf8' });
    return { status: run.status, text: run.stdout + run.stderr };
  } finally {
    rmSync(tree, { recursive: true });
  }
}

test('an include that points down passes the layer check', () => {
  const found = complaints({ 'src/registry/person.c': '#include "base/date.h"\n#include "db/db.h"\n' });
  assert.equal(found.status, 0, found.text);
});

test('an include that points up is refused with its line', () => {
  const found = complaints({ 'src/domain/coverage.c': '#include "base/date.h"\n#include "db/db.h"\n' });
  assert.equal(found.status, 1);
  assert.match(found.text, /src\/domain\/coverage\.c:2: domain\/ may not include "db\/db\.h"/);
});

test('a layer that one folder alone may use is refused to its neighbour in the table', () => {
  assert.equal(complaints({ 'src/link/link.c': '#include "http/client.h"\n' }).status, 0);
  assert.equal(complaints({ 'src/vault/vault.c': '#include "http/client.h"\n' }).status, 1);
});

test('a unit test may include no more than the folder that it tests', () => {
  assert.equal(complaints({ 'tests/unit/domain/test_x.c': '#include "api/api.h"\n' }).status, 1);
});

test('a folder that the architecture does not name is refused', () => {
  assert.equal(complaints({ 'src/elsewhere/x.c': '\n' }).status, 1);
});

test('a path of one machine in a tracked file is refused', () => {
  const found = complaints({ 'docs/notes.md': `see ${['', 'home', 'someone', 'notes'].join('/')}\n` });
  assert.equal(found.status, 1);
});
