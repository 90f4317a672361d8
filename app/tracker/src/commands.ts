/** `window.code24(command, …)`, the only name that the script adds to the page. */

import type { Metadata } from "./event.ts";
import { guarded, warn } from "./guard.ts";

export type Commands = Record<string, (first: never, second: never) => void>;

export interface Code24 {
  (...command: unknown[]): void;
  /** What was called before the script came. */
  q?: ArrayLike<unknown>[];
  /** The script is there: a second one leaves the page alone. */
  isLoaded?: boolean;
}

declare global {
  interface Window {
    code24?: Code24;
  }
}

/** Take calls without carrying them out; true if the page has no other script of ours. */
export function claim(): boolean {
  const queued = window.code24?.q ?? [];
  if (window.code24?.isLoaded) {
    return false;
  }
  const code24: Code24 = (...command) => void queued.push(command);
  code24.q = queued;
  code24.isLoaded = true;
  window.code24 = code24;
  return true;
}

/** Take the queued calls of one command out of the queue. */
export function takeQueued(command: string): unknown[][] {
  const queued = Array.from(window.code24?.q ?? [], (call) => Array.from(call));
  Object.assign(window.code24 ?? {}, {
    q: queued.filter(([name]) => name !== command),
  });
  return queued.filter(([name]) => name === command);
}

/** Carry out what was queued, and from now on each call at once. */
export function answer(commands: Commands): void {
  const run = guarded((...command: unknown[]): void => {
    const [name, first, second] = command;
    const found = Object.entries(commands).find(([known]) => known === name);
    if (found) {
      found[1](first as never, second as never);
    } else {
      warn(`no command ${JSON.stringify(name)}`);
    }
  });
  const queued = window.code24?.q ?? [];
  window.code24 = Object.assign(run, { isLoaded: true });
  Array.from(queued).forEach((command) => run(...Array.from(command)));
}

/** Only what JSON can say, as it is now: the page may change its object later. */
export function snapshot(metadata: Metadata = {}): Metadata {
  return JSON.parse(JSON.stringify(metadata)) as Metadata;
}
