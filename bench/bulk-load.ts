/**
 * Checks by number through a whole centre, one after another, first alone and then beside an insurer's bulk load.
 *
 *   node bench/bulk-load.ts [ROWS] [sqlite|postgresql]         ROWS: 1,000,000
 */
import { cpus, loadavg } from 'node:os';
import { checkMeanwhile, loadBulk, prepareBulk, timesInWords } from '../tests/system/support/bulk.ts';
import { bringUpSite, postgresqlLocation } from '../tests/system/support/centre.ts';
import type { Scope } from '../tests/system/support/scope.ts';

const rows = Number(process.argv[2] ?? 1_000_000);
const shared = process.argv[3] === 'postgresql';
const cleaning: (() => void | Promise<void>)[] = [];
const scope: Scope = { after: (clean) => cleaning.push(clean) };

try {
  const site = await bringUpSite(scope, shared ? { database: await postgresqlLocation(scope) } : {});
  const member = site.centre.member('in_force');
  const insurer = await site.centre.known('insurer', member.insurer_number);
  console.log(`${cpus().length} processors, load average ${loadavg()[0]?.toFixed(1)} before`);
  const pause = () => new Promise((resolve) => setTimeout(resolve, 20_000));
  console.log(`alone:             ${timesInWords(await checkMeanwhile(site, member, pause))}`);
  const path = prepareBulk(site, rows);
  const begun = performance.now();
  const beside = await checkMeanwhile(site, member, () => loadBulk(site, insurer, path, 3_600_000));
  const seconds = (performance.now() - begun) / 1000;
  console.log(`beside the load:   ${timesInWords(beside)}`);
  if (beside.others.length > 0)
    console.log(`not confirmed:     ${beside.others.length}, first ${beside.others[0]}`);
  console.log(
    `the load:          ${rows} rows in ${seconds.toFixed(1)} s, ${(rows / seconds).toFixed(0)} a second`,
  );
} finally {
  for (const clean of cleaning.reverse()) await clean();
}
