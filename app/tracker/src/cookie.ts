/** First-party cookies; a browser that blocks them behaves as if none were there. */

export interface Cookie {
  read(): string;
  /** Set it for so many seconds from now. */
  write(value: string, seconds: number): void;
  remove(): void;
}

export function cookie(name: string, domain: string): Cookie {
  const set = (value: string, seconds: number, on: string): void => {
    document.cookie = [
      `${name}=${encodeURIComponent(value)}`,
      "Path=/",
      `Max-Age=${seconds}`,
      "SameSite=Lax",
      ...(on ? [`Domain=${on}`] : []),
      ...(location.protocol === "https:" ? ["Secure"] : []),
    ].join("; ");
  };
  return {
    read: () => readCookie(name),
    write: (value, seconds) => set(value, seconds, domain),
    /** Of both kinds: the tag's domain may have been changed since it was set. */
    remove: () => new Set(["", domain]).forEach((on) => set("", 0, on)),
  };
}

function readCookie(name: string): string {
  const pair = document.cookie.split("; ").find((each) => each.startsWith(`${name}=`));
  try {
    return decodeURIComponent(pair?.slice(name.length + 1) ?? "");
  } catch {
    return ""; // another program's, in another coding
  }
}
