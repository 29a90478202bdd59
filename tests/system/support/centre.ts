import { createHash, createHmac, generateKeyPairSync, randomBytes, sign, X509Certificate } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { chmodSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { program, root } from './build.ts';
import { cardCertificate, loadIssuer } from './certificate.ts';
import { Client, jsonOf, type Answer, type Json } from './https.ts';
import { postgresql } from './postgresql.ts';
import { eventually, freePort, run, runOrThrow, start, type Finished, type Service } from './processes.ts';
import { atEnd, scratchDirectory, type Scope } from './scope.ts';

/*
 * A card authority and a centre as an operator would bring them up, over a small synthetic nation, and what tests do to
 * them as institutions, insurers and holders of cards.
 */

export interface Expected {
  result: string;
  validity: number | null;
  reason: string;
}

/** A case of `shikaku synth --cast --json`, as far as tests look. */
export interface CastMember {
  case: string;
  my_number: string;
  name: string;
  name_kana: string;
  birth_date: string;
  sex: number;
  insurer_number: string;
  symbol: string;
  number: string;
  branch: string;
  pin: string | null;
  signature_password: string | null;
  card_image_is_superseded: boolean;
  variant: string | null;
  authenticated_by: string;
  by: string;
  day: string;
  expected: { card: Expected | null; number: Expected | null };
}

/** A machine that may call the centre. */
export interface Machine {
  code: string;
  /** Hexadecimal; the authority's name for its certificate. */
  id: string;
  directory: string;
  certificate: Buffer;
  client: Client;
}

/** A card's key and certificate, in the test's hands. */
export interface Holder {
  key: KeyObject;
  certificate: Buffer;
}

export interface CentreOptions {
  /** As for `shikaku init --database`; SQLite beside the centre where left out. */
  database?: string;
  people?: number;
  /** Members of centre.json to be added or replaced. */
  settings?: Json;
}

export interface RecordedEvent {
  kind: string;
  reason: string | null;
  code: string;
  event_id: string;
}

export const institutionCode = '2714206386';
export const otherInstitutionCode = '0110113719';

export function sha256(...parts: (Uint8Array | string)[]): Buffer {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
}

export function field(text: string, length: number): Buffer {
  return Buffer.concat([Buffer.from(text), Buffer.alloc(length)]).subarray(0, length);
}

/** One for all: a certificate's id hangs on its issuer and serial only, and making RSA keys takes long. */
let cardKeys: { publicKey: KeyObject; privateKey: KeyObject } | undefined;
export function cardKeyPair(): { publicKey: KeyObject; privateKey: KeyObject } {
  cardKeys ??= generateKeyPairSync('rsa', { modulusLength: 2048 });
  return cardKeys;
}

export class Centre {
  readonly scope: Scope;
  readonly top: string;
  readonly directory: string;
  readonly authorityDirectory: string;
  readonly options: CentreOptions;
  port = 0;
  operationsPort = 0;
  authorityPort = 0;
  cast: CastMember[] = [];
  service: Service | undefined;
  authority: Service | undefined;
  #machines = 0;

  constructor(scope: Scope, options: CentreOptions) {
    this.scope = scope;
    this.options = options;
    this.top = scratchDirectory(scope);
    this.directory = join(this.top, 'centre');
    this.authorityDirectory = join(this.top, 'authority');
  }

  get url(): string {
    return `https://127.0.0.1:${this.port}`;
  }

  /* ---- Coming up, and going down ---- */

  async make(): Promise<void> {
    [this.port, this.operationsPort, this.authorityPort] = [
      await freePort(),
      await freePort(),
      await freePort(),
    ];
    await this.askAuthority('init', [], ['--port', String(this.authorityPort)]);
    await runOrThrow(program('shikaku'), [
      ...['init', this.directory, '--authority', join(this.authorityDirectory, 'public')],
      ...['--authority-url', `https://127.0.0.1:${this.authorityPort}`, '--port', String(this.port)],
      ...['--operations-port', String(this.operationsPort)],
      ...(this.options.database === undefined ? [] : ['--database', this.options.database]),
    ]);
    this.change(this.options.settings ?? {});
    await runOrThrow(program('shikaku'), [
      ...['synth', '--centre', this.directory, '--authority', this.authorityDirectory],
      ...['--people', String(this.options.people ?? 300), '--seed', '1'],
    ]);
    const cast = await runOrThrow(program('shikaku'), [
      'synth',
      '--cast',
      '--centre',
      this.directory,
      '--json',
    ]);
    this.cast = JSON.parse(cast) as CastMember[];
    await this.startAuthority();
    await this.askAuthority('vault', [join(this.directory, 'public/vault-sealing.pub')]);
    const link = join(this.top, 'link');
    await this.askAuthority('machine', ['link', 'centre-1', link]);
    for (const ending of ['crt', 'key']) {
      copyFileSync(join(link, `machine.${ending}`), join(this.directory, `keys/link.${ending}`));
    }
  }

  /** Changes centre.json; what runs takes no notice until it is started again. */
  change(settings: Json): void {
    const path = join(this.directory, 'centre.json');
    writeFileSync(path, JSON.stringify({ ...(JSON.parse(readFileSync(path, 'utf8')) as Json), ...settings }));
  }

  async startAuthority(): Promise<void> {
    const authority = program('shikaku-authority');
    this.authority = await start(this.scope, authority, ['serve', this.authorityDirectory], /listening/);
  }

  /** Returns once the service says that it is well. */
  async start(): Promise<void> {
    this.service = await start(this.scope, program('shikakud'), [this.directory], /"ready"/);
    await this.isWell();
  }

  async isWell(timeout?: number): Promise<void> {
    await eventually(async () => {
      const health = (await (await fetch(`http://127.0.0.1:${this.operationsPort}/healthz`)).json()) as Json;
      if (health['status'] !== 'ok') throw new Error(`${JSON.stringify(health)}\n${this.service?.output}`);
    }, timeout);
  }

  async stop(): Promise<void> {
    await this.service?.stop();
  }

  /** What the service has counted. */
  async measure(name: string): Promise<number> {
    const text = await (await fetch(`http://127.0.0.1:${this.operationsPort}/metrics`)).text();
    return Number(new RegExp(`^${name} (\\d+)`, 'm').exec(text)?.[1] ?? NaN);
  }

  /** Children of the parent process, by the name that each runs as. */
  async children(): Promise<Map<string, number>> {
    const found = await runOrThrow('ps', ['-o', 'pid=,args=', '--ppid', String(this.service?.pid)]);
    const lines = [...found.matchAll(/^\s*(\d+) .*--as=(\w+)/gm)];
    return new Map(lines.map(([, pid, name]) => [String(name), Number(pid)]));
  }

  /* ---- The card authority ---- */

  /** `shikaku-authority COMMAND DIR …`; gives what it printed. */
  askAuthority(
    command: string,
    args: readonly string[],
    options: readonly string[] = [],
    input = '',
  ): Promise<string> {
    return runOrThrow(program('shikaku-authority'), [command, this.authorityDirectory, ...args, ...options], {
      input,
    });
  }

  /** A new certificate for a machine; the centre knows it once the feed has named it, a moment later. */
  async machine(kind: 'institution' | 'insurer', code: string): Promise<Machine> {
    const directory = join(this.top, `machine-${this.#machines++}`);
    const id = (await this.askAuthority('machine', [kind, code, directory])).trim();
    const files = { certificate: join(directory, 'machine.crt'), key: join(directory, 'machine.key') };
    const client = new Client(this.url, { ca: join(this.directory, 'public/centre-ca.crt'), ...files });
    atEnd(this.scope, () => client.close());
    const certificate = new X509Certificate(readFileSync(files.certificate)).raw;
    return { code, id, directory, certificate, client };
  }

  /** As machine(), and waits until the centre lets it in. */
  async known(kind: 'institution' | 'insurer', code: string): Promise<Machine> {
    const machine = await this.machine(kind, code);
    await eventually(async () => {
      const path = kind === 'institution' ? '/v1/challenges' : '/v1/loads';
      const answer = await machine.client.post(path, kind === 'institution' ? { count: 1 } : {});
      if (answer.status !== 200) throw new Error(answer.body.toString());
    });
    return machine;
  }

  /** A terminal's certificate for institutions' PIN-less form; DIRECTORY/terminal.{cv,key}. */
  async terminal(machine: Machine): Promise<{ id: string; certificate: Buffer }> {
    const printed = await this.askAuthority('terminal', [machine.code, machine.directory]);
    return { id: printed.trim(), certificate: readFileSync(join(machine.directory, 'terminal.cv')) };
  }

  /** An operator of the card authority: counter, hotline or registrar. */
  operator(role: string): Client {
    const directory = join(this.authorityDirectory, 'operators', role);
    const client = new Client(`https://127.0.0.1:${this.authorityPort}`, {
      ca: join(this.authorityDirectory, 'public/server-ca.pem'),
      certificate: join(directory, 'machine.crt'),
      key: join(directory, 'machine.key'),
    });
    atEnd(this.scope, () => client.close());
    return client;
  }

  member(name: string): CastMember {
    const found = this.cast.find((each) => each.case === name);
    if (found === undefined) throw new Error(`nobody plays ${name}`);
    return found;
  }

  /** The authentication certificates of a resident's card as the authority keeps them: the newest first. */
  certificatesOf(member: CastMember): CertificateRow[] {
    const db = new DatabaseSync(join(this.authorityDirectory, 'authority.db'), { readOnly: true });
    const rows = db
      .prepare(
        `select hex(c.id) as id, c.serial, c.state, c.not_before, c.not_after from card_certificate c
          join resident r on r.id = c.resident where r.my_number = ? and c.issuer = 1 and c.device = 1
          order by c.state = 5, c.key desc`,
      )
      .all(Number(member.my_number));
    db.close();
    return rows.map((row) => ({
      id: String(row['id']).toLowerCase(),
      serial: row['serial'] as Uint8Array,
      superseded: row['state'] === 5,
      notBefore: new Date(Number(row['not_before']) / 1000),
      notAfter: new Date(Number(row['not_after']) / 1000),
    }));
  }

  /** Somebody whom the authority knows and no case is about. */
  resident(index: number): Resident {
    const db = new DatabaseSync(join(this.authorityDirectory, 'authority.db'), { readOnly: true });
    const row = db.prepare('select * from resident order by id desc limit 1 offset ?').get(index);
    db.close();
    if (row === undefined) throw new Error(`no resident ${index}`);
    return {
      my_number: String(row['my_number']).padStart(12, '0'),
      name: String(row['name']),
      name_kana: String(row['kana']),
      birth_date: new Date(Number(row['birth']) * 86_400_000).toISOString().slice(0, 10),
      sex: String(row['sex']),
      address: String(row['address']),
    };
  }

  /** The card that this member of the cast has in hand: its certificate is the one that the authority promised. */
  holder(member: CastMember): Holder & { id: string } {
    const row = this.certificatesOf(member).find(
      (each) => each.superseded === member.card_image_is_superseded,
    );
    if (row === undefined) throw new Error(`${member.case} has no card`);
    const { publicKey, privateKey } = cardKeyPair();
    const issuer = loadIssuer(join(this.authorityDirectory, 'ca/authentication'));
    const certificate = cardCertificate(issuer, { ...row, publicKey, policy: 'authentication' });
    return { key: privateKey, certificate, id: row.id };
  }

  /* ---- What institutions send ---- */

  async challenge(machine: Machine): Promise<Buffer> {
    const answer = await machine.client.post('/v1/challenges', { count: 1 });
    const [challenge] = (jsonOf(answer)['challenges'] ?? []) as string[];
    if (challenge === undefined) throw new Error(`no challenge: ${answer.body.toString()}`);
    return Buffer.from(challenge, 'base64');
  }

  /** As the centre makes them, with its own key, to end at any moment. */
  challengeUntil(machine: Machine, end: Date): Buffer {
    const key = readFileSync(join(this.directory, 'keys/challenge.key'));
    const head = Buffer.alloc(20, randomBytes(16));
    head.writeUInt32BE(Math.floor(end.getTime() / 1000), 16);
    const mac = createHmac('sha256', key).update('shikaku-challenge-1').update(head);
    return Buffer.concat([head, mac.update(Buffer.from(machine.id, 'hex')).digest().subarray(0, 12)]);
  }

  /** The 180 bytes of src/pki/statement.h. */
  statement(machine: Machine, of: Statement): Buffer {
    const ca = new X509Certificate(readFileSync(join(this.directory, 'public/centre-ca.crt')));
    const purpose = Buffer.alloc(2);
    purpose.writeUInt16BE(of.purpose);
    return Buffer.concat([
      field(of.label, 32),
      sha256(ca.publicKey.export({ type: 'spki', format: 'der' })),
      of.challenge,
      Buffer.from(machine.code),
      sha256(machine.certificate),
      purpose,
      Buffer.from(of.day?.replaceAll('-', '') ?? '00000000'),
      of.content ?? Buffer.alloc(32),
    ]);
  }

  /** A request that the card has signed with its PIN. */
  async cardRequest(machine: Machine, holder: Holder, day: string, challenge?: Buffer): Promise<Json> {
    challenge ??= await this.challenge(machine);
    const statement = this.statement(machine, { label: 'shikaku-check-1', challenge, purpose: 1, day });
    return {
      challenge: challenge.toString('base64'),
      certificate: holder.certificate.toString('base64'),
      signature: sign('sha256', statement, holder.key).toString('base64'),
      form: 'pin',
      authenticated_by: 'pin',
      purpose: 'treatment',
      day,
    };
  }

  /** The same, of a card that was opened by a terminal instead of a PIN. */
  async pinlessRequest(
    machine: Machine,
    holder: Holder,
    day: string,
    terminal: { id: string; certificate: Buffer },
  ): Promise<Json> {
    const challenge = await this.challenge(machine);
    const statement = this.statement(machine, { label: 'shikaku-check-1', challenge, purpose: 1, day });
    const nonce = randomBytes(16);
    const message = Buffer.concat([
      field('shikaku-pinless-1', 32),
      Buffer.from(terminal.id, terminal.id.length === 32 ? 'hex' : 'ascii'),
      nonce,
      sha256(statement),
    ]);
    return {
      ...(await this.cardRequest(machine, holder, day, challenge)),
      signature: sign('sha256', message, holder.key).toString('base64'),
      form: 'pinless',
      authenticated_by: 'face',
      terminal_certificate: terminal.certificate.toString('base64'),
      card_nonce: nonce.toString('base64'),
    };
  }

  async enrolmentRequest(machine: Machine, holder: Holder): Promise<Json> {
    const terms = jsonOf(await machine.client.get('/v1/terms'));
    const challenge = await this.challenge(machine);
    const content = sha256('shikaku-terms-1\0', String(terms['text']));
    const statement = this.statement(machine, { label: 'shikaku-enrol-1', challenge, purpose: 0, content });
    return {
      challenge: challenge.toString('base64'),
      certificate: holder.certificate.toString('base64'),
      signature: sign('sha256', statement, holder.key).toString('base64'),
      form: 'pin',
      authenticated_by: 'pin',
      terms_version: terms['version'],
    };
  }

  async checkByCard(
    machine: Machine,
    member: CastMember,
    holder: Holder = this.holder(member),
  ): Promise<Answer> {
    return machine.client.post('/v1/checks/card', await this.cardRequest(machine, holder, member.day));
  }

  checkByNumber(machine: Machine, paper: Paper): Promise<Answer> {
    return machine.client.post('/v1/checks/number', numberRequest(paper));
  }

  /* ---- What insurers run ---- */

  insurerArguments(insurer: Machine): string[] {
    return [
      ...['--centre', this.url, '--public', join(this.directory, 'public')],
      ...[
        '--certificate',
        join(insurer.directory, 'machine.crt'),
        '--key',
        join(insurer.directory, 'machine.key'),
      ],
    ];
  }

  /** `shikaku register-number` for what stands on a paper; sealed in another insurer's name where one is given. */
  registerNumber(
    insurer: Machine,
    paper: Paper,
    myNumber: string,
    sealedAs: string = insurer.code,
  ): Promise<Finished> {
    const { symbol, number, branch, birth_date } = paper;
    const stated = ['--symbol', symbol, '--number', number, '--branch', branch, '--birth-date', birth_date];
    return run(
      program('shikaku'),
      ['register-number', ...this.insurerArguments(insurer), '--insurer', sealedAs, ...stated],
      { input: `${myNumber}\n` },
    );
  }

  /* ---- What is recorded ---- */

  async events(): Promise<RecordedEvent[]> {
    if (this.options.database !== undefined) return this.#eventsInDatabase(this.options.database);
    const lines = await runOrThrow(program('shikaku'), ['list-log', join(this.directory, 'log')]);
    return lines
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as RecordedEvent)
      .map((event) => ({ ...event, reason: event.reason ?? null }));
  }

  async #eventsInDatabase(database: string): Promise<RecordedEvent[]> {
    const kinds = new Map([[1, 'refusal']]);
    const query = "select kind, outcome, code, encode(event_id, 'hex') from event order by sequence";
    const text = await runOrThrow('psql', ['-X', '-A', '-t', '-F', ' ', '-d', database, '-c', query]);
    const reasons = reasonsByNumber();
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => {
        const [kind = '', outcome = '', code = '', event_id = ''] = line.split(' ');
        const reason = reasons.get(Number(outcome)) ?? null;
        return { kind: kinds.get(Number(kind)) ?? kind, reason, code, event_id };
      });
  }
}

