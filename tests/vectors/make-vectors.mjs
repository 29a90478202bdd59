// node tests/vectors/make-vectors.mjs: writes sealed.json and statements.json anew, with WebCrypto (and Node's
// createECDH for public points), sharing nothing with the C code. That must give the same bytes, and so must
// anything else that seals or composes statements: browser, agent, phone.
import { createHash, webcrypto } from 'node:crypto';
import { writeFileSync } from 'node:fs';

const { subtle } = webcrypto;
const utf8 = (text) => new TextEncoder().encode(text);
const hex = (bytes) => Buffer.from(bytes).toString('hex');
const sha256 = (...parts) => createHash('sha256').update(Buffer.concat(parts)).digest();
const counted = (first, length) => Uint8Array.from({ length }, (_, i) => (first + i) & 0xff);

function unsigned(value, length) {
  const bytes = Buffer.alloc(length);
  bytes.writeUIntBE(value, 0, length);
  return bytes;
}

function padded(label, length) {
  const bytes = Buffer.alloc(length);
  bytes.write(label);
  return bytes;
}

// Fixed keys: for these vectors and for nothing else.
const recipientJwk = {
  kty: 'EC',
  crv: 'P-256',
  d: 'yp7OsgQ64QpbZL6VaMT0w2vk2xbgghZwR19Z4UTVcL4',
};
const ephemeralJwk = {
  kty: 'EC',
  crv: 'P-256',
  d: 'EmZ3QbVhgXNcKjYFdNwzc7FGpRGCQ1aJd5NQQf9jS2Q',
};

// WebCrypto wants x and y in a JWK; OpenSSL's ECDH works them out from d.
async function keyPair(jwk) {
  const { createECDH } = await import('node:crypto');
  const pair = createECDH('prime256v1');
  pair.setPrivateKey(Buffer.from(jwk.d, 'base64url'));
  const point = pair.getPublicKey();
  const whole = {
    ...jwk,
    x: point.subarray(1, 33).toString('base64url'),
    y: point.subarray(33).toString('base64url'),
  };
  const algorithm = { name: 'ECDH', namedCurve: 'P-256' };
  const { d, ...open } = whole;
  return {
    point,
    privateKey: await subtle.importKey('jwk', whole, algorithm, true, ['deriveBits']),
    publicKey: await subtle.importKey('jwk', open, algorithm, true, []),
  };
}

async function seal(ephemeral, recipient, label, context, plaintext) {
  const spki = new Uint8Array(await subtle.exportKey('spki', recipient.publicKey));
  const header = Buffer.concat([unsigned(1, 1), sha256(spki), ephemeral.point]);
  const secret = await subtle.deriveBits(
    { name: 'ECDH', public: recipient.publicKey },
    ephemeral.privateKey,
    256,
  );
  const input = await subtle.importKey('raw', secret, 'HKDF', false, ['deriveBits']);
  const info = Buffer.concat([utf8('shikaku-sealed-1'), header]);
  const derived = new Uint8Array(
    await subtle.deriveBits({ name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(0), info }, input, 44 * 8),
  );
  const key = await subtle.importKey('raw', derived.subarray(0, 32), 'AES-GCM', false, ['encrypt']);
  const additionalData = Buffer.concat([
    header,
    unsigned(utf8(label).length, 2),
    utf8(label),
    unsigned(context.length, 4),
    context,
  ]);
  const body = await subtle.encrypt(
    { name: 'AES-GCM', iv: derived.subarray(32), additionalData },
    key,
    plaintext,
  );
  return Buffer.concat([header, Buffer.from(body)]);
}

async function sealedVectors() {
  const recipient = await keyPair(recipientJwk);
  const ephemeral = await keyPair(ephemeralJwk);
  const cases = [
    {
      about: 'a number for the vault',
      label: 'shikaku-number-1',
      context: utf8('06139463|1|register'),
      plaintext: utf8('123456789018'),
    },
    {
      about: 'no context, no content',
      label: 'shikaku-empty-1',
      context: new Uint8Array(0),
      plaintext: new Uint8Array(0),
    },
    {
      about: 'Japanese text',
      label: 'shikaku-items-1',
      context: counted(0xf0, 32),
      plaintext: utf8('髙橋﨑子　東京都千代田区霞が関一丁目２番２号'),
    },
    {
      about: 'longer than a block of anything',
      label: 'shikaku-long-1',
      context: utf8('x'),
      plaintext: counted(0, 1000),
    },
  ];
  const messages = [];
  for (const { about, label, context, plaintext } of cases) {
    messages.push({
      about,
      label,
      context: hex(context),
      plaintext: hex(plaintext),
      message: hex(await seal(ephemeral, recipient, label, context, plaintext)),
    });
  }
  return {
    recipient_private_pkcs8: hex(await subtle.exportKey('pkcs8', recipient.privateKey)),
    recipient_public_spki: hex(await subtle.exportKey('spki', recipient.publicKey)),
    ephemeral_private_pkcs8: hex(await subtle.exportKey('pkcs8', ephemeral.privateKey)),
    messages,
  };
}

function statementVectors() {
  const nothing = new Uint8Array(32);
  const cases = [
    {
      kind: 'check',
      institution: '0110113719',
      purpose: 1,
      day: '20261122',
      content: sha256(utf8('consents')),
    },
    { kind: 'login', institution: '0000000000', purpose: 0, day: '00000000', content: nothing },
    { kind: 'enrol', institution: '2714206386', purpose: 0, day: '00000000', content: sha256(utf8('terms')) },
    { kind: 'declare', institution: '0000000000', purpose: 515, day: '20240229', content: counted(7, 32) },
  ];
  const centre = counted(0x10, 32),
    challenge = counted(0x40, 32),
    caller = counted(0x80, 32);
  const terminal = utf8('0110113719000042'),
    nonce = counted(0xc0, 16);
  const statements = cases.map(({ kind, institution, purpose, day, content }) => {
    const message = Buffer.concat([
      padded(`shikaku-${kind}-1`, 32),
      centre,
      challenge,
      utf8(institution),
      caller,
      unsigned(purpose, 2),
      utf8(day),
      content,
    ]);
    const supplied = sha256(message);
    const pinless = Buffer.concat([padded('shikaku-pinless-1', 32), terminal, nonce, supplied]);
    return {
      kind,
      institution,
      purpose,
      day,
      content: hex(content),
      message: hex(message),
      digest: hex(supplied),
      pinless_message: hex(pinless),
    };
  });
  return {
    centre: hex(centre),
    challenge: hex(challenge),
    caller: hex(caller),
    terminal: hex(terminal),
    card_nonce: hex(nonce),
    statements,
  };
}

function write(name, value) {
  writeFileSync(new URL(name, import.meta.url), JSON.stringify(value, null, 1) + '\n');
}

write('sealed.json', await sealedVectors());
write('statements.json', statementVectors());
