import { spawn, type ChildProcessByStdio, type SpawnOptions } from 'node:child_process';
import { createServer, type AddressInfo } from 'node:net';
import type { Readable } from 'node:stream';
import { atEnd, type Scope } from './scope.ts';

export interface Finished {
  status: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  cwd?: string;
  env?: Record<string, string>;
  uid?: number;
  gid?: number;
  /** Written to standard input, which is closed then. Empty by default: nothing waits for a terminal. */
  input?: string;
  /** Milliseconds until it is killed: 60,000. */
  timeout?: number;
}

function spawnOptions(options: RunOptions): SpawnOptions {
  return {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.uid === undefined ? {} : { uid: options.uid }),
    ...(options.gid === undefined ? {} : { gid: options.gid }),
    env: { ...process.env, ...options.env },
  };
}

/** Runs a program to its end. Its exit status is the caller's to judge. */
export function run(path: string, args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawn(path, args, { ...spawnOptions(options), stdio: ['pipe', 'pipe', 'pipe'] });
    const killer = setTimeout(() => child.kill('SIGKILL'), options.timeout ?? 60_000);
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.on('error', reject);
    child.on('close', (status, signal) => {
      clearTimeout(killer);
      resolve({ status, signal, stdout, stderr });
    });
    // A program may end without having read its input.
    child.stdin.on('error', () => {});
    child.stdin.end(options.input ?? '');
  });
}

/** As run(), for preparations: throws with what the program said unless it ended with 0. Gives standard output. */
export async function runOrThrow(
  path: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const finished = await run(path, args, options);
  if (finished.status !== 0) {
    throw new Error(
      `${path} ${args.join(' ')} ended with ${finished.status ?? finished.signal}:\n${finished.stdout}${finished.stderr}`,
    );
  }
  return finished.stdout;
}

/** A program that stays up while a test goes on. */
export class Service {
  readonly child: ChildProcessByStdio<null, Readable, Readable>;
  /** All that it has said so far, both streams. */
  output = '';
  readonly #ended: Promise<number | NodeJS.Signals>;
  #isOver = false;
  #listeners: (() => void)[] = [];

  constructor(path: string, args: readonly string[], options: RunOptions) {
    this.child = spawn(path, args, {
      ...spawnOptions(options),
      stdio: ['ignore', 'pipe', 'pipe'],
    }) as ChildProcessByStdio<null, Readable, Readable>;
    this.#ended = new Promise((resolve, reject) => {
      this.child.on('error', reject);
      this.child.on('close', (status, signal) => {
        this.#isOver = true;
        this.#tell();
        resolve(status ?? signal ?? 'SIGKILL');
      });
    });
    // Whoever waits for it sees the error; nobody has to wait.
    this.#ended.catch(() => {});
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.output += text;
        this.#tell();
      });
    }
  }

  #tell(): void {
    const listeners = this.#listeners;
    this.#listeners = [];
    for (const listener of listeners) listener();
  }

  /** Resolves with the match once the output has it; throws with the output where it ends or takes longer. */
  async says(pattern: RegExp, timeout = 20_000): Promise<RegExpExecArray> {
    const deadline = Date.now() + timeout;
    for (;;) {
      const match = pattern.exec(this.output);
      if (match) return match;
      const left = deadline - Date.now();
      if (this.#isOver || left <= 0) {
        throw new Error(`${this.#isOver ? 'it ended' : 'no such line in time'}: ${pattern}\n${this.output}`);
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#listeners.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error('it never started');
    return this.child.pid;
  }

  /** Resolves with exit status or signal. */
  ended(): Promise<number | NodeJS.Signals> {
    return this.#ended;
  }

  /** Asks it to end, and after five seconds makes it. Resolves with exit status or signal. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | NodeJS.Signals> {
    if (!this.#isOver) this.child.kill(signal);
    const killer = setTimeout(() => this.child.kill('SIGKILL'), 5_000);
    try {
      return await this.#ended;
    } finally {
      clearTimeout(killer);
    }
  }
}

/** Starts a program and waits for the line that says it is ready. It is stopped when the scope ends. */
export async function start(
  scope: Scope,
  path: string,
  args: readonly string[],
  ready: RegExp,
  options: RunOptions = {},
): Promise<Service> {
  const service = new Service(path, args, options);
  atEnd(scope, async () => {
    await service.stop().catch(() => {});
  });
  await service.says(ready, options.timeout);
  return service;
}

/** A TCP port of the loopback address that nobody listens on. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

/** Calls until it gives something, or throws what the last call threw. */
export async function eventually<T>(attempt: () => Promise<T> | T, timeout = 10_000): Promise<T> {
  const deadline = Date.now() + timeout;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
