/**
 * docs/openapi.yaml against a real centre: every operation is asked, every request and every answer is held against its
 * schema, and what the schemas refuse the centre refuses too.
 */
import assert from 'node:assert/strict';
import { createCipheriv, createECDH, createPublicKey, hkdfSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Ajv2020, type AnySchemaObject, type ValidateFunction } from 'ajv/dist/2020.js';
import { parse } from 'yaml';
import { root } from './support/build.ts';
import {
  bringUpCentre,
  field,
  institutionCode,
  numberRequest,
  outcomeOf,
  sha256,
  type CastMember,
} from './support/centre.ts';
import { Client, jsonOf, type Answer, type Json } from './support/https.ts';
import { eventually } from './support/processes.ts';
import type { Scope } from './support/scope.ts';

interface Operation {
  operationId: string;
  requestBody?: Json;
  responses: Record<string, Json>;
}

const scope: Scope = { after };
const document = parse(readFileSync(join(root, 'docs/openapi.yaml'), 'utf8')) as Json;
const schemas = (document['components'] as Json)['schemas'] as Record<string, AnySchemaObject>;

/* ---- Reading the document ---- */

/** What a reference within the document stands for; anything else stands for itself. */
function resolve(value: Json): Json {
  const reference = value['$ref'];
  if (typeof reference !== 'string') return value;
  let found: Json = document;
  for (const name of reference.split('/').slice(1)) found = found[name] as Json;
  return found;
}

interface Place {
  method: string;
  path: string;
  operation: Operation;
}

const places: Place[] = Object.entries(document['paths'] as Record<string, Json>).flatMap(([path, item]) =>
  ['get', 'post']
    .filter((method) => item[method] !== undefined)
    .map((method) => ({ method: method.toUpperCase(), path, operation: item[method] as Operation })),
);

/** Name of the schema of a body, all of which stand in the document's components. */
function schemaOf(body: Json, type: string): string {
  const content = resolve(body)['content'] as Record<string, { schema: { $ref: string } }>;
  const [, name] = /^#\/components\/schemas\/(\w+)$/.exec(content[type]?.schema.$ref ?? '') ?? [];
  assert.ok(name, `no schema for ${type}`);
  return name;
}

/**
 * Answers are open in the document, since clients ignore what they do not know. Here they are closed: a member that the
 * document does not name is a fault of the document.
 */
function closed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closed);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([name, part]) => [name, closed(part)] as const);
  const object = Object.fromEntries(entries) as Json;
  return object['type'] !== undefined && object['properties'] !== undefined
    ? { additionalProperties: false, ...object }
    : object;
}

const ajv = new Ajv2020({ allErrors: true, strictTypes: false, strictRequired: false });
// The schemas alone: a JSON Schema has another place for them than a document of OpenAPI.
const definitions = JSON.stringify(closed(schemas)).replaceAll('#/components/schemas/', '#/$defs/');
ajv.addSchema({ $defs: JSON.parse(definitions) as Json }, 'openapi');
const validators = new Map<string, ValidateFunction>();

/** What is wrong with a value; empty where it is of the schema. */
function faults(schema: string, value: unknown): string {
  let validate = validators.get(schema);
  if (validate === undefined) {
    validate = ajv.compile({ $ref: `openapi#/$defs/${schema}` });
    validators.set(schema, validate);
  }
  return validate(value) ? '' : ajv.errorsText(validate.errors);
}

/* ---- Asking ---- */

const centre = await bringUpCentre(scope, { people: 100 });
const [institution, insurer] = await Promise.all([
  centre.known('institution', institutionCode),
  centre.known('insurer', centre.member('in_force').insurer_number),
]);
const operations = `http://127.0.0.1:${centre.operationsPort}`;
const answered = new Set<string>();

function place(operationId: string): Place {
  const found = places.find(({ operation }) => operation.operationId === operationId);
  assert.ok(found, operationId);
  return found;
}

function requestSchema(operationId: string): string {
  const { requestBody } = place(operationId).operation;
  assert.ok(requestBody, operationId);
  return schemaOf(requestBody, 'application/json');
}

function send(operationId: string, body: Json | undefined, load: string): Promise<Answer> {
  const { method, path, operation } = place(operationId);
  const client = JSON.stringify(operation).includes('"insurers"') ? insurer.client : institution.client;
  const where = path.replace('{load}', load);
  return method === 'GET' ? client.get(where) : client.post(where, body);
}

