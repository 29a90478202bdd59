import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from './build.ts';
import { eventually, runOrThrow, Service } from './processes.ts';
import { atEnd, scratchDirectory, type Scope } from './scope.ts';

/** Where pcscd's server puts its socket, fixed when Debian built it. */
const fixedDirectory = '/run/pcscd';

/**
 * A driver built with the address sanitizer needs its runtime first in the process that loads it. Leaks of pcscd
 * itself are not ours to judge.
 */
async function sanitizerEnvironment(driver: string): Promise<Record<string, string>> {
  const symbols = await runOrThrow('nm', ['--dynamic', '--undefined-only', driver]);
  if (!symbols.includes('__asan_init')) return {};
  // gcc links its shared runtime, clang leaves the symbols to a program that has them: then it is clang's shared one.
  const linked = /(\/\S*libasan\.so\S*)/.exec(await runOrThrow('ldd', [driver]))?.[1];
  const machine = (await runOrThrow('uname', ['-m'])).trim();
  const runtime =
    linked ?? (await runOrThrow('clang', [`-print-file-name=libclang_rt.asan-${machine}.so`])).trim();
  return { LD_PRELOAD: runtime, ASAN_OPTIONS: 'detect_leaks=0' };
}

export interface CardService {
  /** For every PC/SC client: where this pcscd is. */
  environment: Record<string, string>;
  /** Its readers' names for PC/SC clients, one per socket. */
  readers: string[];
  /** The process that runs now. */
  service(): Service;
  /** Ends it, as an operator would, and starts another with the same readers. */
  restart(): Promise<void>;
}

function readerConfiguration(sockets: readonly string[], driver: string): string {
  const readers = sockets.map((socket, i) =>
    [
      `FRIENDLYNAME "Shikaku Virtual Reader ${i}"`,
      `DEVICENAME   /dev/null:${socket}`,
      `LIBPATH      ${driver}`,
      `CHANNELID    ${i}`,
      '',
    ].join('\n'),
  );
  return readers.join('\n');
}

/**
 * A pcscd of the test's own, with one virtual reader per Unix socket named. In a mount namespace of its own, a
 * directory of ours stands where its socket belongs: no other pcscd is disturbed. Needs root.
 */
export async function pcscd(scope: Scope, sockets: readonly string[]): Promise<CardService> {
  const directory = scratchDirectory(scope);
  const run = join(directory, 'run');
  const readers = join(directory, 'readers');
  const socket = join(run, 'pcscd.comm');
  mkdirSync(run);
  mkdirSync(readers);
  mkdirSync(fixedDirectory, { recursive: true });
  const driver = join(build, 'src/card/ifd/libifdshikaku.so');
  writeFileSync(join(readers, 'shikaku'), readerConfiguration(sockets, driver));
  const sanitizer = Object.entries(await sanitizerEnvironment(driver)).map(
    ([name, value]) => `${name}=${value}`,
  );

  async function begin(): Promise<Service> {
    const service = new Service(
      'unshare',
      [
        '--mount',
        'sh',
        '-c',
        'mount --bind "$1" "$2" && readers=$3 && shift 3 && exec env "$@" pcscd --foreground --config "$readers"',
        'pcscd',
        run,
        fixedDirectory,
        readers,
        ...sanitizer,
      ],
      {},
    );
    await eventually(() => {
      if (!existsSync(socket)) throw new Error(`pcscd does not listen:\n${service.output}`);
    });
    return service;
  }

  let current = await begin();
  const end = async () => {
    await current.stop().catch(() => {});
    rmSync(socket, { force: true });
  };
  atEnd(scope, end);
  return {
    environment: { PCSCLITE_CSOCK_NAME: socket },
    // pcscd adds interface and slot numbers to the configured name; interfaces are counted over all readers.
    readers: sockets.map((_, i) => `Shikaku Virtual Reader ${i} ${String(i).padStart(2, '0')} 00`),
    service: () => current,
    async restart() {
      await end();
      current = await begin();
    },
  };
}
