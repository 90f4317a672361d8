/**
 * Who the events are of. Without consent nobody: nothing is stored, no id is sent, and
 * the collector counts by a hash that it salts anew each day.
 */

import { cookie } from "./cookie.ts";
import { newId } from "./id.ts";
import type { Settings } from "./settings.ts";

/** 13 months from consent; the cookie is written once, so no visit extends it. */
const VISITOR_SECONDS = 395 * 24 * 3600;
const SESSION_SECONDS = 30 * 60;
const MAX_ID = 128;

export interface Ids {
  visitorId?: string;
  sessionId?: string;
}

export interface Identity {
  /** Take note of consent; true where that changes something. */
  decide(isGranted: boolean): boolean;
  /** Empty without consent; each call keeps the session alive. */
  ids(): Ids;
  /** The unit of assignment, exposure and conversion; none where only a hash is. */
  unitId(): string | undefined;
}

declare global {
  interface Window {
    /** The unit that the page's server or another script assigned. */
    code24UnitId?: string;
  }
}

export function createIdentity(settings: Settings, signal: string): Identity {
  const visitor = cookie("code24_unit", settings.cookieDomain);
  const session = cookie("code24_session", settings.cookieDomain);
  const mayBeKnown = !signal && settings.consent !== "denied";
  let isGranted: boolean | undefined;

  /** Consent ends where its cookie is gone: refused in another tab, or expired. */
  const visitorId = (): string => {
    const known = isGranted ? visitor.read() : "";
    return known.length <= MAX_ID ? known : "";
  };

  const state = (): boolean | undefined => isGranted && Boolean(visitorId());

  const decide = (granted: boolean): boolean => {
    const before = state();
    isGranted = granted && !signal;
    if (!isGranted) {
      visitor.remove();
      session.remove();
    } else if (!visitorId()) {
      visitor.write(newId(), VISITOR_SECONDS);
    }
    return before !== state();
  };

  const ids = (): Ids => {
    const known = visitorId();
    if (!known) {
      return {};
    }
    const sessionId = session.read() || newId();
    session.write(sessionId, SESSION_SECONDS);
    return { visitorId: known, sessionId };
  };

  const unitId = (): string | undefined => {
    const given = isGranted === false ? "" : window.code24UnitId || settings.unitId;
    return given || visitorId() || undefined;
  };

  if (!mayBeKnown) {
    decide(false);
  } else if (settings.consent === "granted" || visitor.read()) {
    decide(true);
  }
  return { decide, ids, unitId };
}
