/** The page view that is under way; every event names it. */

import { newId } from "./id.ts";

export interface PageView {
  id: string;
  /** Its address when it began, cleaned. */
  url: string;
}

export function newPageView(url: string): PageView {
  return { id: newId(), url };
}
