/** What the script's tag says; every `data-…` attribute of it is read here alone. */

export interface Settings {
  site: string;
  key: string;
  /** Where events are sent. */
  endpoint: string;
  /** What the page's server knows of consent; empty where it says nothing. */
  consent: string;
  /** Whether a visitor who sends DNT or GPC is not even counted without ids. */
  isSilentOnSignal: boolean;
  /** The domain of the cookies; empty for this host alone. */
  cookieDomain: string;
  /** The unit that the server assigned this page's visitor as. */
  unitId: string;
  /** Whether what follows # names a page. */
  hasHashPages: boolean;
  /** Query parameters that leave no browser. */
  stripped: string[];
  countsOutbound: boolean;
  countsDownloads: boolean;
}

export function readSettings(script: HTMLScriptElement): Settings {
  const say = (name: string): string => script.getAttribute(`data-${name}`) ?? "";
  const has = (name: string): boolean =>
    script.hasAttribute(`data-${name}`) && say(name) !== "false";
  return {
    site: say("site"),
    key: say("key"),
    endpoint: new URL(say("endpoint") || "v1/events", script.src || location.href).href,
    consent: say("consent"),
    isSilentOnSignal: say("dnt") === "silent",
    cookieDomain: say("cookie-domain"),
    unitId: say("unit-id"),
    hasHashPages: has("hash"),
    stripped: say("strip").split(/[\s,]+/).filter(Boolean),
    countsOutbound: has("outbound"),
    countsDownloads: has("downloads"),
  };
}

/** The tag itself; a module or a script that another one wrote has no current one. */
export function findScript(): HTMLScriptElement | null {
  const current = document.currentScript;
  return current instanceof HTMLScriptElement
    ? current
    : document.querySelector<HTMLScriptElement>("script[data-site][data-key]");
}