/** Asks as the document says, and holds the answer against it. */
async function ask(operationId: string, body?: Json, load = ''): Promise<Json> {
  if (body !== undefined) assert.equal(faults(requestSchema(operationId), body), '', operationId);
  const answer = await send(operationId, body, load);
  assert.equal(answer.status, 200, `${operationId}: ${answer.body.toString()}`);
  assert.equal(answer.headers['content-type'], 'application/json', operationId);
  const schema = schemaOf(place(operationId).operation.responses['200'] ?? {}, 'application/json');
  assert.equal(faults(schema, jsonOf(answer)), '', `${operationId}: ${answer.body.toString()}`);
  answered.add(operationId);
  return jsonOf(answer);
}

/** An answer that is a problem as the document has it. */
function expectProblem(operationId: string, answer: Answer, outcome: RegExp): void {
  const range = `${Math.floor(answer.status / 100)}XX`;
  const response = place(operationId).operation.responses[range];
  assert.ok(response, `${operationId}: ${answer.status}`);
  assert.equal(answer.headers['content-type'], 'application/problem+json', operationId);
  const problem = jsonOf(answer);
  assert.equal(faults(schemaOf(response, 'application/problem+json'), problem), '', operationId);
  assert.equal(problem['status'], answer.status);
  assert.match(outcomeOf(answer), outcome, operationId);
}

/** `shikaku-number-1`, sealed to the vault of the centre as src/pki/sealed.h and docs/insurer-api.md say. */
function sealedNumber(member: CastMember, row: string): string {
  const vault = createPublicKey(readFileSync(join(centre.directory, 'public/vault-sealing.pub')));
  const jwk = vault.export({ format: 'jwk' });
  const ephemeral = createECDH('prime256v1');
  const header = Buffer.concat([
    Buffer.from([1]),
    sha256(vault.export({ type: 'spki', format: 'der' })),
    ephemeral.generateKeys(),
  ]);
  const coordinates = [jwk.x, jwk.y].map((each) => Buffer.from(String(each), 'base64url'));
  const secret = ephemeral.computeSecret(Buffer.concat([Buffer.from([4]), ...coordinates]));
  const info = Buffer.concat([Buffer.from('shikaku-sealed-1'), header]);
  const derived = Buffer.from(hkdfSync('sha256', secret, Buffer.alloc(0), info, 44));
  const sized = (bytes: Buffer, size: 2 | 4) => {
    const length = Buffer.alloc(size);
    length.writeUIntBE(bytes.length, 0, size);
    return Buffer.concat([length, bytes]);
  };
  const context = Buffer.concat([
    field(member.insurer_number, 8),
    Buffer.from([0, 1]),
    sized(Buffer.from(row), 4),
  ]);
  const cipher = createCipheriv('aes-256-gcm', derived.subarray(0, 32), derived.subarray(32));
  cipher.setAAD(Buffer.concat([header, sized(Buffer.from('shikaku-number-1'), 2), sized(context, 4)]));
  const body = Buffer.concat([cipher.update(member.my_number), cipher.final(), cipher.getAuthTag()]);
  return Buffer.concat([header, body]).toString('base64');
}

const loadRow: Json = {
  symbol: '記号１',
  number: '4242',
  branch: '01',
  name: '資格　花子',
  name_kana: 'シカク　ハナコ',
  alias: null,
  birth_date: '1986-02-03',
  sex: '2',
  address: null,
  postal_code: null,
  relationship: 'insured',
  acquired: '2026-04-01',
  lost: null,
  loss_reason: null,
  classification: '01',
  copayment_percent: null,
  copayment_from: null,
  copayment_until: null,
  special_expense: null,
  certificate_issued: null,
  certificate_last_day: null,
  replaces_acquired: null,
};

const played = () => centre.member('in_force');
const playedCard = () => centre.cardRequest(institution, centre.holder(played()), played().day);
const registration = (): Json => ({
  ...{ symbol: played().symbol, number: played().number, branch: played().branch },
  ...{ birth_date: played().birth_date, row: '1', sealed_number: sealedNumber(played(), '1') },
});

/* ---- The document itself ---- */

test('the document names the routes of the machine port and of the operations port, and no others', () => {
  const routes = ['src/api/machine.c', 'src/api/operations.c'].flatMap((file) => {
    const source = readFileSync(join(root, file), 'utf8');
    return [...source.matchAll(/\{METHOD_(\w+), "(\/[^"]+)"/g)].map(
      ([, method, path]) => `${method} ${path}`,
    );
  });
  assert.ok(routes.length > 0);
  assert.deepEqual(places.map(({ method, path }) => `${method} ${path}`).sort(), routes.sort());
});

