/**
 * An institution's terminal, with a card in a reader of Debian's pcscd, asks a centre that is written here anew: it
 * rebuilds what docs/machine-api.md says was signed, and verifies it with Node's cryptography.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash, createPublicKey, randomBytes, verify, X509Certificate } from 'node:crypto';
import { chmodSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { program } from './support/build.ts';
import { cardTool, insertCard, issueCard, readerShows, type StoredCard } from './support/card.ts';
import type { Json } from './support/https.ts';
import { pcscd } from './support/pcscd.ts';
import { freePort, run, runOrThrow, Service, type Finished } from './support/processes.ts';
import { atEnd, scratchDirectory, type Scope } from './support/scope.ts';

const institution = '0110113719';
// A scope for the whole file: prepared before the first test is declared.
const scope: Scope = { after };
const scratch = scratchDirectory(scope);
const sockets = [join(scratch, 'reader-0'), join(scratch, 'reader-1')] as const;
const card = await issueCard(scope);
const comingCard = await issueCard(scope, 'p384');
const service = await pcscd(scope, sockets);
await makeIdentity();
const centre = await startCentre();
writeSettings('clinic.json', {});
let player = await insertCard(scope, card, sockets[0]);
await readerShows(service, 0, true);

/* ---- The terminal's keys and settings ---- */

async function makeIdentity(): Promise<void> {
  const inScratch = { cwd: scratch };
  const subject = `/C=JP/O=Test/OU=institution/CN=institution ${institution}/serialNumber=${institution}`;
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-sha256', '-days', '30'];
  for (const [name, common] of [
    ['centre-ca', '/C=JP/O=Centre'],
    ['machine-ca', '/C=JP/O=Machines'],
  ] as const) {
    await runOrThrow(
      'openssl',
      ['req', '-x509', ...curve, '-subj', common, '-keyout', `${name}.key`, '-out', `${name}.crt`],
      inScratch,
    );
  }
  const extensions =
    'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth\n';
  writeFileSync(join(scratch, 'machine.ext'), extensions);
  await runOrThrow(
    'openssl',
    ['req', ...curve.slice(0, 5), '-subj', subject, '-keyout', 'machine.key', '-out', 'machine.csr'],
    inScratch,
  );
  await runOrThrow(
    'openssl',
    [
      ...['x509', '-req', '-in', 'machine.csr', '-CA', 'machine-ca.crt', '-CAkey', 'machine-ca.key'],
      ...['-CAcreateserial', '-sha256', '-days', '30', '-extfile', 'machine.ext', '-out', 'machine.crt'],
    ],
    inScratch,
  );
  chmodSync(join(scratch, 'machine.key'), 0o600);
  for (const name of ['terminal.cv', 'terminal.key']) {
    copyFileSync(join(card.directory, name), join(scratch, name));
  }
  chmodSync(join(scratch, 'terminal.key'), 0o600);
}

function writeSettings(name: string, changes: Json): string {
  const path = join(scratch, name);
  const settings = {
    centre_url: `http://127.0.0.1:${centre.port}`,
    centre_ca: 'centre-ca.crt',
    machine_certificate: 'machine.crt',
    machine_key: 'machine.key',
    institution_code: institution,
    terminal_certificate: 'terminal.cv',
    terminal_key: 'terminal.key',
    reader: service.readers[0],
    ...changes,
  };
  writeFileSync(path, JSON.stringify(settings));
  return path;
}

/* ---- A centre ---- */

interface Centre {
  port: number;
  /** Paths that were asked for, in order. */
  asked: string[];
  /** The last check or enrolment: what was sent, and whether the signature fits. */
  last: { request: Json; verified: boolean } | undefined;
  /** What a check is answered. */
  answer: Json;
}

function sha256(...parts: (Buffer | string)[]): Buffer {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
}

function field(text: string, length: number): Buffer {
  return Buffer.concat([Buffer.from(text), Buffer.alloc(length)]).subarray(0, length);
}

const terms = 'マイナンバーカードの健康保険証利用に関する規約';

function contentOf(request: Json): Buffer {
  if ('terms_version' in request) return sha256('shikaku-terms-1\0', terms);
  const consents = request['consents'] as Record<string, boolean> | undefined;
  if (consents === undefined) return Buffer.alloc(32);
  const given = ['treatment', 'medication', 'checkups', 'surgery'].map((kind) => (consents[kind] ? 1 : 0));
  return sha256('shikaku-consents-1\0', Buffer.from(given));
}

