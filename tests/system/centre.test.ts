/**
 * A card authority and a centre as operators run them, over a synthetic nation whose cast reaches every outcome: asked
 * by number and by card, attacked, and told by insurers. All of it on SQLite and on PostgreSQL.
 */
import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { cardCertificate, loadIssuer } from './support/certificate.ts';
import {
  bringUpOnBoth,
  cardKeyPair,
  numberRequest,
  otherInstitutionCode,
  outcomeOf,
  type CastMember,
  type Holder,
  type Machine,
} from './support/centre.ts';
import { jsonOf, type Answer, type Json } from './support/https.ts';
import { eventually, runOrThrow } from './support/processes.ts';

// A scope for the whole file: what is brought up before the first test is declared.
const sites = await bringUpOnBoth({ after });

for (const [name, site] of Object.entries(sites)) {
  describe(`on ${name}`, () => {
    const { centre, institution, other, terminal } = site;
    /** Reasons that checks have answered with. */
    const seen = new Set<string>();

    before(async () => {
      await eventually(async () => {
        assert.equal(outcomeOf(await faceCheck(centre.member('without_pin'))), '200 in_force');
      });
    });

    async function faceCheck(member: CastMember): Promise<Answer> {
      const request = await centre.pinlessRequest(institution, centre.holder(member), member.day, terminal);
      return institution.client.post('/v1/checks/card', request);
    }

    /* ---- What a check answers ---- */

    test('every member of the cast is answered by card as the cast says, Q10 and Q1 among them', async () => {
      const played = centre.cast.filter((member) => member.expected.card !== null);
      assert.ok(played.length >= 35);
      for (const member of played) {
        const answer =
          member.variant === 'without_pin'
            ? await faceCheck(member)
            : await centre.checkByCard(institution, member);
        expectAnswer(answer, member.expected.card, `${member.case} by card`);
        seen.add(String(jsonOf(answer)['reason']));
      }
    });

    test('every member of the cast is answered by number as the cast says, Q10 and Q1 among them', async () => {
      const played = centre.cast.filter((member) => member.expected.number !== null);
      assert.ok(played.length >= 38);
      for (const member of played) {
        const answer = await centre.checkByNumber(institution, member);
        expectAnswer(answer, member.expected.number, `${member.case} by number`);
        assert.equal(jsonOf(answer)['visit_token'], undefined, `${member.case} by number`);
        seen.add(String(jsonOf(answer)['reason']));
      }
    });

    test('every validity and every reason about coverage has been answered', () => {
      const validities = new Set<unknown>(
        centre.cast.flatMap(({ expected }) => [expected.card?.validity, expected.number?.validity]),
      );
      for (const validity of [1, 2, 3, 4, 5, 6, null])
        assert.ok(validities.has(validity), `validity ${validity}`);
      assert.deepEqual([...seen].sort(), [
        'card_not_usable',
        'certificate_expired',
        'in_force',
        'in_force_grace',
        'in_force_special_expense',
        'in_force_unregistered',
        'lost',
        'lost_newer_exists',
        'new_coverage_not_registered',
        'no_such_coverage',
        'not_enrolled',
        'not_yet_acquired',
        'number_not_registered',
        'several_match',
        'under_verification',
      ]);
    });

    test('Q10: a number that is not registered cannot be confirmed, is never denied, and says whom to ask', async () => {
      const member = centre.member('number_not_registered');
      for (const answer of [
        await centre.checkByNumber(institution, member),
        await centre.checkByCard(institution, member),
      ]) {
        const json = jsonOf(answer);
        assert.equal(json['result'], 'cannot_be_confirmed');
        assert.equal(json['coverage'] ?? null, null);
        assert.notEqual(json['next_step'], null);
      }
    });

    test('unusable cards are told apart by nobody: one text for blocked, released, suspended and revoked', async () => {
      const texts = new Set<string>();
      for (const name of [
        'card_blocked',
        'card_released',
        'card_suspended',
        'card_revoked',
        'card_superseded',
      ]) {
        const { event_id, as_of, ...rest } = jsonOf(
          await centre.checkByCard(institution, centre.member(name)),
        );
        assert.ok(event_id && as_of);
        texts.add(JSON.stringify(rest));
      }
      assert.equal(texts.size, 1);
    });

    test('an address that must not be known is nowhere in an answer', async () => {
      const answer = await centre.checkByNumber(institution, centre.member('non_disclosure'));
      assert.equal((jsonOf(answer)['coverage'] as Json)['address'] ?? null, null);
    });

    // The embedded database is read beside every writer.
    if (centre.options.database !== undefined) {
      const database = centre.options.database;
      test('a check that the database keeps waiting is answered in time: too busy, and not confirmed', async () => {
        const holdSeconds = 4;
        const lock = `begin; lock table insured_key in access exclusive mode; select pg_sleep(${holdSeconds});`;
        const held = runOrThrow('psql', ['-X', '-d', database, '-c', lock]);
        const begun = performance.now();
        const answer = await eventually(async () => {
          const late = await centre.checkByNumber(institution, valid());
          assert.equal(outcomeOf(late), '200 too_busy');
          return jsonOf(late);
        });
        assert.equal(answer['result'], 'cannot_be_confirmed');
        assert.ok(performance.now() - begun < holdSeconds * 1000);
        await held;
        await eventually(async () => {
          assert.equal(outcomeOf(await centre.checkByNumber(institution, valid())), '200 in_force');
        });
      });
    }

    /* ---- What is refused, and recorded ---- */

    /** Sends it, and expects the refusal both in the answer and, once more than before, in the log. */
    async function refused(outcome: string, from: Machine, path: string, request: Json): Promise<void> {
      const [, reason = ''] = outcome.split(' ');
      const count = async () =>
        (await centre.events()).filter(
          (event) => event.kind === 'refusal' && event.reason === reason && event.code === from.code,
        ).length;
      const earlier = await count();
      const answer = await from.client.post(path, request);
      assert.equal(outcomeOf(answer), outcome);
      assert.match(String(answer.headers['content-type']), /^application\/problem\+json/);
      assert.equal(jsonOf(answer)['result'], undefined, 'a refusal is no answer about eligibility');
      assert.equal(await count(), earlier + 1, `${reason} is recorded`);
    }

    const valid = () => centre.member('in_force');
    const checkOf = (holder: Holder, challenge?: Buffer) =>
      centre.cardRequest(institution, holder, valid().day, challenge);

    function forgedCertificate(changes: {
      issuer?: string;
      policy?: 'authentication' | 'signature';
      ownCa?: boolean;
    }): Holder {
      const { publicKey, privateKey } = cardKeyPair();
      const issuer = loadIssuer(join(centre.authorityDirectory, 'ca', changes.issuer ?? 'authentication'));
      if (changes.ownCa) issuer.key = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
      const [row] = centre.certificatesOf(valid());
      assert.ok(row);
      const policy = changes.policy ?? 'authentication';
      return { key: privateKey, certificate: cardCertificate(issuer, { ...row, publicKey, policy }) };
    }

    test('a byte-identical repeat gets the recorded answer; anything else with a used challenge is a replay', async () => {
      const request = await checkOf(centre.holder(valid()));
      const first = await institution.client.post('/v1/checks/card', request);
      const again = await institution.client.post('/v1/checks/card', request);
      assert.equal(outcomeOf(first), '200 in_force');
      assert.deepEqual(again.body, first.body);
      await refused('409 challenge_replayed', institution, '/v1/checks/card', {
        ...request,
        consents: undefined,
        ...signedConsents(request),
      });
      const another = await checkOf(
        centre.holder(centre.member('in_force_grace')),
        Buffer.from(String(request['challenge']), 'base64'),
      );
      await refused('409 challenge_replayed', institution, '/v1/checks/card', another);
    });

    /** The same check with consents, which are part of what is signed. */
    function signedConsents(request: Json): Json {
      const content = createHash('sha256')
        .update('shikaku-consents-1\0')
        .update(Buffer.from([1, 1, 1, 1]))
        .digest();
      const challenge = Buffer.from(String(request['challenge']), 'base64');
      const statement = centre.statement(institution, {
        ...{ label: 'shikaku-check-1', challenge, purpose: 1, day: valid().day, content },
      });
      return {
        consents: { treatment: true, medication: true, checkups: true, surgery: true },
        signature: sign('sha256', statement, cardKeyPair().privateKey).toString('base64'),
      };
    }

    test('a challenge of another institution, an expired one and an invented one are refused and recorded', async () => {
      const holder = centre.holder(valid());
      const foreign = await checkOf(holder, await centre.challenge(other));
      await refused('403 challenge_foreign', institution, '/v1/checks/card', foreign);
      const expired = await checkOf(holder, centre.challengeUntil(institution, new Date(Date.now() - 1000)));
      await refused('409 challenge_expired', institution, '/v1/checks/card', expired);
      const invented = await checkOf(holder, randomBytes(32));
      await refused('403 challenge_foreign', institution, '/v1/checks/card', invented);
      const lively = await checkOf(holder, centre.challengeUntil(institution, new Date(Date.now() + 60_000)));
      assert.equal(outcomeOf(await institution.client.post('/v1/checks/card', lively)), '200 in_force');
    });

    test('a signature over anything else than this request is refused and recorded', async () => {
      const holder = centre.holder(valid());
      const changed: Json[] = [
        { purpose: 'dispensing' },
        { day: `${valid().day.slice(0, 8)}01` },
        { consents: { treatment: true, medication: true, checkups: true, surgery: true } },
        { signature: randomBytes(256).toString('base64') },
      ].filter((change) => change.day !== valid().day);
      for (const change of changed) {
        await refused('403 signature_mismatch', institution, '/v1/checks/card', {
          ...(await checkOf(holder)),
          ...change,
        });
      }
      // Signed for an enrolment, and shown as a check: the label is part of what is signed.
      const enrolment = await centre.enrolmentRequest(institution, holder);
      const { challenge, certificate, signature } = enrolment;
      await refused('403 signature_mismatch', institution, '/v1/checks/card', {
        ...(await checkOf(holder)),
        ...{ challenge, certificate, signature },
      });
      // Another institution's request, sent on by this one with a challenge of its own.
      const theirs = await centre.cardRequest(
        other,
        holder,
        valid().day,
        await centre.challenge(institution),
      );
      await refused('403 signature_mismatch', institution, '/v1/checks/card', theirs);
    });

    test('a signature without PIN is not taken for one with PIN, nor another terminal for its own', async () => {
      const holder = centre.holder(valid());
      const pinless = await centre.pinlessRequest(institution, holder, valid().day, terminal);
      const { terminal_certificate, card_nonce, ...rest } = pinless;
      assert.ok(terminal_certificate && card_nonce);
      await refused('403 signature_mismatch', institution, '/v1/checks/card', {
        ...rest,
        ...{ form: 'pin', authenticated_by: 'pin' },
      });
      const theirs = await centre.terminal(other);
      const borrowed = await centre.pinlessRequest(institution, holder, valid().day, theirs);
      await refused('403 terminal_unknown', institution, '/v1/checks/card', borrowed);
    });

    test('a certificate of another authority, of another use or of no form is refused and recorded', async () => {
      const ownCa = await checkOf(forgedCertificate({ ownCa: true }));
      await refused('403 certificate_untrusted', institution, '/v1/checks/card', ownCa);
      const forSignatures = await checkOf(forgedCertificate({ issuer: 'signature', policy: 'signature' }));
      await refused('403 certificate_policy_wrong', institution, '/v1/checks/card', forSignatures);
      const misused = await checkOf(forgedCertificate({ policy: 'signature' }));
      await refused('403 certificate_policy_wrong', institution, '/v1/checks/card', misused);
      const broken = {
        ...(await checkOf(centre.holder(valid()))),
        certificate: Buffer.alloc(300).toString('base64'),
      };
      await refused('400 certificate_malformed', institution, '/v1/checks/card', broken);
    });

    test('days that cannot be asked about are refused and recorded', async () => {
      const request = numberRequest(valid());
      for (const day of ['2000-01-01', '2199-01-01']) {
        await refused('422 day_out_of_range', institution, '/v1/checks/number', { ...request, day });
      }
      const tomorrow = new Date(Date.parse(valid().day) + 86_400_000).toISOString().slice(0, 10);
      const future = await centre.cardRequest(institution, centre.holder(valid()), tomorrow);
      await refused('422 day_out_of_range', institution, '/v1/checks/card', future);
    });

    test('each malformed entry is refused with a code of its own, whether typed or sent wrong', async () => {
      const request = numberRequest(valid());
      const cases: [Json, string][] = [
        [{ insurer_number: '12345' }, '422 malformed_insurer_number'],
        [{ insurer_number: '0613946X' }, '422 malformed_insurer_number'],
        [{ insurer_number: '06139464' }, '422 insurer_number_check_digit'],
        [{ symbol: 'x'.repeat(21) }, '422 malformed_symbol'],
        [{ number: '' }, '422 malformed_number'],
        [{ number: '9'.repeat(21) }, '422 malformed_number'],
        [{ branch: '1' }, '422 malformed_branch'],
        [{ branch: 'ab' }, '422 malformed_branch'],
        [{ birth_date: '1986-02-30' }, '422 malformed_birth_date'],
        [{ birth_date: '2186-02-03' }, '422 malformed_birth_date'],
        [{ day: '2026/11/23' }, '422 malformed_day'],
        [{ day: 20261123 }, '400 request_malformed'],
        [{ symbol: undefined }, '422 field_missing'],
      ];
      for (const [change, outcome] of cases) {
        await refused(outcome, institution, '/v1/checks/number', { ...request, ...change });
      }
    });

    test('Q5: no message of the institutions has a place for a My Number', async () => {
      const { my_number } = valid();
      const requests: [string, Json][] = [
        ['/v1/checks/number', numberRequest(valid())],
        ['/v1/checks/card', await checkOf(centre.holder(valid()))],
        ['/v1/enrolments', await centre.enrolmentRequest(institution, centre.holder(valid()))],
      ];
      for (const [path, request] of requests) {
        await refused('422 field_unknown', institution, path, { ...request, my_number });
      }
      const answer = await institution.client.post('/v1/challenges', { count: 1, my_number });
      assert.equal(outcomeOf(answer), '422 field_unknown');
    });

    test('an insurer may not check, nor an institution load', async () => {
      const insurer = await centre.known('insurer', valid().insurer_number);
      const asked = await insurer.client.post('/v1/checks/number', numberRequest(valid()));
      assert.equal(outcomeOf(asked), '403 caller_not_allowed');
      assert.equal(outcomeOf(await institution.client.post('/v1/loads', {})), '403 caller_not_allowed');
    });

    test('an institution whose machine certificate is revoked is refused at once and recorded', async () => {
      const machine = await centre.known('institution', otherInstitutionCode);
      const request = numberRequest(valid());
      assert.equal(outcomeOf(await machine.client.post('/v1/checks/number', request)), '200 in_force');
      await centre.askAuthority('revoke', ['machine', machine.id]);
      // Over the connection that was open before: the state is looked at on every request.
      await eventually(async () => {
        const answer = await machine.client.post('/v1/checks/number', request);
        assert.equal(outcomeOf(answer), '403 machine_certificate_revoked');
      }, 1000);
      await refused('403 machine_certificate_revoked', machine, '/v1/checks/number', request);
    });
  });
}

function expectAnswer(answer: Answer, expected: CastMember['expected']['card'], what: string): void {
  assert.equal(answer.status, 200, `${what}: ${answer.body.toString()}`);
  const { result, validity, reason } = jsonOf(answer);
  assert.deepEqual({ result, validity: validity ?? null, reason }, expected, what);
}