test('the codes of the document are those of the catalogue', () => {
  const catalogue = readFileSync(join(root, 'src/domain/catalogue.toml'), 'utf8');
  const codes = (pattern: RegExp) => [...catalogue.matchAll(pattern)].map(([, code]) => String(code));
  const listed = (schema: string, name: string) =>
    (schemas[schema]?.['properties'] as Record<string, { enum: string[] }>)[name]?.enum ?? [];
  assert.deepEqual(listed('Step', 'code').sort(), codes(/^\[\[step\]\]\ncode = "(\w+)"/gm).sort());
  const answers = codes(/^code = "(\w+)"\nkind = "answer"/gm);
  // What a client says of a centre that it did not reach, no centre says.
  assert.deepEqual(
    listed('Answer', 'reason').sort(),
    answers.filter((code) => code !== 'centre_unreachable').sort(),
  );
  const known = new Set(codes(/^code = "(\w+)"\nkind = /gm));
  for (const code of listed('Problem', 'code')) assert.ok(known.has(code), code);
});

test('every example in the document is of its schema', () => {
  let seen = 0;
  for (const [name, schema] of Object.entries(schemas)) {
    for (const example of (schema['examples'] ?? []) as unknown[]) {
      assert.equal(faults(name, example), '', name);
      seen++;
    }
  }
  assert.ok(seen > 10);
});

test('every object that a request consists of is closed', () => {
  const open: string[] = [];
  const look = (where: string, schema: AnySchemaObject): void => {
    const target = resolve(schema) as AnySchemaObject;
    const properties = (target['properties'] ?? {}) as Record<string, AnySchemaObject>;
    const isObject = [target['type']].flat().includes('object');
    if (isObject && target['additionalProperties'] !== false) open.push(where);
    for (const [name, part] of Object.entries(properties)) look(`${where}/${name}`, part);
    if (target['items'] !== undefined) look(`${where}/items`, target['items'] as AnySchemaObject);
  };
  for (const { operation } of places) {
    if (operation.requestBody === undefined) continue;
    const name = schemaOf(operation.requestBody, 'application/json');
    look(name, schemas[name] as AnySchemaObject);
  }
  assert.deepEqual(open, []);
});

/* ---- The centre ---- */

test('institutions ask, and are answered, as the document says', async () => {
  await ask('createChallenges', { count: 3 });
  await ask('readTerms');
  const withConsents = { consents: { treatment: true, medication: true, checkups: true, surgery: true } };
  assert.equal(faults('CardCheckRequest', { ...(await playedCard()), ...withConsents }), '');
  for (const member of centre.cast.filter(({ expected }) => expected.card !== null)) {
    const holder = centre.holder(member);
    if (member.variant === 'without_pin') continue;
    await ask('checkByCard', await centre.cardRequest(institution, holder, member.day));
  }
  for (const member of centre.cast.filter(({ expected }) => expected.number !== null)) {
    await ask('checkByNumber', numberRequest(member));
  }
  await ask(
    'enrol',
    await centre.enrolmentRequest(institution, centre.holder(centre.member('not_enrolled'))),
  );
  await ask(
    'enrol',
    await centre.enrolmentRequest(institution, centre.holder(centre.member('not_enrolled'))),
  );
});

test('a check without PIN is asked as the document says', async () => {
  const terminal = await centre.terminal(institution);
  const member = centre.member('without_pin');
  await eventually(async () => {
    await ask(
      'checkByCard',
      await centre.pinlessRequest(institution, centre.holder(member), member.day, terminal),
    );
  });
});

test('insurers ask, and are answered, as the document says', async () => {
  for (const last of ['publishLoad', 'undoLoad']) {
    const load = String((await ask('beginLoad', {}))['load_id']);
    await ask('stageRows', { first_row: 0, rows: [loadRow] }, load);
    await ask('showLoad', undefined, load);
    await ask(last, {}, load);
  }
  const { state } = await ask('registerNumber', registration());
  assert.equal(state, 'confirmed');
});

test('the operations port answers as the document says', async () => {
  const health = await fetch(`${operations}/healthz`);
  assert.equal(faults('Health', await health.json()), '');
  const metrics = await fetch(`${operations}/metrics`);
  assert.match(String(metrics.headers.get('content-type')), /^text\/plain/);
  assert.match(await metrics.text(), /^shikaku_events_total \d+$/m);
  answered.add('readHealth').add('readMetrics');
  const missing = await fetch(`${operations}/nothing`);
  assert.equal(missing.status, 404);
  assert.equal(faults('Problem', await missing.json()), '');
});

