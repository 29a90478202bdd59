/** shikaku-card: a card's whole life, from the municipal counter to the reader, at a running authority. */
import assert from 'node:assert/strict';
import { copyFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { program } from './support/build.ts';
import { freePort, run, runOrThrow, start } from './support/processes.ts';
import { scratchDirectory } from './support/scope.ts';

const scope = { after };
const scratch = scratchDirectory(scope);
const authority = join(scratch, 'authority');
const cards = join(scratch, 'cards');

interface Resident {
  my_number: string;
  name: string;
  kana: string;
  birth_date: string;
  has_photo?: boolean;
}
const taro: Resident = {
  my_number: '123456789018',
  name: '山田 太郎',
  kana: 'ヤマダ タロウ',
  birth_date: '1980-02-17',
};
const saki: Resident = {
  my_number: '012345678911',
  name: '髙橋 﨑子',
  kana: 'タカハシ サキコ',
  birth_date: '1985-05-17',
};
const jiro: Resident = {
  my_number: '012345678920',
  name: '佐藤 次郎',
  kana: 'サトウ ジロウ',
  birth_date: '1940-01-01',
};
const infant: Resident = {
  my_number: '012345678903',
  name: '田中 葵',
  kana: 'タナカ アオイ',
  birth_date: '2026-01-10',
  has_photo: false,
};
const unprintable: Resident = {
  my_number: '012345678938',
  name: '鈴木 \u{E000}郎',
  kana: 'スズキ ロウ',
  birth_date: '1970-01-01',
};

const port = await freePort();
await runOrThrow(program('shikaku-authority'), ['init', authority, '--port', String(port)]);
await start(scope, program('shikaku-authority'), ['serve', authority], /listening/);
writeFileSync(
  join(scratch, 'residents.json'),
  JSON.stringify(
    [taro, saki, jiro, infant, unprintable].map((resident) => ({
      alias: '',
      sex: '1',
      address: '東京都千代田区霞が関一丁目２番３号',
      municipality: '13101',
      has_photo: true,
      ...resident,
    })),
  ),
);
await runOrThrow(program('shikaku-authority'), ['resident', authority, join(scratch, 'residents.json')]);

const card = (args: string[], lines: string[] = []) =>
  run(program('shikaku-card'), ['--cards', cards, ...args], {
    input: lines.map((line) => `${line}\n`).join(''),
  });
const issue = (name: string, resident: Resident, pins: string[], ...options: string[]) =>
  card(['issue', name, '--authority', authority, '--json', ...options], [resident.my_number, ...pins]);
const pins = ['1234', 'abc123', '4321', '9876'];

interface Shown {
  generation: string;
  tries_left: Record<string, number | null>;
  authentication_certificate: { serial: string };
  signature_certificate: boolean;
  name?: string;
  my_number?: string;
}
async function shown(name: string, options: string[] = [], lines: string[] = []): Promise<Shown> {
  const { status, stdout, stderr } = await card(['show', name, '--json', ...options], lines);
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout) as Shown;
}

test('a resident gets a card, and what is printed on it is told, without the My Number', async () => {
  const { status, stdout, stderr } = await issue('taro', taro, pins);
  assert.equal(status, 0, stderr);
  const front = JSON.parse(stdout) as Record<string, string>;
  assert.equal(front['name'], '山田　太郎');
  assert.match(front['code_b'] ?? '', /^550217\d{8}$/);
  assert.ok(!(stdout + stderr).includes(taro.my_number));
  const seen = await shown('taro');
  assert.equal(seen.generation, 'RSA-2048');
  assert.equal(seen.signature_certificate, true);
  assert.deepEqual(seen.tries_left, { authentication: 3, signature: 5, surface: 3, resident: 3, common: 3 });
});

test('a person has one card: a second one is refused by the authority and leaves nothing behind', async () => {
  const { status, stderr } = await issue('second', taro, pins);
  assert.equal(status, 1);
  assert.match(stderr, /card_exists/);
  assert.ok(!readdirSync(cards).some((file) => file.startsWith('second')));
  assert.ok(!existsSync(join(cards, 'keys', 'second.key')));
});

