/** Clicks on links that lead away or fetch a file, where the script's tag asks for them. */

import { listen } from "./guard.ts";
import type { Recorder } from "./recorder.ts";
import type { Settings } from "./settings.ts";

const FILES =
  /\.(7z|apk|avi|csv|dmg|docx?|epub|exe|gz|ics|mov|mp[34]|msi|odt|pdf|pkg|pptx?|rar|tar|txt|wav|webm|xlsx?|zip)$/i;

export function followLinks(settings: Settings, recorder: Recorder): void {
  listen(document, ["click", "auxclick"], (event) => {
    const link = event.composedPath().find((each) => each instanceof HTMLAnchorElement);
    const isOpened = event.type === "click" || (event as MouseEvent).button === 1;
    if (!(link instanceof HTMLAnchorElement) || !link.host || !isOpened) {
      return;
    }
    const href = link.origin + link.pathname; // a query may say who clicks
    if (link.hasAttribute("download") || FILES.test(link.pathname)) {
      if (settings.countsDownloads) {
        recorder.interaction("file_download", { href });
      }
    } else if (settings.countsOutbound && link.host !== location.host) {
      recorder.interaction("outbound_click", { href });
    }
  });
}