export interface Resident {
  my_number: string;
  name: string;
  name_kana: string;
  birth_date: string;
  sex: string;
  address: string;
}

export interface CertificateRow {
  id: string;
  serial: Uint8Array;
  superseded: boolean;
  notBefore: Date;
  notAfter: Date;
}

/** What a check by number asks about. */
export interface Paper {
  insurer_number: string;
  symbol: string;
  number: string;
  branch: string;
  birth_date: string;
  day: string;
}

export interface Statement {
  label: string;
  challenge: Buffer;
  purpose: number;
  day?: string;
  content?: Buffer;
}

export function numberRequest(paper: Paper): Json {
  const { insurer_number, symbol, number, branch, birth_date, day } = paper;
  return { insurer_number, symbol, number, branch, birth_date, day };
}

/** The catalogue, as events have it. */
export function reasonsByNumber(): Map<number, string> {
  const catalogue = readFileSync(join(root, 'src/domain/catalogue.toml'), 'utf8');
  const entries = catalogue.matchAll(/^number = (\d+)\ncode = "(\w+)"/gm);
  return new Map([...entries].map(([, number, code]) => [Number(number), String(code)]));
}

/** Status and code of a problem, or 200 and the reason of an answer. */
export function outcomeOf(answer: Answer): string {
  const json = jsonOf(answer);
  return `${answer.status} ${String(json['code'] ?? json['reason'] ?? json['result'])}`;
}