test('what is printed is shown after the surface PIN, the My Number only where it is asked for too', async () => {
  const printed = await shown('taro', ['--pin'], ['4321']);
  assert.equal(printed.name, '山田　太郎');
  assert.equal(printed.my_number, undefined);
  assert.equal((await shown('taro', ['--pin', '--reveal'], ['4321'])).my_number, taro.my_number);
  assert.equal((await card(['show', 'taro', '--reveal'])).status, 2);
});

test('a wrong PIN costs a try and shows nothing', async () => {
  const { status, stdout, stderr } = await card(['show', 'taro', '--pin', '--json'], ['0000']);
  assert.equal(status, 1);
  assert.equal(stdout, '');
  assert.match(stderr, /残り2回/);
  assert.equal((await shown('taro')).tries_left['surface'], 2);
  await shown('taro', ['--pin'], ['4321']);
  assert.equal((await shown('taro')).tries_left['surface'], 3);
});

test('a PIN is changed by who knows the old one', async () => {
  for (const [kind, old, next] of [
    ['pin', '1234', '5678'],
    ['password', 'abc123', 'longer99'],
    ['surface', '4321', '1111'],
    ['other', '9876', '2222'],
  ] as const) {
    assert.equal((await card(['change-pin', 'taro', kind], [old, next])).status, 0, kind);
    assert.equal((await card(['change-pin', 'taro', kind], [old, next])).status, 1, kind);
    assert.equal((await card(['change-pin', 'taro', kind], [next, old])).status, 0, kind);
  }
  const malformed = await card(['change-pin', 'taro', 'pin'], ['1234', '12345']);
  assert.equal(malformed.status, 1);
  assert.match(malformed.stderr, /形式/);
});

test('Q8: a PIN tried too often locks, and only the municipal counter resets it', async () => {
  for (const left of [2, 1, 0]) {
    assert.equal((await card(['change-pin', 'taro', 'pin'], ['0000', '1111'])).status, 1);
    assert.equal((await shown('taro')).tries_left['authentication'], left);
  }
  const locked = await card(['change-pin', 'taro', 'pin'], ['1234', '1111']);
  assert.equal(locked.status, 1);
  assert.match(locked.stderr, /ロック/);
  assert.equal((await card(['unlock', 'taro', 'pin'], ['5678'])).status, 2);
  assert.equal((await shown('taro')).tries_left['authentication'], 0);
  assert.equal((await card(['unlock', 'taro', 'pin', '--as-municipal-counter'], ['56789'])).status, 1);
  assert.equal((await card(['unlock', 'taro', 'pin', '--as-municipal-counter'], ['5678'])).status, 0);
  assert.equal((await shown('taro')).tries_left['authentication'], 3);
  assert.equal((await card(['change-pin', 'taro', 'pin'], ['5678', '1234'])).status, 0);
});

test('certificates are renewed with new keys, on the card whose number it is', async () => {
  const before = (await shown('taro')).authentication_certificate.serial;
  const wrong = await card(['renew', 'taro', '--authority', authority], [saki.my_number]);
  assert.equal(wrong.status, 1);
  assert.match(wrong.stderr, /このカードのものではありません/);
  assert.equal((await shown('taro')).authentication_certificate.serial, before);
  const renewed = await card(['renew', 'taro', '--authority', authority], [taro.my_number]);
  assert.equal(renewed.status, 0, renewed.stderr);
  assert.notEqual((await shown('taro')).authentication_certificate.serial, before);
  assert.equal((await card(['change-pin', 'taro', 'pin'], ['1234', '1234'])).status, 0);
});

