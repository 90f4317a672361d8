// node segment.mjs HOST KEY: every kind of call by @segment/analytics-node.
import { Analytics } from "@segment/analytics-node";

const [host, writeKey] = process.argv.slice(2);
const failures = [];
const analytics = new Analytics({ writeKey, host, path: "/v1/batch", flushAt: 4 });
analytics.on("error", (error) => failures.push(`${error.code}: ${error.reason}`));

const anonymousId = "anon-node-1";
analytics.track({
  anonymousId,
  event: "Order Completed",
  messageId: "order-1",
  timestamp: new Date(Date.now() - 60_000),
  properties: { revenue: 49.9, currency: "EUR", email: "ada@shop.example" },
  context: { ip: "203.0.113.77", userAgent: "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0" },
});
analytics.page({ anonymousId, name: "Home", properties: { url: "https://shop.example/" } });
analytics.identify({
  userId: "ada@shop.example",
  anonymousId,
  traits: { email: "ada@shop.example", plan: "gold", name: "Ada" },
});
analytics.group({ userId: "ada@shop.example", groupId: "acme", traits: { industry: "air" } });
analytics.alias({ userId: "ada@shop.example", previousId: anonymousId });
analytics.screen({ anonymousId, name: "Basket" });
await analytics.closeAndFlush({ timeout: 20_000 });
console.log(JSON.stringify(failures));
