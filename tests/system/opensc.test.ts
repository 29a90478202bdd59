/** Programs that are not ours see a My Number Card: Debian's pcscd and OpenSC on our driver and our card. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { insertCard, issueCard, readerShows, shikakuCard } from './support/card.ts';
import { pcscd } from './support/pcscd.ts';
import { run, runOrThrow, type Finished } from './support/processes.ts';
import { scratchDirectory } from './support/scope.ts';

// A scope for the whole file: prepared before the first test is declared.
const scope = { after };
const scratch = scratchDirectory(scope);
const socket = join(scratch, 'reader-0');
const card = await issueCard(scope);
const service = await pcscd(scope, [socket, join(scratch, 'reader-1')]);
let player = await insertCard(scope, card, socket);
await readerShows(service, 0, true);

const tool = (name: string, ...args: string[]): Promise<Finished> =>
  run(name, args, { env: service.environment });
const pkcs15 = (...args: string[]) => tool('pkcs15-tool', ...args);
const pkcs11 = (...args: string[]) => tool('pkcs11-tool', ...args);
const verifyPin = (id: '1' | '2', pin: string) => pkcs15('--verify-pin', '--auth-id', id, '--pin', pin);
const path = (name: string) => join(scratch, name);

async function succeeds(finished: Promise<Finished>): Promise<string> {
  const { status, stdout, stderr } = await finished;
  assert.equal(status, 0, stdout + stderr);
  return stdout;
}

/** Of the authentication PIN and the signature password. */
async function triesLeft(): Promise<number[]> {
  const pins = await succeeds(pkcs15('--list-pins'));
  return [...pins.matchAll(/Tries left\s*: (\d+)/g)].map((match) => Number(match[1]));
}

async function eject(): Promise<void> {
  await player.stop();
  await readerShows(service, 0, false);
}

async function insert(): Promise<void> {
  player = await insertCard(scope, card, socket);
  await readerShows(service, 0, true);
}

test('both readers are listed, and in which one the card is', async () => {
  const listed = await succeeds(tool('opensc-tool', '--list-readers'));
  assert.match(listed, /^0\s+Yes\s+Shikaku Virtual Reader 0 /m);
  assert.match(listed, /^1\s+No\s+Shikaku Virtual Reader 1 /m);
});

test('the card is recognised as a JPKI card', async () => {
  assert.equal((await succeeds(tool('opensc-tool', '--name'))).trim(), 'jpki');
});

test('the ATR is that of a card that speaks T=1', async () => {
  const atr = (await succeeds(tool('opensc-tool', '--atr'))).trim();
  assert.equal(atr, '3b:e0:00:ff:81:31:fe:45:14');
});

test('the dump lists two PINs, two keys and four certificates', async () => {
  const dump = await succeeds(pkcs15('--dump'));
  for (const name of [
    'PIN [User Authentication PIN]',
    'PIN [Digital Signature PIN]',
    'Private RSA Key [User Authentication Key]',
    'Private RSA Key [Digital Signature Key]',
    'X.509 Certificate [User Authentication Certificate]',
    'X.509 Certificate [Digital Signature Certificate]',
    'X.509 Certificate [User Authentication Certificate CA]',
    'X.509 Certificate [Digital Signature Certificate CA]',
  ]) {
    assert.ok(dump.includes(name), `${name} is not in\n${dump}`);
  }
});

test('the right PIN is accepted, a wrong one spends a try, the right one gives it back', async () => {
  await succeeds(verifyPin('1', '1234'));
  assert.notEqual((await verifyPin('1', '0000')).status, 0);
  assert.deepEqual(await triesLeft(), [2, 5]);
  await succeeds(verifyPin('1', '1234'));
  assert.deepEqual(await triesLeft(), [3, 5]);
});

test('certificates are read and lead to their CAs, the signature one only with its password', async () => {
  await succeeds(pkcs15('--read-certificate', '1', '--output', path('auth.pem')));
  await succeeds(pkcs15('--read-certificate', '3', '--output', path('auth-ca.pem')));
  await succeeds(pkcs15('--read-certificate', '4', '--output', path('sign-ca.pem')));
  assert.notEqual((await pkcs15('--read-certificate', '2', '--output', path('sign.pem'))).status, 0);
  await succeeds(
    pkcs15(
      '--read-certificate',
      '2',
      '--verify-pin',
      '--auth-id',
      '2',
      '--pin',
      'ABC123',
      '--output',
      path('sign.pem'),
    ),
  );
  for (const [ca, certificate] of [
    ['auth-ca.pem', 'auth.pem'],
    ['sign-ca.pem', 'sign.pem'],
  ] as const) {
    await runOrThrow('openssl', ['verify', '-CAfile', path(ca), path(certificate)]);
  }
  // Q9: the authentication certificate names nobody; the signature certificate does.
  const names = (file: string) => runOrThrow('openssl', ['asn1parse', '-in', path(file)]);
  assert.ok(!(await names('auth.pem')).includes('UTF8STRING        :山田'));
  assert.ok(readFileSync(path('auth.pem')).length < 4096);
});

