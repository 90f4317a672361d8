/** How fast the page was, as npm `web-vitals` measures it. */

import type { MetricType } from "web-vitals";
import { onCLS, onFCP, onINP, onLCP, onTTFB } from "web-vitals";
import { guarded } from "./guard.ts";
import type { PageView } from "./page.ts";
import type { Recorder } from "./recorder.ts";

interface Reported {
  /** The view that was loaded or restored; measures are of it, not of those after. */
  page: PageView;
  reports: number;
}

/**
 * Record each report as a field named like the metric, in the metric's unit. Some are
 * reported again as they grow: the warehouse keeps the last of a page view, and metric
 * and number of the report make the id, so that a repeat is a duplicate.
 *
 * @param loaded - the view that the browser last loaded or restored
 */
export function followVitals(recorder: Recorder, loaded: () => PageView): void {
  const known = new Map<string, Reported>();
  const report = guarded((metric: MetricType): void => {
    const { page, reports } = known.get(metric.id) ?? { page: loaded(), reports: 0 };
    known.set(metric.id, { page, reports: reports + 1 });
    recorder.interaction(
      "web_vital",
      {
        [metric.name.toLowerCase()]: metric.value,
        rating: metric.rating,
        navigationType: metric.navigationType,
      },
      page,
      `${metric.id}-${reports + 1}`,
    );
  });
  [onCLS, onFCP, onINP, onLCP, onTTFB].forEach((on) => on(report));
}