test('variants: without PIN, of an infant, of the coming generation, on a phone', async () => {
  assert.equal((await issue('saki', saki, [], '--without-pin')).status, 0);
  const withoutPin = await shown('saki');
  assert.equal(withoutPin.signature_certificate, false);
  assert.ok(Object.values(withoutPin.tries_left).every((left) => left === null));
  assert.equal((await card(['unlock', 'saki', 'pin', '--as-municipal-counter'], ['1234'])).status, 1);

  assert.equal((await issue('infant', infant, ['1234', '4321', '9876'])).status, 0);
  assert.equal((await shown('infant')).signature_certificate, false);

  assert.equal((await issue('jiro', jiro, ['1234', 'abc123'], '--next-generation')).status, 0);
  assert.equal((await shown('jiro')).generation, 'P-384');
  assert.equal((await shown('jiro', ['--pin'], ['1234'])).name, '佐藤　次郎');

  assert.equal((await issue('phone', taro, ['1234', 'abc123'], '--phone', 'android')).status, 0);
  assert.equal((await card(['show', 'phone', '--pin'], ['4321'])).status, 1);
});

test('a name that cannot be printed rightly is not printed, and nothing is certified for it', async () => {
  const { status, stderr } = await issue('unprintable', unprintable, pins);
  assert.equal(status, 1);
  assert.match(stderr, /印字できない文字/);
  const known = await run(program('shikaku-authority'), ['show', authority], {
    input: `${unprintable.my_number}\n`,
  });
  assert.match(known.stdout, /"certificates":\s*\[\s*\]/);
});

test('what is no My Number, no PIN and no name of a card is refused', async () => {
  assert.equal((await issue('x', { ...taro, my_number: '123456789012' }, pins)).status, 1);
  assert.equal((await issue('../x', taro, pins)).status, 2);
  assert.equal((await issue('x', taro, ['12345', 'abc123'], '--phone', 'iphone')).status, 1);
  assert.equal((await card(['show', 'nobody'])).status, 1);
  assert.ok(!existsSync(join(cards, 'x.card')));
});

test('a card in a reader stays there until it is ejected, and is nobody else’s meanwhile', async () => {
  const reader = join(scratch, 'reader');
  const inserted = await card(['insert', 'taro', '--reader', reader, '--background']);
  assert.equal(inserted.status, 0, inserted.stderr);
  assert.ok(existsSync(reader));
  assert.equal((await card(['show', 'taro'])).status, 1);
  assert.equal((await card(['insert', 'taro', '--reader', `${reader}-1`])).status, 1);
  const occupied = await card(['insert', 'saki', '--reader', reader]);
  assert.equal(occupied.status, 1);
  assert.match(occupied.stderr, /別のカード/);
  assert.equal((await card(['eject', 'taro'])).status, 0);
  assert.ok(!existsSync(reader));
  assert.equal((await card(['eject', 'taro'])).status, 1);
  assert.equal((await card(['show', 'taro'])).status, 0);
});

test('Q9: an image that was tampered with is destroyed for good', async () => {
  const image = join(cards, 'jiro.card');
  const copy = join(scratch, 'jiro.copy');
  copyFileSync(image, copy);
  const bytes = readFileSync(image);
  bytes[1000] = bytes[1000]! ^ 1;
  writeFileSync(image, bytes);
  const shownOnce = await card(['show', 'jiro']);
  assert.equal(shownOnce.status, 1);
  assert.match(shownOnce.stderr, /壊れて/);
  copyFileSync(copy, image);
  assert.equal((await card(['show', 'jiro'])).status, 1);
  const reader = join(scratch, 'reader-of-the-dead');
  assert.equal((await card(['insert', 'jiro', '--reader', reader, '--background'])).status, 0);
  assert.equal((await card(['eject', 'jiro'])).status, 0);
});

test('Q5: no file of the cards and no log holds a My Number, a name or a PIN in clear', () => {
  for (const directory of [cards, join(cards, 'keys'), join(cards, 'logs'), join(authority, 'logs')]) {
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const content = readFileSync(join(directory, entry.name));
      for (const secret of [taro.my_number, saki.my_number, '山田', 'abc123', 'ABC123']) {
        assert.ok(!content.includes(secret), `${entry.name} holds ${secret}`);
      }
    }
  }
});
