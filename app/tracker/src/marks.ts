/** What the page's HTML marks: `data-code24-…` on the elements that matter. */

import type { Metadata } from "./event.ts";
import { listen } from "./guard.ts";
import type { Recorder } from "./recorder.ts";

const PROPERTY = "data-code24-prop-";

/** The innermost element of an event's path that has the attribute. */
export function marked(event: Event, attribute: string): Element | undefined {
  return event
    .composedPath()
    .find((each) => each instanceof Element && each.hasAttribute(attribute)) as
    | Element
    | undefined;
}

export function properties(element: Element): Metadata {
  const found = Array.from(element.attributes).filter(({ name }) =>
    name.startsWith(PROPERTY),
  );
  return Object.fromEntries(
    found.map(({ name, value }) => [name.slice(PROPERTY.length), value]),
  );
}

/** Goals of elements, each once a page view: a double click is one lead. */
export interface MarkedGoals {
  reach(element: Element): void;
  reset(): void;
}

export function createMarkedGoals(recorder: Recorder): MarkedGoals {
  let reached = new WeakSet<Element>();
  return {
    reach(element) {
      if (!reached.has(element)) {
        reached.add(element);
        recorder.conversion({
          ...properties(element),
          goal: element.getAttribute("data-code24-goal"),
          value: element.getAttribute("data-code24-value"),
          id: element.getAttribute("data-code24-id"),
        });
      }
    },
    reset() {
      reached = new WeakSet();
    },
  };
}

export function followClicks(recorder: Recorder, goals: MarkedGoals): void {
  listen(document, ["click"], (event) => {
    const named = marked(event, "data-code24-event");
    if (named) {
      const name = named.getAttribute("data-code24-event");
      recorder.interaction(name || "click", properties(named));
    }
    const goal = marked(event, "data-code24-goal");
    if (goal && !(goal instanceof HTMLFormElement)) {
      goals.reach(goal);
    }
  });
}
