import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import type { IncomingHttpHeaders } from 'node:http';

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

export interface Files {
  /** PEM: the only authority that the server's certificate may come from. */
  ca: string;
  /** PEM: the client's own certificate and key; left out, the client shows none. */
  certificate?: string;
  key?: string;
}

/** A client that keeps its connections. Close it, or give it a scope that does. */
export class Client {
  readonly #base: string;
  readonly #agent: Agent;

  constructor(base: string, files: Files) {
    this.#base = base;
    this.#agent = new Agent({
      keepAlive: true,
      ca: readFileSync(files.ca),
      ...(files.certificate === undefined ? {} : { cert: readFileSync(files.certificate) }),
      ...(files.key === undefined ? {} : { key: readFileSync(files.key) }),
    });
  }

  request(
    method: string,
    path: string,
    headers: Record<string, string> = {},
    body?: string,
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const sent = request(new URL(path, this.#base), { method, headers, agent: this.#agent }, (received) => {
        const parts: Buffer[] = [];
        received.on('data', (part: Buffer) => parts.push(part));
        received.on('error', reject);
        received.on('end', () =>
          resolve({
            status: received.statusCode ?? 0,
            headers: received.headers,
            body: Buffer.concat(parts),
          }),
        );
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }

  get(path: string): Promise<Answer> {
    return this.request('GET', path);
  }

  /** Posts an object as JSON. */
  post(path: string, object: unknown): Promise<Answer> {
    return this.request('POST', path, { 'content-type': 'application/json' }, JSON.stringify(object));
  }

  close(): void {
    this.#agent.destroy();
  }
}

export type Json = Record<string, unknown>;

/** The body as a JSON object; throws with the body where it is none. */
export function jsonOf(answer: Answer): Json {
  const text = answer.body.toString('utf8');
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error(`not a JSON object: ${text}`);
  }
  return value as Json;
}
