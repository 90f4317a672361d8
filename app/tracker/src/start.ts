/** Everything that follows the page, wired together once somebody sees it. */

import { cleanAddress } from "./address.ts";
import type { Commands } from "./commands.ts";
import { answer, snapshot, takeQueued } from "./commands.ts";
import { createEngagement } from "./engagement.ts";
import type { Metadata } from "./event.ts";
import { createExposures } from "./exposures.ts";
import type { Exposure } from "./exposures.ts";
import { followForms } from "./forms.ts";
import { listen, warn } from "./guard.ts";
import type { Identity } from "./identity.ts";
import { createIdentity } from "./identity.ts";
import { followLinks } from "./links.ts";
import { createMarkedGoals, followClicks } from "./marks.ts";
import { followNavigation } from "./navigation.ts";
import type { Outbox } from "./outbox.ts";
import { createOutbox } from "./outbox.ts";
import type { PageView } from "./page.ts";
import { newPageView } from "./page.ts";
import type { Conversion, Recorder } from "./recorder.ts";
import { createRecorder } from "./recorder.ts";
import { createScrollExtent } from "./scroll.ts";
import type { Settings } from "./settings.ts";
import { followVitals } from "./vitals.ts";

const MAX_TITLE = 512;

export function start(settings: Settings, signal: string): void {
  const identity = createIdentity(settings, signal);
  const outbox = createOutbox(settings);
  const first = newPageView(cleanAddress(location.href, settings));
  const recorder = createRecorder(settings, identity, outbox, first);
  const exposures = createExposures(recorder);
  const decide = (status: unknown): void =>
    decideConsent(status, identity, outbox, recorder);
  // Consent that the page knew before the script came is of its first view too.
  takeQueued("consent").forEach(([, status]) => decide(status));
  followPages(settings, recorder, () => exposures.reset());
  answer({
    event: (name: string, metadata?: Metadata) =>
      recorder.interaction(String(name), snapshot(metadata)),
    conversion: (conversion: Conversion) => recorder.conversion(snapshot(conversion)),
    exposure: (exposure: Exposure) => exposures.record(exposure),
    consent: decide,
    ready: (run: (known: { unitId?: string | undefined }) => void) =>
      run({ unitId: identity.unitId() }),
  });
}

/** Take calls and send nothing; a page that waits for `ready` goes on. */
export function startSilent(): void {
  const nothing = (): void => undefined;
  const commands: Commands = {
    event: nothing,
    conversion: nothing,
    exposure: nothing,
    consent: nothing,
    ready: (run: (known: object) => void) => run({}),
  };
  answer(commands);
}

function followPages(settings: Settings, recorder: Recorder, reset: () => void): void {
  const scroll = createScrollExtent();
  const engagement = createEngagement(scroll, (metadata) =>
    recorder.interaction("engagement", metadata),
  );
  const goals = createMarkedGoals(recorder);
  const forms = followForms(recorder, goals);
  const open = (page: PageView, referrer: string, isAtTop: boolean): void => {
    scroll.reset(isAtTop);
    goals.reset();
    reset();
    const title = document.title.slice(0, MAX_TITLE);
    recorder.open(page, referrer, { title, ...scroll.measure() });
    engagement.reset();
  };
  open(recorder.page(), cleanAddress(document.referrer, settings), false);
  let loaded = recorder.page();
  followVitals(recorder, () => loaded);
  followClicks(recorder, goals);
  followLinks(settings, recorder);
  listen(window, ["pagehide"], () => forms.leave());
  followNavigation(settings, {
    leave() {
      forms.leave();
      engagement.finish();
    },
    arrive: (url, referrer) => open(newPageView(url), referrer, true),
    restore(url) {
      open(newPageView(url), "", false);
      loaded = recorder.page();
    },
  });
}

function decideConsent(
  status: unknown,
  identity: Identity,
  outbox: Outbox,
  recorder: Recorder,
): void {
  if (status !== "granted" && status !== "denied") {
    warn(`consent is granted or denied, not ${JSON.stringify(status)}`);
    return;
  }
  const hasChanged = identity.decide(status === "granted");
  if (status === "denied") {
    outbox.forget();
  }
  if (hasChanged) {
    recorder.interaction("consent", { status });
  }
}