function statementOf(request: Json): Buffer {
  const enrols = 'terms_version' in request;
  const ca = new X509Certificate(readFileSync(join(scratch, 'centre-ca.crt')));
  const machine = new X509Certificate(readFileSync(join(scratch, 'machine.crt')));
  const purpose = Buffer.alloc(2);
  if (!enrols) purpose.writeUInt16BE(request['purpose'] === 'dispensing' ? 2 : 1);
  return Buffer.concat([
    field(enrols ? 'shikaku-enrol-1' : 'shikaku-check-1', 32),
    sha256(ca.publicKey.export({ type: 'spki', format: 'der' })),
    Buffer.from(String(request['challenge']), 'base64'),
    Buffer.from(institution),
    sha256(machine.raw),
    purpose,
    Buffer.from(enrols ? '00000000' : String(request['day']).replaceAll('-', '')),
    contentOf(request),
  ]);
}

function isVerified(request: Json): boolean {
  const binary = (name: string) => Buffer.from(String(request[name] ?? ''), 'base64');
  const key = new X509Certificate(binary('certificate')).publicKey;
  const statement = statementOf(request);
  assert.equal(statement.length, 180);
  // Two tags with two-byte lengths, the issuer's name, then the terminal's own.
  const terminal = binary('terminal_certificate').subarray(5 + 5 + 16, 5 + 5 + 32);
  const signed =
    request['form'] === 'pin'
      ? statement
      : Buffer.concat([field('shikaku-pinless-1', 32), terminal, binary('card_nonce'), sha256(statement)]);
  const hash = key.asymmetricKeyType === 'rsa' ? 'sha256' : 'sha384';
  return verify(
    hash,
    signed,
    createPublicKey(key.export({ type: 'spki', format: 'pem' })),
    binary('signature'),
  );
}

async function bodyOf(request: IncomingMessage): Promise<Json> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  const text = Buffer.concat(parts).toString('utf8');
  return text === '' ? {} : (JSON.parse(text) as Json);
}

const tokyo = (milliseconds: number) =>
  new Date(milliseconds + 9 * 3_600_000).toISOString().replace('Z', '000+09:00');

function reply(path: string, body: Json): Json {
  switch (path) {
    case '/v1/challenges': {
      const challenges = Array.from({ length: Number(body['count']) }, () =>
        randomBytes(32).toString('base64'),
      );
      return { challenges, expires_at: tokyo(Date.now() + 300_000), now: tokyo(Date.now()) };
    }
    case '/v1/terms':
      return { version: '2026-04', text: terms };
    case '/v1/enrolments':
      return { result: 'enrolled', enrolled_at: tokyo(Date.now()), event_id: '00'.repeat(16) };
    default:
      return centre.answer;
  }
}

