/**
 * The whole way of a check with everything real that can be: cards that the authority issued, in a reader of Debian's
 * pcscd, at an institution's terminal, before a centre – and what the terminal says when one of the others is missing.
 */
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { program } from './support/build.ts';
import { readerShows, shikakuCard, type StoredCard } from './support/card.ts';
import { bringUpSite, institutionCode, type CastMember } from './support/centre.ts';
import type { Json } from './support/https.ts';
import { pcscd } from './support/pcscd.ts';
import { eventually, run, runOrThrow, type Finished } from './support/processes.ts';
import { atEnd, type Scope } from './support/scope.ts';

const scope: Scope = { after };
const { centre, institution } = await bringUpSite(scope);
const clinic = join(centre.top, 'clinic');
const cards: StoredCard = { directory: join(centre.top, 'cards'), name: '' };
const socket = join(centre.top, 'reader');
const service = await pcscd(scope, [socket]);
await makeClinic();
let inserted: string | undefined;
atEnd(scope, () => eject());
/** All that the terminal has ever printed. */
let printed = '';

async function makeClinic(): Promise<void> {
  mkdirSync(clinic);
  await centre.terminal(institution);
  for (const name of ['machine.crt', 'machine.key', 'terminal.cv', 'terminal.key']) {
    copyFileSync(join(institution.directory, name), join(clinic, name));
  }
  copyFileSync(join(centre.directory, 'public/centre-ca.crt'), join(clinic, 'centre-ca.crt'));
  const settings = {
    ...{ centre_url: centre.url, centre_ca: 'centre-ca.crt', institution_code: institutionCode },
    ...{ machine_certificate: 'machine.crt', machine_key: 'machine.key' },
    ...{ terminal_certificate: 'terminal.cv', terminal_key: 'terminal.key' },
  };
  writeFileSync(join(clinic, 'clinic.json'), JSON.stringify(settings));
}

/** Issues the card that was promised to this member of the cast. */
async function issue(member: CastMember): Promise<void> {
  const withoutPin = member.variant === 'without_pin';
  const { my_number, pin, signature_password } = member;
  const lines = withoutPin ? [my_number] : [my_number, pin, signature_password, pin, pin];
  const finished = await shikakuCard(
    cards,
    [
      'issue',
      member.case,
      '--authority',
      centre.authorityDirectory,
      ...(withoutPin ? ['--without-pin'] : []),
    ],
    lines.map((line) => `${line}\n`).join(''),
  );
  assert.equal(finished.status, 0, finished.stderr);
}

async function eject(): Promise<void> {
  if (inserted === undefined) return;
  await shikakuCard(cards, ['eject', inserted]);
  inserted = undefined;
  await readerShows(service, 0, false);
}

async function insert(member: CastMember): Promise<void> {
  if (inserted === member.case) return;
  await eject();
  const finished = await shikakuCard(cards, ['insert', member.case, '--reader', socket, '--background']);
  assert.equal(finished.status, 0, finished.stderr);
  inserted = member.case;
  await readerShows(service, 0, true);
}

async function terminal(args: readonly string[], input = ''): Promise<Finished & { json: Json }> {
  const settings = join(clinic, 'clinic.json');
  const finished = await run(program('shikaku-clinic'), ['--settings', settings, ...args, '--json'], {
    input,
    env: service.environment,
  });
  printed += finished.stdout + finished.stderr;
  return { ...finished, json: JSON.parse(finished.stdout) as Json };
}

async function check(member: CastMember, ...options: string[]): Promise<Finished & { json: Json }> {
  await insert(member);
  return member.variant === 'without_pin'
    ? terminal(['check', '--without-pin', 'face', ...options])
    : terminal(['check', '--pin-stdin', ...options], `${member.pin}\n`);
}

function checkNumber(member: CastMember): Promise<Finished & { json: Json }> {
  const { insurer_number, symbol, number, branch, birth_date } = member;
  return terminal([
    ...['check-number', '--insurer-number', insurer_number, '--symbol', symbol, '--number', number],
    ...['--branch', branch, '--birth-date', birth_date],
  ]);
}

function expectReason(finished: Finished & { json: Json }, reason: string, status: number): void {
  assert.equal(finished.json['reason'], reason, finished.stdout + finished.stderr);
  assert.equal(finished.status, status);
}

const inForce = centre.member('in_force');

test('a card that the authority issued is checked by its PIN, and by face where it has none', async () => {
  for (const name of ['in_force', 'in_force_grace', 'without_pin']) {
    const member = centre.member(name);
    await issue(member);
    const finished = await check(member, '--consent', 'all');
    expectReason(finished, String(member.expected.card?.reason), 0);
    assert.equal(finished.json['result'], 'eligible');
  }
});

test('Q6: first use at the terminal: not enrolled, terms accepted, enrolled, and in force at once', async () => {
  const member = centre.member('not_enrolled');
  await issue(member);
  expectReason(await check(member), 'not_enrolled', 2);
  const enrolled = await terminal(['enrol', '--pin-stdin', '--accept-terms', '2026-04'], `${member.pin}\n`);
  assert.equal(enrolled.status, 0, enrolled.stdout + enrolled.stderr);
  expectReason(await check(member), 'in_force', 0);
});

