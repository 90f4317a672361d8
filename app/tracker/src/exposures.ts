/** Which variants the page says it showed, each once a page view. */

import { warn } from "./guard.ts";
import type { Recorder } from "./recorder.ts";

export interface Exposure {
  experimentId?: unknown;
  variationId?: unknown;
}

export interface Exposures {
  record(exposure: Exposure): void;
  reset(): void;
}

export function createExposures(recorder: Recorder): Exposures {
  const seen = new Set<string>();
  return {
    record({ experimentId, variationId }) {
      if (experimentId === undefined || variationId === undefined) {
        warn("an exposure needs experimentId and variationId");
        return;
      }
      const shown = { experimentId: String(experimentId), variationId: String(variationId) };
      const key = JSON.stringify(shown);
      if (!seen.has(key)) {
        seen.add(key);
        recorder.interaction("experiment_viewed", shown);
      }
    },
    reset: () => seen.clear(),
  };
}
