// node plausible.mjs HOST DOMAIN: @plausible-analytics/tracker in as much of a browser as
// it looks at: a page view, an event with revenue, an engagement on leaving.
const [host, domain] = process.argv.slice(2);
const listeners = {};
const sent = [];
const address = new URL(`https://${domain}/basket?utm_source=mail`);
const realFetch = globalThis.fetch;
const size = { scrollHeight: 2000, offsetHeight: 2000, clientHeight: 2000 };
Object.assign(globalThis, {
  location: address,
  window: globalThis,
  innerHeight: 500,
  scrollY: 0,
  localStorage: {},
  ResizeObserver: class { observe() {} },
  addEventListener: () => {},
  history: {},
  fetch: (...request) => {
    const answer = realFetch(...request);
    sent.push(answer);
    return answer;
  },
  document: {
    readyState: "complete",
    referrer: "https://search.example/",
    visibilityState: "visible",
    hasFocus: () => true,
    body: size,
    documentElement: size,
    addEventListener: (name, listener) => (listeners[name] ??= []).push(listener),
  },
});
Object.defineProperty(globalThis, "navigator", { value: {}, configurable: true });

const { init, track } = await import("@plausible-analytics/tracker");
init({ domain, endpoint: `${host}/api/event`, autoCapturePageviews: false, captureOnLocalhost: true });
track("pageview", {});
track("Purchase", { props: { colour: "red" }, revenue: { amount: 19.5, currency: "EUR" } });
track("Newsletter", { interactive: false });
await new Promise((done) => setTimeout(done, 30));
globalThis.scrollY = 1000;
for (const listener of listeners.scroll ?? []) listener();
document.visibilityState = "hidden";
for (const listener of listeners.visibilitychange) listener();
const answers = await Promise.all(sent);
console.log(JSON.stringify(answers.map((answer) => answer.status)));