test('Q8: the real card of somebody who has called the hotline is refused, and works once it is lifted', async () => {
  expectReason(await check(inForce), 'in_force', 0);
  const { id } = centre.holder(inForce);
  await centre.askAuthority('suspend', ['card', id]);
  expectReason(await check(inForce), 'card_not_usable', 2);
  await centre.askAuthority('lift', ['card', id]);
  await eventually(async () => expectReason(await check(inForce), 'in_force', 0));
});

test('by number at the terminal: eligible, not under this number, cannot be confirmed', async () => {
  expectReason(await checkNumber(inForce), 'in_force', 0);
  expectReason(await checkNumber(centre.member('lost')), 'lost', 1);
  expectReason(await checkNumber(centre.member('number_not_registered')), 'number_not_registered', 2);
});

test('without news from the authority checks by card cannot be confirmed, and those by number go on', async () => {
  await centre.stop();
  centre.change({ authority: { url: `https://127.0.0.1:${centre.authorityPort}`, feed_limit_seconds: 2 } });
  await centre.start();
  await centre.authority?.stop();
  await eventually(async () => {
    const finished = await check(inForce);
    expectReason(finished, 'authority_unreachable', 2);
    assert.equal(finished.json['result'], 'cannot_be_confirmed');
  }, 15_000);
  expectReason(await checkNumber(inForce), 'in_force', 0);
  await centre.startAuthority();
  await centre.isWell(15_000);
  expectReason(await check(inForce), 'in_force', 0);
});

test('a terminal that asks too much is told so, and that nothing can be confirmed', async () => {
  await centre.stop();
  centre.change({ limits: { requests_per_second: 1, burst: 2 } });
  await centre.start();
  const finished = await Promise.all(Array.from({ length: 10 }, () => checkNumber(inForce)));
  const refused = finished.filter(({ json }) => json['reason'] !== 'in_force');
  assert.ok(refused.length > 0 && refused.length < 10);
  for (const each of refused) {
    expectReason(each, 'rate_limited', 2);
    assert.equal(each.json['result'], 'cannot_be_confirmed');
  }
  await centre.stop();
  centre.change({ limits: {} });
});

test('a terminal that cannot reach the centre says so, and never that somebody is not insured', async () => {
  for (const finished of [await check(inForce), await checkNumber(inForce)]) {
    expectReason(finished, 'centre_unreachable', 2);
    assert.equal(finished.json['result'], 'cannot_be_confirmed');
  }
  await centre.start();
  expectReason(await check(inForce), 'in_force', 0);
});

/* ---- Where My Numbers are, and are not ---- */

/** Every form in which a number of twelve digits might lie in a file. */
function formsOf(myNumber: string): Buffer[] {
  const big = Buffer.alloc(8);
  big.writeBigUInt64BE(BigInt(myNumber));
  return [
    Buffer.from(myNumber),
    Buffer.from(myNumber.replace(/(....)(....)(....)/, '$1-$2-$3')),
    Buffer.from(myNumber, 'utf16le'),
    Buffer.from(myNumber, 'hex'), // binary-coded decimal
    big.subarray(2), // SQLite's integer of this size
    Buffer.from(big).reverse(),
  ];
}

/** Files under the directory that hold one of the numbers, in any form. */
function holding(directory: string, numbers: readonly string[], left: readonly string[] = []): string[] {
  const forms = numbers.flatMap(formsOf);
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !left.some((part) => path.startsWith(join(directory, part))))
    .filter((path) => {
      const whole = readFileSync(path);
      // Files of the log are made in one size: zeros to the end.
      let length = whole.length;
      while (length > 0 && whole[length - 1] === 0) length--;
      const content = whole.subarray(0, length);
      return forms.some((form) => content.includes(form));
    });
}

test('Q5 and Q7: no My Number lies in any file of the centre beside the vault, nor at the institution', async () => {
  await centre.stop();
  const numbers = centre.cast.map((member) => member.my_number);
  assert.ok(
    holding(centre.authorityDirectory, numbers).some((path) => path.endsWith('authority.db')),
    'the search finds them where they are',
  );
  // cast.json is what the synthetic nation was written down in, for tests and demonstrations.
  assert.deepEqual(holding(centre.directory, numbers, ['cast.json']), []);
  assert.deepEqual(holding(clinic, numbers), []);
  assert.deepEqual(holding(cards.directory, numbers), []);
  for (const number of numbers) {
    assert.ok(!printed.includes(number));
    assert.ok(!String(centre.service?.output).includes(number));
  }
});

test('Q7: neither registry nor vault ties a My Number to anything: what they share are random references', () => {
  const registry = new DatabaseSync(join(centre.directory, 'registry.db'), { readOnly: true });
  const vault = new DatabaseSync(join(centre.directory, 'vault/vault.db'), { readOnly: true });
  const columns = (db: DatabaseSync) =>
    db
      .prepare(
        "select m.name || '.' || c.name as name from sqlite_master m join pragma_table_info(m.name) c where m.type = 'table'",
      )
      .all()
      .map((row) => String(row['name']));
  const personal = /name|kana|birth|address|symbol|sex/;
  assert.deepEqual(
    columns(vault).filter((name) => personal.test(name.split('.')[1] ?? '')),
    [],
  );
  assert.deepEqual(
    columns(registry).filter((name) => /my_number|individual/.test(name)),
    [],
  );
  registry.close();
  vault.close();
});

test('after all this the event log is whole', async () => {
  const output = await runOrThrow(program('shikaku'), ['verify-log', join(centre.directory, 'log')]);
  assert.notEqual(output, '');
});