test('every operation of the document has been answered', () => {
  const all = places.map(({ operation }) => operation.operationId);
  assert.deepEqual([...answered].sort(), all.sort());
});

/** Requests as they must be, and each member that can be left out, added or of another type. */
async function refusedRequests(): Promise<[string, Json, string][]> {
  const load = String(jsonOf(await insurer.client.post('/v1/loads', {}))['load_id']);
  return [
    ['createChallenges', { count: 1 }, load],
    ['checkByCard', await playedCard(), load],
    ['checkByNumber', numberRequest(played()), load],
    ['enrol', await centre.enrolmentRequest(institution, centre.holder(played())), load],
    ['beginLoad', {}, load],
    ['stageRows', { first_row: 0, rows: [loadRow] }, load],
    ['registerNumber', registration(), load],
    ['publishLoad', {}, load],
    ['undoLoad', {}, load],
  ];
}

test('what the document refuses the centre refuses, with a problem as the document has it', async () => {
  for (const [operationId, request, load] of await refusedRequests()) {
    const schema = requestSchema(operationId);
    const required = (schemas[schema]?.['required'] ?? []) as string[];
    const wrong: [Json, RegExp][] = [
      [{ ...request, another: 1 }, /^422 field_unknown$/],
      ...required.map((name): [Json, RegExp] => {
        const { [name]: removed, ...rest } = request;
        assert.notEqual(removed, undefined, `${operationId} ${name}`);
        return [rest, /^422 field_missing$/];
      }),
      ...required.map((name): [Json, RegExp] => [{ ...request, [name]: [false] }, /^4\d\d /]),
    ];
    for (const [body, outcome] of wrong) {
      assert.notEqual(faults(schema, body), '', `${operationId}: ${JSON.stringify(body)}`);
      expectProblem(operationId, await send(operationId, body, load), outcome);
    }
  }
});

test('each member of a row that the document refuses the centre refuses, and says where it stands', async () => {
  const load = String((await ask('beginLoad', {}))['load_id']);
  const required = (schemas['Row']?.['required'] ?? []) as string[];
  const rows: [Json, string, string][] = [
    ...required.map((name): [Json, string, string] => {
      const { [name]: removed, ...rest } = loadRow;
      assert.notEqual(removed, undefined);
      return [rest, '422 field_missing', `/rows/1/${name}`];
    }),
    [{ ...loadRow, my_number: '123456789018' }, '422 field_unknown', '/rows/1'],
    [{ ...loadRow, copayment_percent: 101 }, '400 request_malformed', '/rows/1/copayment_percent'],
    [{ ...loadRow, special_expense: 'yes' }, '400 request_malformed', '/rows/1/special_expense'],
    [{ ...loadRow, loss_reason: '04' }, '422 malformed_code', '/rows/1/loss_reason'],
    [{ ...loadRow, postal_code: '1000-001' }, '422 malformed_postal_code', '/rows/1/postal_code'],
  ];
  for (const [row, outcome, pointer] of rows) {
    const body = { first_row: 0, rows: [loadRow, row] };
    assert.notEqual(faults('RowsRequest', body), '', pointer);
    const answer = await send('stageRows', body, load);
    expectProblem('stageRows', answer, new RegExp(`^${outcome}$`));
    assert.equal(jsonOf(answer)['pointer'], pointer);
  }
});

test('other callers, other loads and other methods are refused with problems as the document has them', async () => {
  expectProblem('beginLoad', await institution.client.post('/v1/loads', {}), /^403 caller_not_allowed$/);
  expectProblem('showLoad', await send('showLoad', undefined, '0'.repeat(32)), /^404 not_found$/);
  expectProblem('showLoad', await send('showLoad', undefined, 'none'), /^404 not_found$/);
  expectProblem('readTerms', await institution.client.post('/v1/terms', {}), /^405 method_not_allowed$/);
  const long = await institution.client.post('/v1/challenges', { count: 1, padding: 'x'.repeat(5000) });
  expectProblem('createChallenges', long, /^413 too_large$/);
  const client = new Client(centre.url, { ca: join(centre.directory, 'public/centre-ca.crt') });
  await assert.rejects(client.get('/v1/terms'));
  client.close();
});
