/**
 * What changes at a running centre, and is honoured at once: cards suspended and renewed, people enrolled, subscribers
 * loaded, My Numbers registered. All of it on SQLite and on PostgreSQL.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { program } from './support/build.ts';
import {
  bringUpOnBoth,
  cardKeyPair,
  outcomeOf,
  type CastMember,
  type Holder,
  type Machine,
  type Paper,
  type Resident,
} from './support/centre.ts';
import { jsonOf, type Answer, type Json } from './support/https.ts';
import { eventually, run, type Finished } from './support/processes.ts';

const sites = await bringUpOnBoth({ after });

for (const [name, { centre, institution }] of Object.entries(sites)) {
  describe(`on ${name}`, () => {
    const today = centre.member('in_force').day;

    async function byCard(member: CastMember, holder?: Holder): Promise<string> {
      return outcomeOf(await centre.checkByCard(institution, member, holder));
    }

    async function becomes(outcome: string, ask: () => Promise<string>, within = 1000): Promise<number> {
      const begun = performance.now();
      await eventually(async () => assert.equal(await ask(), outcome), within);
      return performance.now() - begun;
    }

    /* ---- Cards ---- */

    test('Q8: a card that is reported lost is refused everywhere within one second of the call', async (t) => {
      const member = centre.member('preschooler');
      const { id } = centre.holder(member);
      assert.equal(await byCard(member), '200 in_force');
      await centre.askAuthority('suspend', ['card', id]);
      const begun = performance.now();
      let outcome = '';
      while (outcome !== '200 card_not_usable' && performance.now() - begun < 5000)
        outcome = await byCard(member);
      const taken = performance.now() - begun;
      t.diagnostic(`refused ${taken.toFixed(0)} ms after the command returned`);
      assert.equal(outcome, '200 card_not_usable');
      assert.ok(taken < 1000, `${taken} ms`);
      for (let i = 0; i < 20; i++) assert.equal(await byCard(member), '200 card_not_usable');
    });

    test('Q8: a suspension is never lifted by telephone, only at the municipal counter', async () => {
      const member = centre.member('preschooler');
      const order = { action: 'lift', kind: 'card', id: centre.holder(member).id };
      const telephone = await centre.operator('hotline').post('/v1/states', order);
      assert.equal(telephone.status, 403, telephone.body.toString());
      assert.equal((await centre.operator('registrar').post('/v1/states', order)).status, 403);
      assert.equal(await byCard(member), '200 card_not_usable');
      assert.equal((await centre.operator('counter').post('/v1/states', order)).status, 200);
      await becomes('200 in_force', () => byCard(member));
    });

    test('a renewed card stays enrolled, and the certificate that it replaces is of no use', async () => {
      const member = centre.member('seventies');
      const before = centre.holder(member);
      assert.equal(await byCard(member, before), '200 in_force');
      const spki = cardKeyPair().publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
      const renewed = await centre.operator('counter').post('/v1/renewals', {
        ...{ my_number: member.my_number, generation: 'current', device: 'card' },
        ...{ authentication_key: spki, signature_key: null },
      });
      assert.ok(renewed.status < 300, renewed.body.toString());
      const issued = jsonOf(renewed)['authentication'] as Json;
      const certificate = Buffer.from(String(issued['certificate']), 'base64');
      await becomes('200 in_force', () => byCard(member, { key: before.key, certificate }));
      await becomes('200 card_not_usable', () => byCard(member, before));
    });

    /* ---- Enrolments ---- */

    async function enrol(holder: Holder): Promise<Answer> {
      return institution.client.post('/v1/enrolments', await centre.enrolmentRequest(institution, holder));
    }

    test('Q6: an enrolment at the terminal is honoured by the next check, and once is enough', async () => {
      const member = centre.member('not_enrolled');
      assert.equal(await byCard(member), '200 not_enrolled');
      const enrolled = await enrol(centre.holder(member));
      assert.equal(jsonOf(enrolled)['result'], 'enrolled', enrolled.body.toString());
      assert.equal(await byCard(member), '200 in_force');
      const again = jsonOf(await enrol(centre.holder(member)));
      assert.equal(again['result'], 'already_enrolled');
      assert.equal(again['enrolled_at'], jsonOf(enrolled)['enrolled_at']);
    });

    test('Q6: an enrolment that is sent twice is one enrolment, and its challenge is used up', async () => {
      const member = centre.member('in_force_unregistered');
      const request = await centre.enrolmentRequest(institution, centre.holder(member));
      const [first, second] = await Promise.all([
        institution.client.post('/v1/enrolments', request),
        institution.client.post('/v1/enrolments', request),
      ]);
      const codes = [outcomeOf(first), outcomeOf(second)].sort();
      const third = await institution.client.post('/v1/enrolments', request);
      assert.ok(codes.includes('200 enrolled'), codes.join());
      assert.equal(outcomeOf(third), '200 enrolled');
      const different = {
        ...request,
        signature: String(request['signature']).replace(/^./, (first) => (first === 'A' ? 'B' : 'A')),
      };
      const refusal = outcomeOf(await institution.client.post('/v1/enrolments', different));
      assert.ok(['403 signature_mismatch', '409 challenge_replayed'].includes(refusal), refusal);
    });

    test('Q6: terms that nobody has read are not accepted, and unusable cards are not enrolled', async () => {
      const holder = centre.holder(centre.member('in_force'));
      const request = await centre.enrolmentRequest(institution, holder);
      const old = await institution.client.post('/v1/enrolments', { ...request, terms_version: '2020-01' });
      assert.equal(outcomeOf(old), '409 terms_version_unknown');
      for (const [who, code] of [
        ['card_blocked', 'card_not_usable'],
        ['card_suspended', 'card_not_usable'],
        ['certificate_expired', 'certificate_expired'],
      ] as const) {
        const answer = await enrol(centre.holder(centre.member(who)));
        assert.equal(outcomeOf(answer), `409 ${code}`, who);
      }
    });

    test('Q10: who has no registered My Number cannot be enrolled, and is told why', async () => {
      const resident = await newResident('810001010016', '佐藤　新');
      const card = await issueCard(resident.my_number);
      // Until the feed has named the new certificate, what it is cannot be said.
      await becomes('409 number_not_registered', async () => outcomeOf(await enrol(card)));
    });

    /** Somebody who has moved here: known to the authority, and to no insurer. */
    async function newResident(eleven: string, name: string): Promise<Resident> {
      const my_number = withCheckDigit(eleven.slice(0, 11));
      const resident = { my_number, name, name_kana: 'サトウ　アラタ', birth_date: '1990-04-01', sex: '1' };
      const address = '東京都千代田区千代田１丁目１番１号';
      const { name_kana, ...items } = resident;
      const answer = await centre.operator('counter').post('/v1/residents', {
        ...items,
        ...{ kana: name_kana, alias: '', address, municipality: '13101', has_photo: true },
      });
      assert.equal(answer.status, 201, answer.body.toString());
      return { ...resident, address };
    }

    async function issueCard(my_number: string): Promise<Holder> {
      const { publicKey, privateKey } = cardKeyPair();
      const answer = await centre.operator('counter').post('/v1/cards', {
        ...{ my_number, generation: 'current', device: 'card', signature_key: null },
        authentication_key: publicKey.export({ type: 'spki', format: 'der' }).toString('base64'),
      });
      assert.ok(answer.status < 300, answer.body.toString());
      const issued = jsonOf(answer)['authentication'] as Json;
      return { key: privateKey, certificate: Buffer.from(String(issued['certificate']), 'base64') };
    }

    /* ---- Loads ---- */

    const insurerCode = centre.member('in_force').insurer_number;
    let insurer: Machine;
    let otherInsurer: Machine;

    test('insurers are let in', async () => {
      insurer = await centre.known('insurer', insurerCode);
      otherInsurer = await centre.known('insurer', centre.member('in_force_grace').insurer_number);
      assert.notEqual(insurer.code, otherInsurer.code);
    });

    function paperOf(person: Resident, number: string): Paper {
      const { birth_date } = person;
      return { insurer_number: insurerCode, symbol: '77', number, branch: '00', birth_date, day: today };
    }

    function rowOf(person: Resident, number: string, changes: Json = {}): Json {
      const { name, name_kana, birth_date, sex, address } = person;
      return {
        ...{ symbol: '77', number, branch: '00', name, name_kana, birth_date, sex, address },
        ...{ relationship: 'insured', acquired: '2026-04-01', ...changes },
      };
    }

    async function step(caller: Machine, load: string, what: string, body: Json = {}): Promise<Answer> {
      return caller.client.post(`/v1/loads/${load}/${what}`, body);
    }

    async function begin(): Promise<string> {
      return String(jsonOf(await insurer.client.post('/v1/loads', {}))['load_id']);
    }

    /** `shikaku load` of these rows. */
    async function load(rows: Json[], ...options: string[]): Promise<Finished> {
      const path = join(centre.top, 'rows.jsonl');
      writeFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
      return run(program('shikaku'), ['load', ...centre.insurerArguments(insurer), path, ...options]);
    }

    test('rows that are staged are seen by nobody, published by all, and undone by nobody again', async () => {
      const person = centre.resident(0);
      const paper = paperOf(person, '1001');
      const id = await begin();
      const staged = await step(insurer, id, 'rows', { first_row: 0, rows: [rowOf(person, '1001')] });
      assert.equal(jsonOf(staged)['state'], 'staged', staged.body.toString());
      assert.equal(outcomeOf(await centre.checkByNumber(institution, paper)), '200 no_such_coverage');
      const published = jsonOf(await step(insurer, id, 'publish'));
      assert.equal(published['state'], 'published');
      assert.match(String(published['event_id']), /^[0-9a-f]{32}$/);
      // Q10: there is coverage now, and nobody's number on it.
      assert.equal(outcomeOf(await centre.checkByNumber(institution, paper)), '200 number_not_registered');
      assert.equal(jsonOf(await step(insurer, id, 'undo'))['state'], 'undone');
      assert.equal(outcomeOf(await centre.checkByNumber(institution, paper)), '200 no_such_coverage');
      const recorded = (await centre.events()).map((event) => event.event_id);
      assert.ok(recorded.includes(String(published['event_id'])));
    });

    test('rows that are sent again after a lost answer are taken once', async () => {
      const rows = [0, 1, 2].map((i) => rowOf(centre.resident(i), `200${i}`));
      const id = await begin();
      assert.equal(jsonOf(await step(insurer, id, 'rows', { first_row: 0, rows }))['rows'], 3);
      assert.equal(jsonOf(await step(insurer, id, 'rows', { first_row: 0, rows }))['rows'], 3);
      assert.equal(jsonOf(await step(insurer, id, 'rows', { first_row: 1, rows }))['rows'], 4);
      const gap = await step(insurer, id, 'rows', { first_row: 9, rows });
      assert.equal(outcomeOf(gap), '422 load_row_invalid');
      const shown = jsonOf(await insurer.client.get(`/v1/loads/${id}`));
      assert.equal(shown['rows'], 4);
      assert.equal(jsonOf(await step(insurer, id, 'undo'))['state'], 'undone');
      assert.equal(
        outcomeOf(await step(insurer, id, 'rows', { first_row: 4, rows })),
        '409 load_state_wrong',
      );
      assert.equal(outcomeOf(await step(insurer, id, 'publish')), '409 load_state_wrong');
    });

    test("another insurer's load is not found, whatever is done to it", async () => {
      const id = await begin();
      const rows = [rowOf(centre.resident(0), '3001')];
      assert.equal(outcomeOf(await otherInsurer.client.get(`/v1/loads/${id}`)), '404 not_found');
      for (const what of ['rows', 'publish', 'undo']) {
        const answer = await step(otherInsurer, id, what, what === 'rows' ? { first_row: 0, rows } : {});
        assert.equal(outcomeOf(answer), '404 not_found', what);
      }
      assert.equal(jsonOf(await insurer.client.get(`/v1/loads/${id}`))['state'], 'staged');
    });

    test('a faulty row is named by its place and its member, and nothing of the file becomes visible', async () => {
      const person = centre.resident(0);
      const faults: [Json, string, string][] = [
        [{ birth_date: '1990-13-01' }, 'malformed_birth_date', '/rows/1/birth_date'],
        [{ sex: '4' }, 'malformed_sex', '/rows/1/sex'],
        [{ acquired: '2026-04-31' }, 'malformed_day', '/rows/1/acquired'],
        [{ lost: '2026-03-01' }, 'malformed_period', '/rows/1/lost'],
        [{ relationship: 'friend' }, 'request_malformed', '/rows/1/relationship'],
        [{ my_number: person.my_number }, 'field_unknown', '/rows/1'],
      ];
      const id = await begin();
      for (const [change, code, pointer] of faults) {
        const rows = [rowOf(person, '4001'), rowOf(person, '4002', change)];
        const answer = jsonOf(await step(insurer, id, 'rows', { first_row: 0, rows }));
        assert.deepEqual([answer['code'], answer['pointer']], [code, pointer]);
      }
      const file = await load([rowOf(person, '4001'), rowOf(person, '4002', { sex: 'x' })]);
      assert.equal(file.status, 1);
      assert.match(file.stderr, /malformed_sex \/rows\/1\/sex/);
      const answer = await centre.checkByNumber(institution, paperOf(person, '4001'));
      assert.equal(outcomeOf(answer), '200 no_such_coverage');
    });

    /* ---- My Numbers ---- */

    const people = { first: centre.resident(10), moved: centre.resident(11), late: centre.resident(12) };

    test('Q7: a My Number that fits in all five items is linked, and the next check confirms', async () => {
      const loaded = await load([
        rowOf(people.first, '5001'),
        rowOf(people.moved, '5002', { address: '沖縄県那覇市泉崎１丁目１番１号' }),
        rowOf(people.late, '5003'),
      ]);
      assert.equal(loaded.status, 0, loaded.stderr);
      const paper = paperOf(people.first, '5001');
      assert.equal(outcomeOf(await centre.checkByNumber(institution, paper)), '200 number_not_registered');
      const linked = await registered(paper, people.first.my_number);
      assert.equal(linked['state'], 'confirmed');
      assert.equal(outcomeOf(await centre.checkByNumber(institution, paper)), '200 in_force');
    });

    async function registered(paper: Paper, myNumber: string): Promise<Json> {
      const finished = await centre.registerNumber(insurer, paper, myNumber);
      assert.equal(finished.status, 0, finished.stderr);
      assert.ok(!finished.stdout.includes(myNumber) && !finished.stderr.includes(myNumber));
      return JSON.parse(finished.stdout) as Json;
    }

    async function refusedRegistration(
      paper: Paper,
      myNumber: string,
      code: string,
      as?: string,
    ): Promise<void> {
      const finished = await centre.registerNumber(insurer, paper, myNumber, as);
      assert.equal(finished.status, 1, finished.stdout);
      assert.match(finished.stderr, new RegExp(`^${code} `, 'm'));
      assert.ok(!finished.stderr.includes(myNumber));
    }

    test('a My Number whose address differs is quarantined and what differs is told, to nobody else', async () => {
      const paper = paperOf(people.moved, '5002');
      const linked = await registered(paper, people.moved.my_number);
      assert.equal(linked['state'], 'quarantined');
      const compared = linked['compared'] as Json;
      assert.deepEqual(
        Object.entries(compared).filter(([, fit]) => fit === 'differs'),
        [['address', 'differs']],
      );
      assert.equal(outcomeOf(await centre.checkByNumber(institution, paper)), '200 under_verification');
    });

    test('while the authority cannot be asked a link stays pending, and sent again it is confirmed', async () => {
      const paper = paperOf(people.late, '5003');
      await centre.authority?.stop();
      assert.equal((await registered(paper, people.late.my_number))['state'], 'pending');
      assert.equal(outcomeOf(await centre.checkByNumber(institution, paper)), '200 under_verification');
      await centre.startAuthority();
      await eventually(async () => {
        assert.equal((await registered(paper, people.late.my_number))['state'], 'confirmed');
      });
      assert.equal(outcomeOf(await centre.checkByNumber(institution, paper)), '200 in_force');
    });

    test("another person's My Number, a number of nobody, and another insurer's seal are refused", async () => {
      const paper = paperOf(people.first, '5001');
      await refusedRegistration(paper, people.late.my_number, 'number_conflict');
      await refusedRegistration(paper, withCheckDigit('99999999999'), 'number_unknown_to_authority');
      await refusedRegistration(paper, people.first.my_number, 'sealed_message_invalid', otherInsurer.code);
      await refusedRegistration({ ...paper, number: '5999' }, people.first.my_number, 'no_such_coverage');
      assert.equal(outcomeOf(await centre.checkByNumber(institution, paper)), '200 in_force');
      const reasons = (await centre.events())
        .filter((event) => event.kind === 'refusal')
        .map(({ reason }) => reason);
      for (const reason of ['number_conflict', 'number_unknown_to_authority', 'sealed_message_invalid']) {
        assert.ok(reasons.includes(reason), reason);
      }
    });
  });
}

/** 検査用数字 of a My Number's first eleven digits (総務省令). */
function withCheckDigit(eleven: string): string {
  const sum = [...eleven]
    .reverse()
    .reduce((total, digit, i) => total + Number(digit) * (i < 6 ? i + 2 : i - 4), 0);
  return `${eleven}${sum % 11 <= 1 ? 0 : 11 - (sum % 11)}`;
}
