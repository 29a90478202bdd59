import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { program } from './support/build.ts';
import { run } from './support/processes.ts';
import { scratchDirectory, type Scope } from './support/scope.ts';

const shikaku = (...given: string[]) => run(program('shikaku'), given);

interface Member {
  case: string;
  my_number: string;
  pin: string | null;
  reason: string;
  expected: { card: { reason: string } | null; number: { reason: string } | null };
}

async function newOnes(scope: Scope) {
  const directory = scratchDirectory(scope);
  const authority = join(directory, 'authority');
  const centre = join(directory, 'centre');
  assert.equal((await run(program('shikaku-authority'), ['init', authority])).status, 0);
  const url = 'https://127.0.0.1:8440';
  const made = await shikaku(
    'init',
    centre,
    '--authority',
    join(authority, 'public'),
    '--authority-url',
    url,
  );
  assert.equal(made.status, 0, made.stderr);
  return { authority, centre };
}

const fill = (at: { authority: string; centre: string }, people: string) => [
  ...['synth', '--centre', at.centre, '--authority', at.authority],
  ...['--people', people, '--seed', '4', '--today', '2026-11-23'],
];

test('one seed and day give the same cast in another centre, and a filled centre is left alone', async (t) => {
  const first = await newOnes(t);
  const second = await newOnes(t);
  for (const each of [first, second]) {
    const filled = await shikaku(...fill(each, '300'));
    assert.equal(filled.status, 0, filled.stderr);
    assert.match(filled.stdout, /300 people/);
  }
  const told = await shikaku('synth', '--cast', '--json', '--centre', first.centre);
  assert.equal(told.status, 0);
  assert.equal(told.stdout, (await shikaku('synth', '--cast', '--json', '--centre', second.centre)).stdout);

  const again = await shikaku(...fill(first, '300'));
  assert.equal(again.status, 1);
  assert.match(again.stderr, /作成済み[^]*filled already/);
  const mixed = await shikaku(
    ...fill({ authority: second.authority, centre: (await newOnes(t)).centre }, '300'),
  );
  assert.equal(mixed.status, 1);
  assert.match(mixed.stderr, /believes another authority/);
});

test('the cast names what each check must answer, and only its owner can read it', async (t) => {
  const at = await newOnes(t);
  assert.equal((await shikaku(...fill(at, '200'))).status, 0);
  const file = join(at.centre, 'cast.json');
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const cast = JSON.parse(readFileSync(file, 'utf8')) as Member[];
  const played = new Set(cast.map((member) => member.case));
  for (const wanted of [
    'in_force',
    'lost',
    'card_suspended',
    'several_match',
    'without_pin',
    'certificate_only',
  ])
    assert.ok(played.has(wanted), wanted);
  assert.equal(new Set(cast.map((member) => member.my_number)).size, cast.length);
  assert.equal(cast.find((member) => member.case === 'without_pin')?.pin, null);
  for (const { expected, reason } of cast)
    assert.ok([expected.card?.reason, expected.number?.reason].includes(reason));

  const shown = await shikaku('synth', '--cast', '--centre', at.centre);
  assert.equal(shown.status, 0);
  assert.equal(shown.stdout.trimEnd().split('\n').length, cast.length + 1);
  for (const { my_number } of cast) assert.ok(!shown.stdout.includes(my_number));
});

test('a centre without a cast says so, and too few people are refused', async (t) => {
  const at = await newOnes(t);
  const none = await shikaku('synth', '--cast', '--centre', at.centre);
  assert.equal(none.status, 1);
  assert.match(none.stderr, /配役がありません[^]*no cast/);
  assert.equal((await shikaku(...fill(at, '5'))).status, 2);
});
