import { createPrivateKey, sign, X509Certificate, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';

/*
 * Certificates over keys that a test holds itself, as the card authority's own or as a forger's: with them a test can put
 * its signature under anything.
 */

/* ---- DER, as much of it as a certificate needs ---- */

function der(tag: number, ...parts: Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  if (content.length < 0x80) return Buffer.concat([Buffer.from([tag, content.length]), content]);
  const digits = content.length.toString(16);
  const length = Buffer.from(digits.padStart(digits.length + (digits.length % 2), '0'), 'hex');
  return Buffer.concat([Buffer.from([tag, 0x80 | length.length]), length, content]);
}

const sequence = (...parts: Uint8Array[]): Buffer => der(0x30, ...parts);

/** The elements of a constructed value, each whole. */
function elements(value: Buffer): Buffer[] {
  const found: Buffer[] = [];
  const header = (at: number): { content: number; end: number } => {
    const first = value[at + 1] ?? 0;
    const long = first & 0x80 ? first & 0x7f : 0;
    const length = long ? value.readUIntBE(at + 2, long) : first;
    return { content: at + 2 + long, end: at + 2 + long + length };
  };
  for (let at = header(0).content; at < value.length; at = header(at).end) {
    found.push(value.subarray(at, header(at).end));
  }
  return found;
}

function objectIdentifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = [first * 40 + second, ...rest].flatMap((number) => {
    const septets = [number & 0x7f];
    for (let left = number >>> 7; left > 0; left >>>= 7) septets.unshift((left & 0x7f) | 0x80);
    return septets;
  });
  return der(0x06, Buffer.from(bytes));
}

function positiveInteger(bytes: Uint8Array): Buffer {
  let at = 0;
  while (at < bytes.length - 1 && bytes[at] === 0) at++;
  const digits = bytes.subarray(at);
  return der(0x02, Buffer.from((digits[0] ?? 0) & 0x80 ? [0] : []), digits);
}

function time(moment: Date): Buffer {
  return der(0x17, Buffer.from(moment.toISOString().replace(/^..|[-:T]|\.\d+/g, '')));
}

/* ---- Who issues ---- */

export interface Issuer {
  /** DER of its name, as its own certificate has it. */
  name: Buffer;
  key: KeyObject;
}

/** PATH.crt and PATH.key. */
export function loadIssuer(path: string): Issuer {
  const certificate = new X509Certificate(readFileSync(`${path}.crt`));
  const name = elements(elements(certificate.raw)[0] ?? Buffer.alloc(0))[5];
  if (name === undefined) throw new Error(`${path}.crt has no subject`);
  return { name, key: createPrivateKey(readFileSync(`${path}.key`)) };
}

/** Certificate policies of JPKI. */
export const policies = {
  authentication: '1.2.392.200149.8.5.1.3.30',
  signature: '1.2.392.200149.8.5.1.1.20',
} as const;

export interface CardCertificateOrder {
  serial: Uint8Array;
  notBefore: Date;
  notAfter: Date;
  publicKey: KeyObject;
  policy: keyof typeof policies;
}

function extensions(policy: keyof typeof policies): Buffer {
  const critical = der(0x01, Buffer.from([0xff]));
  // digitalSignature, and nonRepudiation where documents are signed
  const usage = policy === 'authentication' ? [0x07, 0x80] : [0x06, 0xc0];
  const keyUsage = der(0x04, der(0x03, Buffer.from(usage)));
  const policyList = der(0x04, sequence(sequence(objectIdentifier(policies[policy]))));
  return der(
    0xa3,
    sequence(
      sequence(objectIdentifier('2.5.29.15'), critical, keyUsage),
      sequence(objectIdentifier('2.5.29.32'), critical, policyList),
    ),
  );
}

function commonName(text: string): Buffer {
  return sequence(der(0x31, sequence(objectIdentifier('2.5.4.3'), der(0x0c, Buffer.from(text)))));
}

/** DER of a certificate as cards have them, by an RSA key of the issuer. */
export function cardCertificate(issuer: Issuer, order: CardCertificateOrder): Buffer {
  const algorithm = sequence(objectIdentifier('1.2.840.113549.1.1.11'), der(0x05));
  const body = sequence(
    der(0xa0, positiveInteger(Buffer.from([2]))),
    positiveInteger(order.serial),
    algorithm,
    issuer.name,
    sequence(time(order.notBefore), time(order.notAfter)),
    commonName('test card'),
    order.publicKey.export({ type: 'spki', format: 'der' }),
    extensions(order.policy),
  );
  const signature = sign('sha256', body, issuer.key);
  return sequence(body, algorithm, der(0x03, Buffer.from([0]), signature));
}
