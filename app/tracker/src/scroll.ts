/** How far the page under way was scrolled, and how large it and its window are. */

import type { Metadata } from "./event.ts";
import { listen } from "./guard.ts";

export interface ScrollExtent {
  /** Begin anew: at the top, or where the page stands. */
  reset(isAtTop: boolean): void;
  /** Whether it was scrolled further since the last measuring. */
  hasGrown(): boolean;
  /** CSS pixels, with the names that the warehouse reads. */
  measure(): Metadata;
}

export function createScrollExtent(): ScrollExtent {
  let x = 0;
  let y = 0;
  let grown = false;

  const follow = (): void => {
    grown ||= scrollX > x || scrollY > y;
    x = Math.max(x, scrollX);
    y = Math.max(y, scrollY);
  };

  listen(document, ["scroll"], follow);

  return {
    reset(isAtTop) {
      x = isAtTop ? 0 : scrollX;
      y = isAtTop ? 0 : scrollY;
      grown = false;
    },
    hasGrown: () => grown,
    measure() {
      const root = document.documentElement;
      grown = false;
      return {
        documentWidth: root.scrollWidth,
        documentHeight: root.scrollHeight,
        viewportWidth: root.clientWidth,
        viewportHeight: root.clientHeight,
        scrollXMax: Math.round(x),
        scrollYMax: Math.round(y),
      };
    },
  };
}
