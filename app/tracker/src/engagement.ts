/**
 * The time that a page was in front of somebody who did something.
 *
 * The warehouse takes a page's first engagement event for five seconds, each further one
 * for ten (`min_visit_seconds`, `heartbeat_seconds`), those of one clock interval of ten
 * seconds for one. So the first is sent after five seconds, the next ones after ten, and
 * one on leaving for what is left: it falls into a new interval as often as its part of
 * ten seconds is long, which makes the sum right on average.
 */

import type { Metadata } from "./event.ts";
import { guarded, listen } from "./guard.ts";
import type { ScrollExtent } from "./scroll.ts";

const TICK_MS = 1_000;
const FIRST_MS = 5_000;
const HEARTBEAT_MS = 10_000;
/** Somebody who reads moves or scrolls at least this often. */
const IDLE_MS = 30_000;
/** A shorter rest is not worth an event. */
const MIN_REST_MS = 1_000;

export interface Engagement {
  /** A page view has begun. */
  reset(): void;
  /** Report what was not yet reported. */
  finish(): void;
}

export function createEngagement(
  scroll: ScrollExtent,
  report: (metadata: Metadata) => void,
): Engagement {
  let engagedMs = 0;
  let reportedMs = 0;
  let dueMs = FIRST_MS;
  let activeAt = 0;
  let tickedAt = 0;
  let timer: ReturnType<typeof setInterval> | undefined;

  const tell = (): void => {
    reportedMs = engagedMs;
    dueMs = engagedMs + HEARTBEAT_MS;
    report({ ...scroll.measure(), engagedMs: Math.round(engagedMs) });
  };

  /** A sleeping machine fires late; it slept, nobody read. */
  const count = (): void => {
    const now = performance.now();
    engagedMs += timer === undefined ? 0 : Math.min(now - tickedAt, 2 * TICK_MS);
    tickedAt = now;
  };

  const stop = (): void => {
    count();
    clearInterval(timer);
    timer = undefined;
  };

  const tick = (): void => {
    count();
    if (engagedMs >= dueMs) {
      tell();
    }
    if (performance.now() - activeAt >= IDLE_MS) {
      stop();
    }
  };

  const start = (): void => {
    activeAt = performance.now();
    if (timer === undefined && document.visibilityState === "visible") {
      tickedAt = activeAt;
      timer = setInterval(guarded(tick), TICK_MS);
    }
  };

  const finish = (): void => {
    if (timer !== undefined) {
      count();
    }
    if (engagedMs - reportedMs >= MIN_REST_MS || scroll.hasGrown()) {
      tell();
    }
  };

  listen(
    window,
    ["pointerdown", "pointermove", "keydown", "scroll", "wheel", "touchstart"],
    start,
  );
  listen(document, ["visibilitychange"], () => {
    if (document.visibilityState === "visible") {
      start();
    } else {
      finish();
      stop();
    }
  });
  listen(window, ["pagehide"], () => {
    finish();
    stop();
  });

  return {
    reset() {
      engagedMs = 0;
      reportedMs = 0;
      dueMs = FIRST_MS;
      start();
    },
    finish,
  };
}