async function startCentre(): Promise<Centre> {
  const made: Centre = { port: 0, asked: [], last: undefined, answer: {} };
  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    const path = request.url ?? '';
    const body = await bodyOf(request);
    made.asked.push(path);
    if ('signature' in body) made.last = { request: body, verified: isVerified(body) };
    else if (path === '/v1/checks/number') made.last = { request: body, verified: false };
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(reply(path, body)));
  };
  const server = createServer((request, response) => void serve(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  made.port = (server.address() as AddressInfo).port;
  atEnd(scope, () => {
    server.closeAllConnections();
    server.close();
  });
  return made;
}

function answer(changes: Json): Json {
  return {
    result: 'eligible',
    validity: 1,
    validity_text: { ja: '有効', en: 'valid' },
    reason: 'in_force',
    message: { ja: '資格は有効です。', en: 'Coverage is in force.' },
    next_step: null,
    further_steps: [],
    fault: 'none',
    retry_after: null,
    question: 'card',
    day: '2026-11-22',
    as_of: '2026-11-22T09:15:02.987650+09:00',
    authenticated_by: 'pin',
    event_id: 'fedcba98765432100f1e2d3c4b5a6978',
    coverage: {
      insurer_number: '06139463',
      insurer_name: 'テスト健康保険組合',
      symbol: '12',
      number: '567',
      branch: '01',
      name: '山田　太郎',
      birth_date: '1980-02-17',
      sex: 1,
      relationship: 'insured',
      acquired: '2020-04-01',
      classification: '01',
      copayment_percent: 30,
      preschool: false,
      special_expense: false,
    },
    registered_at: '2026-04-01T00:00:00.000000+09:00',
    registered_by: 'テスト健康保険組合',
    change_pending: false,
    certificate: null,
    visit_token: randomBytes(32).toString('base64'),
    ...changes,
  };
}

/* ---- The terminal ---- */

function clinic(args: readonly string[], input = '', settings = 'clinic.json'): Promise<Finished> {
  return run(program('shikaku-clinic'), ['--settings', join(scratch, settings), ...args], {
    input,
    env: service.environment,
  });
}

const jsonOf = (finished: Finished) => JSON.parse(finished.stdout) as Json;

async function check(args: readonly string[], input = '1234\n'): Promise<Json> {
  const finished = await clinic(['check', '--json', ...args], input);
  assert.equal(finished.status, 0, finished.stdout + finished.stderr);
  return jsonOf(finished);
}

/* ---- Tests ---- */

test('a check by card and PIN is signed over exactly what the documentation says', async () => {
  centre.answer = answer({});
  const told = await check(['--pin-stdin', '--day', '2026-11-22']);
  assert.equal(told['result'], 'eligible');
  assert.equal(told['event_id'], 'fedcba98765432100f1e2d3c4b5a6978');
  assert.ok(typeof told['visit_token'] === 'string');
  assert.equal(centre.last?.verified, true);
  assert.equal(centre.last.request['form'], 'pin');
  assert.equal(centre.last.request['day'], '2026-11-22');
});

test('consents and purpose are part of what is signed', async () => {
  centre.answer = answer({});
  await check(['--pin-stdin', '--consent', 'treatment,surgery', '--purpose', 'dispensing']);
  assert.equal(centre.last?.verified, true);
  assert.deepEqual(centre.last.request['consents'], {
    treatment: true,
    medication: false,
    checkups: false,
    surgery: true,
  });
});

test('without PIN the card signs the marked form, asserted by the institution', async () => {
  centre.answer = answer({});
  for (const [option, word] of [
    ['face', 'face'],
    ['eyes', 'staff_eyes'],
  ] as const) {
    await check(['--without-pin', option], '');
    assert.equal(centre.last?.verified, true);
    assert.equal(centre.last.request['form'], 'pinless');
    assert.equal(centre.last.request['authenticated_by'], word);
  }
});

test('once challenges are there, a check is one round trip', async () => {
  centre.answer = answer({});
  await check(['--pin-stdin']);
  centre.asked.length = 0;
  await check(['--pin-stdin']);
  assert.deepEqual(centre.asked, ['/v1/checks/card']);
});

test('the exit status tells eligible, not eligible and cannot be confirmed apart', async () => {
  for (const [changes, status] of [
    [{}, 0],
    [{ result: 'not_eligible', validity: 2, reason: 'lost', visit_token: undefined }, 1],
    [
      {
        result: 'cannot_be_confirmed',
        validity: 4,
        reason: 'no_such_coverage',
        coverage: null,
        registered_at: null,
      },
      2,
    ],
  ] as const) {
    centre.answer = answer(changes);
    const finished = await clinic(['check', '--json', '--pin-stdin'], '1234\n');
    assert.equal(finished.status, status, finished.stdout + finished.stderr);
    assert.equal(jsonOf(finished)['result'], centre.answer['result']);
  }
});

test('people read Japanese first, then English', async () => {
  centre.answer = answer({});
  const { stdout } = await clinic(['check', '--pin-stdin'], '1234\n');
  assert.match(stdout, /^【有効】/);
  assert.match(stdout, /氏名 {2}山田　太郎[^]*name {2}山田　太郎/);
});

test('a centre that cannot be reached cannot be confirmed, with what to do next', async () => {
  const settings = { centre_url: `http://127.0.0.1:${await freePort()}`, challenge_file: 'none.json' };
  writeSettings('unreachable.json', settings);
  const finished = await clinic(['check', '--json', '--pin-stdin'], '1234\n', 'unreachable.json');
  assert.equal(finished.status, 2);
  const told = jsonOf(finished);
  assert.equal(told['result'], 'cannot_be_confirmed');
  assert.equal(told['reason'], 'centre_unreachable');
  assert.equal((told['next_step'] as Json)['code'], 'retry');
});

test('a check by number sends what stands on the paper', async () => {
  centre.answer = answer({ question: 'number', authenticated_by: 'none', visit_token: undefined });
  const finished = await clinic([
    ...['check-number', '--json', '--insurer-number', '06139463', '--symbol', '１２', '--number', '567'],
    ...['--branch', '01', '--birth-date', '1980-02-17', '--day', '2026-11-22'],
  ]);
  assert.equal(finished.status, 0, finished.stdout + finished.stderr);
  assert.deepEqual(centre.last?.request, {
    insurer_number: '06139463',
    symbol: '１２',
    number: '567',
    branch: '01',
    birth_date: '1980-02-17',
    day: '2026-11-22',
  });
});

test('a number with a wrong check digit is stopped at the terminal', async () => {
  centre.asked.length = 0;
  const finished = await clinic([
    ...['check-number', '--json', '--insurer-number', '06139464', '--number', '567'],
    ...['--birth-date', '1980-02-17'],
  ]);
  assert.equal(finished.status, 3);
  assert.equal(jsonOf(finished)['reason'], 'insurer_number_check_digit');
  assert.deepEqual(centre.asked, []);
});

test('a card is enrolled at the terminal once the terms are accepted, in their version (Q6)', async () => {
  const enrolled = await clinic(['enrol', '--json', '--pin-stdin', '--accept-terms', '2026-04'], '1234\n');
  assert.equal(enrolled.status, 0, enrolled.stdout + enrolled.stderr);
  assert.equal(jsonOf(enrolled)['result'], 'enrolled');
  assert.equal(centre.last?.verified, true);
  assert.equal(centre.last.request['terms_version'], '2026-04');

  centre.asked.length = 0;
  const other = await clinic(['enrol', '--json', '--pin-stdin', '--accept-terms', '2019-01'], '1234\n');
  assert.equal(other.status, 3);
  assert.ok(!centre.asked.includes('/v1/enrolments'));
  // Nobody was asked, so nobody accepted.
  const unasked = await clinic(['enrol', '--json', '--pin-stdin'], '1234\n');
  assert.equal(unasked.status, 3);
  assert.ok(!centre.asked.includes('/v1/enrolments'));
});

test('wrong PINs are counted down, the last try is kept, and the right PIN still opens (Q8)', async () => {
  centre.answer = answer({});
  centre.asked.length = 0;
  for (const [pin, reason, left] of [
    ['0000', 'pin_wrong', 2],
    ['0000', 'pin_last_try', 1],
    ['0000', 'pin_last_try_kept', 1],
    ['1234', 'pin_last_try_kept', 1],
  ] as const) {
    const finished = await clinic(['check', '--json', '--pin-stdin'], `${pin}\n`);
    assert.equal(finished.status, 3);
    assert.equal(jsonOf(finished)['reason'], reason);
    assert.equal(jsonOf(finished)['tries_left'], left);
  }
  assert.ok(!centre.asked.includes('/v1/checks/card'));
  await check(['--pin-stdin', '--spend-last-try']);
  assert.equal((await clinic(['check', '--json', '--pin-stdin'], '0000\n')).status, 3);
  await check(['--pin-stdin']);
});

test('a PIN never shows in the list of processes or in what is told', async () => {
  centre.answer = answer({});
  const { stdout, stderr } = await clinic(['check', '--trace', '--pin-stdin'], '1234\n');
  assert.ok(!(stdout + stderr).includes('1234'));
  const refused = await clinic(['check', '--pin', '1234']);
  assert.equal(refused.status, 3, 'there is no such option');
});

/** At a terminal of its own (script, of Debian's base): types each line when its prompt has been shown. */
async function atTerminal(
  args: readonly string[],
  dialogue: readonly (readonly [RegExp, string])[],
): Promise<{ status: number | null; screen: string }> {
  const command = [program('shikaku-clinic'), '--settings', join(scratch, 'clinic.json'), ...args];
  const child = spawn('script', ['--quiet', '--return', '--command', command.join(' '), '/dev/null'], {
    env: { ...process.env, ...service.environment },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let screen = '';
  let next = 0;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    screen += text;
    const turn = dialogue[next];
    if (turn?.[0].test(screen)) {
      next++;
      child.stdin.write(turn[1]);
    }
  });
  const status = await new Promise<number | null>((resolve) => child.on('close', resolve));
  assert.equal(next, dialogue.length, screen);
  return { status, screen };
}

test('at a terminal the PIN is asked for, with the tries left, and not echoed', async () => {
  centre.answer = answer({});
  const { status, screen } = await atTerminal(['check', '--json'], [[/tries left\): $/, '1234\r']]);
  assert.equal(status, 0, screen);
  assert.match(screen, /残り3回.*\r?\n.*3 tries left/);
  assert.ok(!screen.includes('1234'));
  assert.equal(centre.last?.verified, true);
});