/** Brings authority and centre up and waits until both are well. They go down with the scope. */
export async function bringUpCentre(scope: Scope, options: CentreOptions = {}): Promise<Centre> {
  const centre = new Centre(scope, options);
  await centre.make();
  await centre.start();
  return centre;
}

/** A centre with an institution that calls it, another one, and a terminal of the first. */
export interface Site {
  centre: Centre;
  institution: Machine;
  other: Machine;
  terminal: { id: string; certificate: Buffer };
}

export async function bringUpSite(scope: Scope, options: CentreOptions = {}): Promise<Site> {
  const centre = await bringUpCentre(scope, options);
  const institution = await centre.known('institution', institutionCode);
  const other = await centre.known('institution', otherInstitutionCode);
  return { centre, institution, other, terminal: await centre.terminal(institution) };
}

/** As centre.json names a throw-away cluster's database. */
export async function postgresqlLocation(scope: Scope): Promise<string> {
  const directory = /host=(\S+)/.exec((await postgresql(scope)).conninfo)?.[1] ?? '';
  // The service has given up all capabilities, root's right to enter any directory among them.
  chmodSync(directory, 0o711);
  return `postgresql:///shikaku?host=${encodeURIComponent(directory)}&user=shikaku`;
}

/** One site on either database. */
export async function bringUpOnBoth(scope: Scope): Promise<Record<'SQLite' | 'PostgreSQL', Site>> {
  const [SQLite, PostgreSQL] = await Promise.all([
    bringUpSite(scope),
    postgresqlLocation(scope).then((database) => bringUpSite(scope, { database })),
  ]);
  return { SQLite, PostgreSQL };
}
