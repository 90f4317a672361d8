/**
 * When one page gives way to another without being loaded: through the history, through
 * the fragment where fragments name pages, or back from the back/forward cache.
 */

import { cleanAddress } from "./address.ts";
import { guarded, listen } from "./guard.ts";
import type { Settings } from "./settings.ts";

export interface Navigation {
  leave(): void;
  arrive(url: string, referrer: string): void;
  restore(url: string): void;
}

export function followNavigation(settings: Settings, navigation: Navigation): void {
  const here = (): string => cleanAddress(location.href, settings);
  let known = here();
  let planned: ReturnType<typeof setTimeout> | undefined;

  const arrive = (): void => {
    planned = undefined;
    const url = here();
    if (url !== known) {
      navigation.arrive(url, known);
      known = url;
    }
  };

  /** Waits a turn: a router's redirects are one page view, and its title stands then. */
  const follow = guarded((): void => {
    if (planned === undefined && here() !== known) {
      navigation.leave();
      planned = setTimeout(guarded(arrive), 0);
    }
  });

  for (const name of ["pushState", "replaceState"] as const) {
    const original = history[name];
    history[name] = function (this: History, ...given): void {
      original.apply(this, given);
      follow();
    };
  }
  listen(window, ["popstate", "hashchange"], follow);
  listen(window, ["pageshow"], (event) => {
    if ((event as PageTransitionEvent).persisted) {
      known = here();
      navigation.restore(known);
    }
  });
}