test('whoever breaks off at the PIN prompt has asked nothing and spent nothing', async () => {
  centre.asked.length = 0;
  const { status } = await atTerminal(['check', '--json'], [[/tries left\): $/, '\x03']]);
  assert.equal(status, 130);
  assert.deepEqual(centre.asked, []);
  const { stdout } = await clinic(['diagnose', '--json']);
  assert.match(stdout, /tries left: 3/);
});

test('at a terminal the terms are shown, and nobody is enrolled who does not say yes (Q6)', async () => {
  centre.asked.length = 0;
  const prompt = /yes to accept: $/;
  const no = await atTerminal(
    ['enrol', '--json'],
    [
      [/tries left\): $/, '1234\r'],
      [prompt, 'no\r'],
    ],
  );
  assert.equal(no.status, 3);
  assert.ok(no.screen.includes(terms));
  assert.ok(!centre.asked.includes('/v1/enrolments'));
  const yes = await atTerminal(
    ['enrol', '--json'],
    [
      [/tries left\): $/, '1234\r'],
      [prompt, 'yes\r'],
    ],
  );
  assert.equal(yes.status, 0, yes.screen);
  assert.equal(centre.last?.verified, true);
});

test('a trace names each hop and how long it took', async () => {
  centre.answer = answer({});
  const told = await check(['--pin-stdin', '--trace']);
  const hops = (told['trace'] as Json[]).map((hop) => hop['hop']);
  assert.deepEqual(hops, ['settings', 'reader', 'card', 'challenge', 'signature', 'centre']);
  const { stderr } = await clinic(['check', '--trace', '--pin-stdin'], '1234\n');
  assert.match(stderr, /\d ms {2}signature +ok\n/);
});

