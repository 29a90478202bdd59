/**
 * A centre that is killed, ended and half killed, and one that takes a bulk load while checks go on: what was
 * answered stays, what was used stays used, and nobody waits.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { program } from './support/build.ts';
import {
  bulkNumber,
  bulkPaper,
  checkMeanwhile,
  loadBulk,
  prepareBulk,
  timesInWords,
} from './support/bulk.ts';
import { bringUpOnBoth, outcomeOf, type Site } from './support/centre.ts';
import { jsonOf, type Answer } from './support/https.ts';
import { eventually, runOrThrow } from './support/processes.ts';

// A build with sanitizers starts several times slower: restarts are tried with the build that people run.
const sites: Record<string, Site> =
  process.env['ASAN_OPTIONS'] === undefined ? await bringUpOnBoth({ after }) : {};

for (const [name, site] of Object.entries(sites)) {
  describe(`on ${name}`, () => {
    const { centre, institution } = site;
    const member = centre.member('in_force');

    function ask(): Promise<Answer> {
      return centre.checkByNumber(institution, member);
    }

    async function answered(): Promise<Answer> {
      return eventually(async () => {
        const answer = await ask();
        assert.equal(outcomeOf(answer), '200 in_force');
        return answer;
      });
    }

    async function recordedIds(): Promise<Set<string>> {
      return new Set((await centre.events()).map((event) => event.event_id));
    }

    /** Asks without pause until told to end; gives the events of the answers that came. */
    function askOn(): { end(): Promise<{ events: string[]; failed: number }> } {
      let going = true;
      const events: string[] = [];
      let failed = 0;
      const askers = [1, 2, 3].map(async () => {
        while (going) {
          try {
            const answer = await ask();
            if (answer.status === 200) events.push(String(jsonOf(answer)['event_id']));
            else failed++;
          } catch {
            failed++;
            await new Promise((resolve) => setTimeout(resolve, 20));
          }
        }
      });
      return {
        async end() {
          going = false;
          await Promise.all(askers);
          return { events, failed };
        },
      };
    }

    test('what was answered before the service was killed is in the log, and the log goes on behind it', async () => {
      const asking = askOn();
      await new Promise((resolve) => setTimeout(resolve, 700));
      await centre.service?.stop('SIGKILL');
      const { events } = await asking.end();
      assert.ok(events.length > 10);
      await centre.start();
      const next = jsonOf(await answered())['event_id'];
      const recorded = await recordedIds();
      for (const event of [...events, next]) assert.ok(recorded.has(String(event)), String(event));
    });

    test('a challenge that was used before the service was killed stays used, and a repeat gets its answer', async () => {
      const challenge = await centre.challenge(institution);
      const request = await centre.cardRequest(institution, centre.holder(member), member.day, challenge);
      const first = await institution.client.post('/v1/checks/card', request);
      assert.equal(outcomeOf(first), '200 in_force');
      await centre.service?.stop('SIGKILL');
      await centre.start();
      const again = await eventually(() => institution.client.post('/v1/checks/card', request));
      assert.deepEqual(again.body, first.body, 'with the same event and the same visit token');
      const other = centre.holder(centre.member('in_force_grace'));
      const replay = await centre.cardRequest(institution, other, member.day, challenge);
      const refused = await institution.client.post('/v1/checks/card', replay);
      assert.equal(outcomeOf(refused), '409 challenge_replayed');
    });

    test('an orderly end answers all that is under way, and leaves nothing behind', async () => {
      await answered();
      const children = [...(await centre.children()).values()];
      assert.equal(children.length, 3);
      const asking = askOn();
      await new Promise((resolve) => setTimeout(resolve, 300));
      assert.equal(await centre.service?.stop(), 0);
      const { events } = await asking.end();
      for (const pid of children) assert.throws(() => process.kill(pid, 0), /ESRCH/);
      await centre.start();
      const recorded = await recordedIds();
      for (const event of events) assert.ok(recorded.has(event), event);
    });

    for (const child of ['front', 'vault', 'link']) {
      test(`the service comes back by itself when its process ${child} is killed`, async () => {
        const before = await centre.children();
        const pid = before.get(child);
        assert.ok(pid);
        process.kill(pid, 'SIGKILL');
        await eventually(async () => {
          const now = await centre.children();
          assert.equal(now.size, 3);
          for (const [who, old] of before) assert.notEqual(now.get(who), old, who);
        });
        await centre.isWell();
        await answered();
      });
    }

    /* ---- A bulk load beside checks ---- */

    const bulkRows = centre.options.database === undefined ? 20_000 : 5_000;

    test(`a bulk load of ${bulkRows} rows keeps no check waiting, and is seen once it is published`, async (t) => {
      await answered();
      const insurer = await centre.known('insurer', member.insurer_number);
      const path = prepareBulk(site, bulkRows);
      const beside = await checkMeanwhile(site, member, async () => {
        const loaded = await loadBulk(site, insurer, path, 100_000);
        assert.equal(loaded['new_subscribers'], bulkRows);
      });
      t.diagnostic(timesInWords(beside));
      assert.deepEqual(beside.others, []);
      // Not the slowest few: those are the machine's, on which other tests run as well.
      assert.ok(beside.most < 50, timesInWords(beside));
      for (const at of [0, bulkRows - 1]) {
        const paper = { ...member, ...bulkPaper, number: bulkNumber(at) };
        const answer = await centre.checkByNumber(institution, paper);
        assert.equal(outcomeOf(answer), '200 number_not_registered');
      }
    });

    if (centre.options.database === undefined) {
      test('after being killed twice the event log is whole', async () => {
        await centre.stop();
        await runOrThrow(program('shikaku'), ['verify-log', join(centre.directory, 'log')]);
      });
    }
  });
}
