/** Makes events of what happens on the page and hands them to the outbox. */

import type { Metadata, TrackedEvent } from "./event.ts";
import { GOALS } from "./event.ts";
import { warn } from "./guard.ts";
import { newId } from "./id.ts";
import type { Identity } from "./identity.ts";
import type { Outbox } from "./outbox.ts";
import type { PageView } from "./page.ts";
import type { Settings } from "./settings.ts";

export interface Conversion extends Metadata {
  goal?: unknown;
  value?: unknown;
  id?: unknown;
}

export interface Recorder {
  /** The view under way. */
  page(): PageView;
  /** Record a page view; it is under way from now on. */
  open(page: PageView, referrer: string, metadata: Metadata): void;
  /** Record an interaction; of another page view or under a given id where told so. */
  interaction(name: string, metadata?: Metadata, of?: PageView, id?: string): void;
  conversion(conversion: Conversion): void;
}

export function createRecorder(
  settings: Settings,
  identity: Identity,
  outbox: Outbox,
  first: PageView,
): Recorder {
  let page = first;

  const record = (
    eventType: TrackedEvent["eventType"],
    metadata: Metadata,
    more: Partial<TrackedEvent> = {},
    of = page,
  ): void => {
    const ids = identity.ids();
    const unitId = identity.unitId();
    outbox.add({
      id: newId(),
      siteId: settings.site,
      eventType,
      timestamp: new Date().toISOString(),
      url: of.url,
      ...ids,
      ...more,
      metadata: {
        ...metadata,
        pageViewId: of.id,
        ...(unitId && unitId !== ids.visitorId ? { unitId } : {}),
      },
    });
  };

  return {
    page: () => page,
    open(next, referrer, metadata) {
      page = next;
      record("page_view", metadata, referrer ? { referrer } : {});
    },
    interaction(name, metadata = {}, of = page, id = newId()) {
      record("interaction", { ...metadata, name }, { id }, of);
    },
    conversion({ goal, value, id, ...metadata }) {
      if (!GOALS.includes(String(goal))) {
        warn(`goal ${JSON.stringify(goal)} must be one of ${GOALS.join(", ")}`);
        return;
      }
      const number = Number.parseFloat(String(value));
      record("conversion", metadata, {
        goalType: String(goal),
        ...(id ? { id: String(id) } : {}),
        ...(Number.isFinite(number) ? { conversionValue: number } : {}),
      });
    },
  };
}
