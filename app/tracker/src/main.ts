/** `/code24.js`: find the tag, wait until the page is seen, start. */

import { claim } from "./commands.ts";
import { guarded, warn } from "./guard.ts";
import { findScript, readSettings } from "./settings.ts";
import { privacySignal } from "./signal.ts";
import { start, startSilent } from "./start.ts";

/** A page made ready ahead or opened in the background is no view before it is shown. */
function whenShown(run: () => void): void {
  if (document.visibilityState === "visible") {
    run();
    return;
  }
  document.addEventListener("visibilitychange", () => whenShown(run), { once: true });
}

guarded(() => {
  const script = findScript();
  if (!script?.dataset.site || !script.dataset.key) {
    warn("the script's tag needs data-site and data-key");
    return;
  }
  const settings = readSettings(script);
  if (!claim()) {
    warn("the page has the script twice; the first one counts");
    return;
  }
  const signal = privacySignal();
  const isSilent = signal !== "" && settings.isSilentOnSignal;
  whenShown(guarded(isSilent ? startSilent : () => start(settings, signal)));
})();
