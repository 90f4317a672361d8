/** What the browser says of its visitor's wish, before the page asks anything. */

interface Wishes {
  globalPrivacyControl?: boolean;
  doNotTrack?: string | null;
}

/** `gpc` (Global Privacy Control), `dnt` (Do Not Track), or nothing. */
export function privacySignal(): string {
  const wishes = navigator as Wishes;
  if (wishes.globalPrivacyControl) {
    return "gpc";
  }
  return wishes.doNotTrack === "1" ? "dnt" : "";
}
