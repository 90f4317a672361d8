/** Nothing of this script may fail in the page's own code. */

export function warn(...words: unknown[]): void {
  console.warn("code24:", ...words);
}

/** The same function, which says on the console what would have been thrown. */
export function guarded<Given extends unknown[]>(
  run: (...given: Given) => void,
): (...given: Given) => void {
  return (...given) => {
    try {
      run(...given);
    } catch (error) {
      warn(error);
    }
  };
}

/** Listen without holding up scrolling, and before the page can stop the event. */
export function listen<Name extends string>(
  target: EventTarget,
  names: Name[],
  run: (event: Event) => void,
): void {
  for (const name of names) {
    target.addEventListener(name, guarded(run), { capture: true, passive: true });
  }
}