test('both keys sign after login, and OpenSSL verifies it under the certificates', async () => {
  writeFileSync(path('message'), '資格確認\n');
  for (const [slot, pin, id] of [
    ['0', '1234', '01'],
    ['1', 'ABC123', '02'],
  ] as const) {
    const login = ['--slot-index', slot, '--login', '--pin', pin];
    await succeeds(
      pkcs11(
        ...login,
        '--sign',
        '--mechanism',
        'SHA256-RSA-PKCS',
        '-i',
        path('message'),
        '-o',
        path('signature'),
      ),
    );
    await succeeds(
      pkcs11(...login, '--read-object', '--type', 'cert', '--id', id, '-o', path('certificate.der')),
    );
    const key = await runOrThrow('openssl', [
      'x509',
      '-inform',
      'der',
      '-in',
      path('certificate.der'),
      '-pubkey',
      '-noout',
    ]);
    writeFileSync(path('key.pem'), key);
    const verdict = await runOrThrow('openssl', [
      'dgst',
      '-sha256',
      '-verify',
      path('key.pem'),
      '-signature',
      path('signature'),
      path('message'),
    ]);
    assert.match(verdict, /Verified OK/);
  }
});

test('without login nothing is signed', async () => {
  writeFileSync(path('message'), 'x');
  const { status } = await pkcs11(
    '--slot-index',
    '0',
    '--sign',
    '--mechanism',
    'SHA256-RSA-PKCS',
    '-i',
    path('message'),
    '-o',
    path('none'),
  );
  assert.notEqual(status, 0);
});

test('the PIN locks after 3 wrong tries, the password after 5, and the token stays usable otherwise (Q8)', async () => {
  for (const [id, wrong, right, tries, locked] of [
    ['1', '0000', '1234', 3, [0, 5]],
    ['2', 'WRONG00', 'ABC123', 5, [0, 0]],
  ] as const) {
    for (let i = 0; i < tries; i++) assert.notEqual((await verifyPin(id, wrong)).status, 0);
    assert.deepEqual(await triesLeft(), [...locked]);
    assert.notEqual((await verifyPin(id, right)).status, 0, 'the right one no longer opens');
  }
  assert.equal((await succeeds(tool('opensc-tool', '--name'))).trim(), 'jpki');
  await succeeds(pkcs15('--read-certificate', '1', '--output', path('again.pem')));
  assert.match(await succeeds(pkcs11('--list-slots')), /user PIN locked/);
});

test('a lock outlives the card in the reader, and only the municipal counter lifts it (Q8)', async () => {
  await eject();
  await insert();
  assert.deepEqual(await triesLeft(), [0, 0]);
  const inReader = await shikakuCard(
    card,
    ['unlock', card.name, 'pin', '--as-municipal-counter'],
    '5678\n5678\n',
  );
  assert.notEqual(inReader.status, 0, 'not while it is in a reader');
  await eject();
  const asAnybody = await shikakuCard(card, ['unlock', card.name, 'pin'], '5678\n5678\n');
  assert.notEqual(asAnybody.status, 0, 'not by anybody');
  await succeeds(shikakuCard(card, ['unlock', card.name, 'pin', '--as-municipal-counter'], '5678\n5678\n'));
  await succeeds(
    shikakuCard(card, ['unlock', card.name, 'password', '--as-municipal-counter'], 'NEWPASS1\nNEWPASS1\n'),
  );
  await insert();
  assert.deepEqual(await triesLeft(), [3, 5]);
  assert.notEqual((await verifyPin('1', '1234')).status, 0, 'the old PIN is gone');
  await succeeds(verifyPin('1', '5678'));
  await succeeds(verifyPin('2', 'NEWPASS1'));
});

test('a card process that dies is a pulled card, and the next card is seen', async () => {
  await player.stop('SIGKILL');
  await readerShows(service, 0, false);
  await insert();
  await succeeds(verifyPin('1', '5678'));
});

test('a card pulled in the middle of an operation ends it with an error, at once', async () => {
  player.child.kill('SIGSTOP');
  const began = Date.now();
  const dumping = pkcs15('--dump');
  setTimeout(() => player.child.kill('SIGKILL'), 300);
  const { status } = await dumping;
  assert.notEqual(status, 0);
  assert.ok(Date.now() - began < 5_000, 'it did not hang');
  await player.ended();
  await readerShows(service, 0, false);
  await insert();
  assert.equal((await succeeds(tool('opensc-tool', '--name'))).trim(), 'jpki');
});

test('a pcscd that is started again finds the card that stayed in its reader', async () => {
  await service.restart();
  await readerShows(service, 0, true);
  await succeeds(verifyPin('1', '5678'));
});

test('two readers hold two cards', async (context) => {
  const second = await issueCard(context, 'p384', 'without-pin');
  const other = await insertCard(context, second, join(scratch, 'reader-1'));
  await readerShows(service, 1, true);
  assert.deepEqual(await triesLeft(), [3, 5]);
  const pins = await succeeds(pkcs15('--reader', '1', '--list-pins'));
  assert.match(pins, /Tries left\s*: 0/); // 顔認証マイナンバーカード: no PIN that anybody could give
  await other.stop();
  await readerShows(service, 1, false);
});