test('another program that holds the card is waited for, and named when it does not let go', async (context) => {
  centre.answer = answer({});
  const rival = new Service(cardTool('hold_card'), [service.readers[0] ?? ''], { env: service.environment });
  atEnd(context, () => rival.stop().then(() => {}));
  await rival.says(/held/);
  const finished = await clinic(['check', '--json', '--pin-stdin', '--wait', '1'], '1234\n');
  assert.equal(finished.status, 3);
  assert.equal(jsonOf(finished)['reason'], 'reader_in_use');
});

test('a check works again after another program has reset the card, and after pcscd was started again', async () => {
  centre.answer = answer({});
  await runOrThrow('opensc-tool', ['--reset'], { env: service.environment });
  await check(['--pin-stdin']);
  await service.restart();
  await readerShows(service, 0, true);
  await check(['--pin-stdin']);
});

/** Into the second reader, until the test ends. */
async function insertSecond(context: Scope, second: StoredCard): Promise<void> {
  atEnd(context, () => readerShows(service, 1, false));
  await insertCard(context, second, sockets[1]);
  await readerShows(service, 1, true);
}

test('two My Number Cards are too many, unless the terminal has one reader named', async (context) => {
  centre.answer = answer({});
  await insertSecond(context, comingCard);
  writeSettings('any-reader.json', { reader: null });
  const both = await clinic(['check', '--json', '--pin-stdin', '--wait', '1'], '1234\n', 'any-reader.json');
  assert.equal(jsonOf(both)['reason'], 'several_cards');
  await check(['--pin-stdin']);
});

test('a terminal that has no reader named takes the one card that is there', async () => {
  centre.answer = answer({});
  const one = await clinic(['check', '--json', '--pin-stdin'], '1234\n', 'any-reader.json');
  assert.equal(one.status, 0, one.stdout);
});

test('the coming card, with P-384, is checked as today’s, with PIN and without', async (context) => {
  centre.answer = answer({});
  await insertSecond(context, comingCard);
  writeSettings('coming.json', {
    reader: service.readers[1],
    terminal_certificate: join(comingCard.directory, 'terminal.cv'),
    terminal_key: join(comingCard.directory, 'terminal.key'),
  });
  for (const args of [['--pin-stdin'], ['--without-pin', 'face']]) {
    const finished = await clinic(['check', '--json', ...args], '1234\n', 'coming.json');
    assert.equal(finished.status, 0, finished.stdout + finished.stderr);
    assert.equal(centre.last?.verified, true);
  }
});

