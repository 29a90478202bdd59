import assert from 'node:assert/strict';
import { test } from 'node:test';
import { program } from './support/build.ts';
import { run } from './support/processes.ts';

const checkDigit = (kind: string, value: string, input?: string) =>
  run(program('shikaku'), ['check-digit', kind, value], input === undefined ? {} : { input });

test('a number of each kind with the right check digit is told to be valid', async () => {
  for (const [kind, value] of [
    ['my-number', '123456789018'],
    ['insurer-number', '06139463'],
    ['institution-code', '1311234569'],
  ] as const) {
    const told = await checkDigit(kind, value);
    assert.equal(told.status, 0, `${kind}: ${told.stdout}${told.stderr}`);
  }
});

test('every wrong check digit is told, in Japanese and in English, without repeating the number', async () => {
  for (let digit = 0; digit <= 9; digit++) {
    if (digit === 8) continue;
    const told = await checkDigit('my-number', '-', `12345678901${digit}\n`);
    assert.equal(told.status, 1);
    assert.match(told.stdout, /[ぁ-ん].*\n.*[a-z]/);
    assert.ok(!(told.stdout + told.stderr).includes('12345678901'));
  }
});

test('a My Number read from standard input is judged as the one given as an argument', async () => {
  assert.equal((await checkDigit('my-number', '-', '123456789018\n')).status, 0);
  assert.equal((await checkDigit('my-number', '-', '123456789018')).status, 0);
});

test('what is no number at all, or of no known kind, is not called valid', async () => {
  for (const [kind, value] of [
    ['my-number', ''],
    ['my-number', '1234567890189'],
    ['my-number', '１２３４５６７８９０１８'],
    ['my-number', '9'.repeat(5000)],
    ['insurer-number', '00000000'],
    ['insurer-number', '99999999'],
    ['institution-code', '4811234567'],
    ['phone-number', '0312345678'],
  ] as const) {
    const told = await checkDigit(kind, value);
    assert.notEqual(told.status, 0, `${kind} ${value.slice(0, 20)}`);
    assert.equal(told.signal, null);
  }
});
