import { chownSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { runOrThrow, start, type RunOptions, type Service } from './processes.ts';
import { scratchDirectory, type Scope } from './scope.ts';

const programs = '/usr/lib/postgresql/15/bin';

/** The server refuses to run as root: then it runs as the user that Debian's package made for it. */
async function serverUser(): Promise<RunOptions> {
  if (process.getuid?.() !== 0) return {};
  const uid = Number(await runOrThrow('id', ['-u', 'postgres']));
  const gid = Number(await runOrThrow('id', ['-g', 'postgres']));
  return { uid, gid };
}

export interface Cluster {
  /** libpq's connection string: a Unix socket, user and database `shikaku`. */
  conninfo: string;
  service: Service;
}

/** A PostgreSQL cluster of its own, without TCP, gone when the scope ends. */
export async function postgresql(scope: Scope): Promise<Cluster> {
  const directory = scratchDirectory(scope);
  const user = await serverUser();
  const cluster = join(directory, 'cluster');
  mkdirSync(cluster, { mode: 0o700 });
  if (user.uid !== undefined && user.gid !== undefined) {
    chownSync(directory, user.uid, user.gid);
    chownSync(cluster, user.uid, user.gid);
  }
  const options = { ...user, cwd: directory };
  await runOrThrow(
    join(programs, 'initdb'),
    [
      '-D',
      cluster,
      '-U',
      'shikaku',
      '-A',
      'trust',
      '-E',
      'UTF8',
      '--locale=C',
      '--no-sync',
      '--no-instructions',
    ],
    options,
  );
  const service = await start(
    scope,
    join(programs, 'postgres'),
    [
      '-D',
      cluster,
      '-k',
      directory,
      '-c',
      'listen_addresses=',
      '-c',
      'fsync=off',
      '-c',
      'shared_buffers=16MB',
    ],
    /database system is ready to accept connections/,
    options,
  );
  await runOrThrow(join(programs, 'createdb'), ['-h', directory, '-U', 'shikaku', 'shikaku'], options);
  return { conninfo: `host=${directory} user=shikaku dbname=shikaku`, service };
}