test('a card without PIN is told as such and checked by face or by staff’s eyes', async (context) => {
  centre.answer = answer({});
  const pinless = await issueCard(context, 'without-pin');
  await insertSecond(context, pinless);
  writeSettings('without-pin.json', {
    reader: service.readers[1],
    terminal_certificate: join(pinless.directory, 'terminal.cv'),
    terminal_key: join(pinless.directory, 'terminal.key'),
  });
  const byPin = await clinic(['check', '--json', '--pin-stdin'], '1234\n', 'without-pin.json');
  assert.equal(jsonOf(byPin)['reason'], 'card_without_pin');
  const byFace = await clinic(['check', '--json', '--without-pin', 'face'], '', 'without-pin.json');
  assert.equal(byFace.status, 0, byFace.stdout + byFace.stderr);
  assert.equal(centre.last?.verified, true);
});

test('a terminal whose certificate the card does not believe gets no signature', async () => {
  writeSettings('stranger.json', {
    terminal_certificate: join(comingCard.directory, 'terminal.cv'),
    terminal_key: join(comingCard.directory, 'terminal.key'),
  });
  const finished = await clinic(['check', '--json', '--without-pin', 'face'], '', 'stranger.json');
  assert.equal(finished.status, 3);
  assert.equal(jsonOf(finished)['reason'], 'terminal_refused_by_card');
});

test('a diagnosis looks at every hop and tells which one failed and whose it is', async () => {
  const healthy = await clinic(['diagnose', '--json']);
  const hopsOf = (finished: Finished) => {
    const hops = jsonOf(finished)['hops'] as Json[];
    return Object.fromEntries(hops.map((hop) => [hop['hop'], hop['state']]));
  };
  assert.equal(healthy.status, 0, healthy.stdout);
  assert.deepEqual(hopsOf(healthy), {
    settings: 'good',
    reader: 'good',
    card: 'good',
    resolve: 'good',
    connect: 'good',
    tls: 'good',
    centre: 'good',
  });

  writeSettings('broken.json', {
    centre_url: `http://127.0.0.1:${await freePort()}`,
    reader: 'No Such Reader',
  });
  const broken = await clinic(['diagnose', '--json'], '', 'broken.json');
  assert.equal(broken.status, 2);
  assert.deepEqual(hopsOf(broken), {
    settings: 'good',
    reader: 'bad',
    card: 'skipped',
    resolve: 'good',
    connect: 'bad',
    tls: 'skipped',
    centre: 'skipped',
  });
  const spoken = await clinic(['diagnose'], '', 'broken.json');
  assert.match(spoken.stdout, /【異常】カードリーダー/);
  assert.match(spoken.stdout, /\[bad\] connect/);
});

test('without a card, without a reader, without pcscd: each is told as what it is', async () => {
  await player.stop();
  await readerShows(service, 0, false);
  const absent = await clinic(['check', '--json', '--pin-stdin', '--wait', '0'], '1234\n');
  assert.equal(absent.status, 3);
  assert.equal(jsonOf(absent)['reason'], 'card_missing');

  writeSettings('no-reader.json', { reader: 'No Such Reader' });
  const readerless = await clinic(
    ['check', '--json', '--pin-stdin', '--wait', '0'],
    '1234\n',
    'no-reader.json',
  );
  assert.equal(jsonOf(readerless)['reason'], 'reader_missing');

  const elsewhere = { ...service.environment, PCSCLITE_CSOCK_NAME: join(scratch, 'nowhere') };
  const serviceless = await run(
    program('shikaku-clinic'),
    ['--settings', join(scratch, 'clinic.json'), 'check', '--json', '--pin-stdin', '--wait', '0'],
    { input: '1234\n', env: elsewhere },
  );
  assert.equal(jsonOf(serviceless)['reason'], 'reader_service_missing');
});

test('a card that is put down while the terminal waits is taken', async () => {
  centre.answer = answer({});
  const waiting = clinic(['check', '--json', '--pin-stdin', '--wait', '20'], '1234\n');
  await new Promise((resolve) => setTimeout(resolve, 500));
  player = await insertCard(scope, card, sockets[0]);
  const finished = await waiting;
  assert.equal(finished.status, 0, finished.stdout + finished.stderr);
});

test('a destroyed card is told as dead', async () => {
  await player.stop();
  await readerShows(service, 0, false);
  const image = join(card.directory, `${card.name}.card`);
  const bytes = readFileSync(image);
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
  writeFileSync(image, bytes);
  player = await insertCard(scope, card, sockets[0]);
  const finished = await clinic(['check', '--json', '--pin-stdin', '--wait', '3'], '1234\n');
  assert.equal(finished.status, 3);
  assert.equal(jsonOf(finished)['reason'], 'card_dead');
});
