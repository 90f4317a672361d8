/**
 * Events on their way: gathered for a second, sent together, sent again until they are
 * taken. Ids make a repeat a duplicate, so sending once too often is always safe.
 */

import type { TrackedEvent } from "./event.ts";
import { guarded, listen, warn } from "./guard.ts";
import type { Settings } from "./settings.ts";

const GATHER_MS = 1_000;
/** What waits at most; the oldest that is no conversion gives way. */
const MAX_WAITING = 200;
/** The collector's limit of one event, in bytes. */
const MAX_EVENT_BYTES = 32 * 1024;
/** Browsers let 64 KB be under way after a page is left. */
const MAX_BODY_BYTES = 60 * 1024;
const FIRST_RETRY_MS = 1_000;
const MAX_RETRY_MS = 60_000;
const TIMEOUT_MS = 30_000;
const MAX_RETRY_AFTER_MS = 600_000;

interface Waiting {
  event: TrackedEvent;
  bytes: number;
}

export interface Outbox {
  add(event: TrackedEvent): void;
  /** Take the ids off what still waits. */
  forget(): void;
}

export function createOutbox(settings: Settings): Outbox {
  let waiting: Waiting[] = [];
  let failures = 0;
  /** What a request under way carries. */
  let flying: Waiting[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;

  const plan = (delay: number): void => {
    timer ??= setTimeout(guarded(send), delay);
  };

  const cancel = (): void => {
    clearTimeout(timer);
    timer = undefined;
  };

  /** As many of the first as one request may hold. */
  const take = (): Waiting[] => {
    let count = 0;
    let room = MAX_BODY_BYTES;
    for (const { bytes } of waiting) {
      room -= bytes;
      count += room < 0 ? 0 : 1;
    }
    return waiting.splice(0, count);
  };

  const body = (batch: Waiting[]): string => {
    const sentAt = new Date().toISOString();
    const events = batch.map(({ event }) => ({ ...event, sentAt }));
    return JSON.stringify({ writeKey: settings.key, events });
  };

  const putBack = (batch: Waiting[]): void => {
    waiting = [...batch, ...waiting];
    drop();
  };

  const drop = (): void => {
    while (waiting.length > MAX_WAITING) {
      const spare = waiting.findIndex(({ event }) => event.eventType !== "conversion");
      waiting.splice(Math.max(spare, 0), 1);
    }
  };

  /** A text body needs no preflight, which a page that is left could not wait for. */
  const post = async (batch: Waiting[]): Promise<Response | undefined> => {
    try {
      return await fetch(settings.endpoint, {
        method: "POST",
        body: body(batch),
        headers: { "Content-Type": "text/plain" },
        credentials: "omit",
        keepalive: true,
        signal: AbortSignal.timeout?.(TIMEOUT_MS) ?? null, // absent before 2022
      });
    } catch {
      return undefined; // offline, or the collector is away
    }
  };

  const settle = (batch: Waiting[], answer: Response | undefined): void => {
    const status = answer?.status ?? 0;
    if (isWorthRetrying(status)) {
      failures += 1;
      putBack(batch);
      cancel(); // what was recorded meanwhile waits as long
      plan(retryDelay(failures, answer?.headers.get("Retry-After")));
      return;
    }
    failures = 0;
    if (status >= 300) {
      warn(`${settings.endpoint} answered ${status}: are data-key and this origin right?`);
    }
    if (waiting.length) {
      plan(GATHER_MS);
    }
  };

  const send = (): void => {
    cancel();
    if (flying.length || !waiting.length) {
      return;
    }
    const batch = (flying = take());
    void post(batch).then((answer) => {
      flying = [];
      guarded(settle)(batch, answer);
    });
  };

  /**
   * A beacon is sent even when the page is gone, but has no answer: while the collector
   * refuses, what it carried is kept too, in case the page lives on.
   */
  const sendBeacons = (): void => {
    const kept = failures ? [...waiting] : [];
    while (waiting.length) {
      const batch = take();
      const blob = new Blob([body(batch)], { type: "text/plain" });
      if (!navigator.sendBeacon(settings.endpoint, blob)) {
        putBack(batch);
        plan(GATHER_MS);
        return;
      }
    }
    waiting = kept;
  };

  const dispatch = (): void => {
    if (document.visibilityState === "hidden") {
      sendBeacons();
    } else if (waiting.length) {
      plan(GATHER_MS);
    }
  };

  const retryNow = (): void => {
    if (waiting.length) {
      cancel();
      send();
    }
  };

  // The window hears of leaving first when capturing and last when not: what others
  // record in between goes along in one beacon.
  let isGathering = false;
  const leave = guarded((): void => {
    isGathering = false;
    dispatch();
  });
  listen(window, ["visibilitychange"], () => {
    isGathering = true;
    setTimeout(leave, 0); // should the page keep the event from the window
  });
  window.addEventListener("visibilitychange", leave);
  window.addEventListener("pagehide", guarded(sendBeacons));
  listen(window, ["online"], retryNow);

  return {
    add(event) {
      const bytes = new Blob([JSON.stringify(event)]).size;
      if (bytes > MAX_EVENT_BYTES) {
        warn(`an event of ${bytes} bytes is too large and was left out`);
        return;
      }
      waiting.push({ event, bytes: bytes + 64 }); // sentAt, a comma
      drop();
      if (!isGathering) {
        dispatch();
      }
    },
    forget() {
      for (const { event } of [...flying, ...waiting]) {
        delete event.visitorId;
        delete event.sessionId;
        delete event.metadata.unitId;
      }
    },
  };
}

function isWorthRetrying(status: number): boolean {
  return status === 0 || status === 408 || status === 429 || status >= 500;
}

/** What the collector asks for, else doubling; spread, so that pages do not return together. */
function retryDelay(failures: number, retryAfter: string | null | undefined): number {
  const asked = Number(retryAfter) * 1_000;
  if (asked > 0) {
    return Math.min(asked, MAX_RETRY_AFTER_MS) * (1 + Math.random() / 4);
  }
  const ceiling = Math.min(FIRST_RETRY_MS * 2 ** failures, MAX_RETRY_MS);
  return (ceiling * (1 + Math.random())) / 2;
}
