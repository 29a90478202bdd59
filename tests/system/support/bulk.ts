import assert from 'node:assert/strict';
import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { program } from './build.ts';
import { outcomeOf, type Machine, type Paper, type Site } from './centre.ts';
import type { Json } from './https.ts';
import { run } from './processes.ts';

/** Subscribers of one symbol, numbered from 0, all alike otherwise. */
export const bulkPaper = { symbol: '88', branch: '00', birth_date: '1970-01-01' };

export function bulkNumber(at: number): string {
  return String(1_000_000 + at);
}

function writeRows(path: string, rows: number): void {
  const file = openSync(path, 'w');
  for (let at = 0; at < rows; at++) {
    const row = {
      ...{ ...bulkPaper, number: bulkNumber(at), name: '見本　太郎', name_kana: 'ミホン　タロウ', sex: '1' },
      ...{ address: '東京都千代田区千代田１丁目１番１号', relationship: 'insured', acquired: '2026-04-01' },
    };
    writeSync(file, `${JSON.stringify(row)}\n`);
  }
  closeSync(file);
}

/** A file of so many rows, written before anything is measured. */
export function prepareBulk({ centre }: Site, rows: number): string {
  const path = join(centre.top, 'bulk.jsonl');
  writeRows(path, rows);
  return path;
}

/** `shikaku load` of the file; gives what it printed. */
export async function loadBulk(
  { centre }: Site,
  insurer: Machine,
  path: string,
  timeout: number,
): Promise<Json> {
  const args = ['load', ...centre.insurerArguments(insurer), path];
  const finished = await run(program('shikaku'), args, { timeout });
  assert.equal(finished.status, 0, finished.stderr);
  return JSON.parse(finished.stdout) as Json;
}

/** Milliseconds, as the caller sees them. */
export interface CheckTimes {
  count: number;
  median: number;
  /** 95, 99 and 99.9 of a hundred are not slower. */
  most: number;
  nearlyAll: number;
  allButOne: number;
  worst: number;
  /** Answers other than a confirmation. */
  others: string[];
}

/** Checks one after another while the work goes on. */
export async function checkMeanwhile(
  { centre, institution }: Site,
  paper: Paper,
  work: () => Promise<unknown>,
): Promise<CheckTimes> {
  let going = true;
  const times: number[] = [];
  const others: string[] = [];
  const asking = (async () => {
    while (going) {
      const begun = performance.now();
      const outcome = await centre.checkByNumber(institution, paper).then(outcomeOf, String);
      times.push(performance.now() - begun);
      if (outcome !== '200 in_force') others.push(outcome);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  })();
  try {
    await work();
  } finally {
    going = false;
    await asking;
  }
  times.sort((a, b) => a - b);
  const at = (share: number): number =>
    times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? NaN;
  return {
    ...{ count: times.length, median: at(0.5), most: at(0.95), nearlyAll: at(0.99), allButOne: at(0.999) },
    ...{ worst: at(1), others },
  };
}

export function timesInWords(times: CheckTimes): string {
  const ms = (value: number): string => `${value.toFixed(1)} ms`;
  return [
    `${times.count} checks: median ${ms(times.median)}, 95 % ${ms(times.most)}, 99 % ${ms(times.nearlyAll)}`,
    `99.9 % ${ms(times.allButOne)}, worst ${ms(times.worst)}`,
  ].join(', ');
}
