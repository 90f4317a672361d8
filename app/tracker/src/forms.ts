/**
 * How far visitors come in forms marked `data-code24-form`: started, each marked step,
 * sent or left. What they type is never read.
 */

import type { Metadata } from "./event.ts";
import { listen } from "./guard.ts";
import type { MarkedGoals } from "./marks.ts";
import { marked, properties } from "./marks.ts";
import type { Recorder } from "./recorder.ts";

const FORM = "data-code24-form";
const STEP = "data-code24-step";

export interface Forms {
  /** The page is left: what was begun and not sent is abandoned. */
  leave(): void;
}

export function followForms(recorder: Recorder, goals: MarkedGoals): Forms {
  /** The forms begun on this page view, and the last step in each. */
  const begun = new Map<Element, string>();

  const describe = (form: Element): Metadata => {
    const step = begun.get(form);
    return {
      ...properties(form),
      form: form.getAttribute(FORM) || "form",
      ...(step ? { step } : {}),
    };
  };

  const begin = (form: Element): void => {
    if (!begun.has(form)) {
      begun.set(form, "");
      recorder.interaction("form_start", describe(form));
    }
  };

  const touch = (event: Event): void => {
    const form = marked(event, FORM);
    if (!form || event.target === form) {
      return;
    }
    begin(form);
    const step = marked(event, STEP)?.getAttribute(STEP) ?? "";
    if (step && step !== begun.get(form)) {
      begun.set(form, step);
      recorder.interaction("form_step", describe(form));
    }
  };

  const submit = (event: Event): void => {
    const form = marked(event, FORM);
    if (form) {
      begin(form);
      recorder.interaction("form_submit", describe(form));
      begun.delete(form);
    }
    const goal = event.target as Element;
    if (goal.hasAttribute("data-code24-goal")) {
      goals.reach(goal);
    }
  };

  listen(document, ["input", "change"], touch);
  listen(document, ["submit"], submit);

  return {
    leave() {
      for (const form of begun.keys()) {
        recorder.interaction("form_abandon", describe(form));
      }
      begun.clear();
    },
  };
}
