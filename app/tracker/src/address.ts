/** A page's address as it is sent: without stripped parameters and bare fragments. */

import type { Settings } from "./settings.ts";

const MAX_URL = 4096;

export function cleanAddress(address: string, settings: Settings): string {
  if (!address) {
    return "";
  }
  const url = new URL(address, location.href);
  settings.stripped.forEach((name) => url.searchParams.delete(name));
  if (!settings.hasHashPages) {
    url.hash = "";
  }
  return url.href.slice(0, MAX_URL);
}
