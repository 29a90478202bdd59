import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { build, program } from './build.ts';
import type { CardService } from './pcscd.ts';
import { eventually, run, runOrThrow, start, type Finished, type Service } from './processes.ts';
import { scratchDirectory, type Scope } from './scope.ts';

/** A program that only tests use, in build/tests/unit/card/. */
export function cardTool(name: string): string {
  const path = join(build, 'tests/unit/card', name);
  if (!existsSync(path)) throw new Error(`${path} is not built`);
  return path;
}

/** NAME.card and keys/NAME.key in a directory, and terminal.cv and terminal.key that this card believes. */
export interface StoredCard {
  directory: string;
  name: string;
}

/** PIN 1234, password ABC123, surface PIN 4321; institution of the terminal 0110113719. */
export async function issueCard(
  scope: Scope,
  ...kinds: ('p384' | 'without-pin' | 'without-photo' | 'android')[]
): Promise<StoredCard> {
  const card = { directory: scratchDirectory(scope), name: 'yamada' };
  await runOrThrow(cardTool('issue_test_card'), [card.directory, card.name, ...kinds]);
  return card;
}

/** shikaku-card, whatever it is to do with the card; input: PINs, one a line. */
export function shikakuCard(card: StoredCard, args: readonly string[], input = ''): Promise<Finished> {
  return run(program('shikaku-card'), ['--cards', card.directory, ...args], { input });
}

/** Puts the card into a virtual reader. Its process is the card: stop it to eject, kill it to pull. */
export function insertCard(scope: Scope, card: StoredCard, socket: string): Promise<Service> {
  return start(
    scope,
    program('shikaku-card'),
    ['--cards', card.directory, 'insert', card.name, '--reader', socket],
    /card_inserted/,
  );
}

/** Waits until PC/SC clients see a card in the reader of that number, or see none. */
export async function readerShows(service: CardService, reader: number, card: boolean): Promise<void> {
  await eventually(async () => {
    const listed = await runOrThrow('opensc-tool', ['--list-readers'], { env: service.environment });
    const line = listed.split('\n').find((each) => each.startsWith(`${reader} `)) ?? '';
    if (/\bYes\b/.test(line) !== card) throw new Error(`reader ${reader}:\n${listed}`);
  });
}
