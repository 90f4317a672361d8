// node rudder.mjs HOST KEY: calls by @rudderstack/rudder-sdk-node.
import RudderAnalytics from "@rudderstack/rudder-sdk-node";

const [dataPlaneUrl, key] = process.argv.slice(2);
const client = new RudderAnalytics(key, { dataPlaneUrl, flushAt: 3, gzip: true });
const failures = [];
const sent = (error) => error && failures.push(String(error));

client.track(
  { anonymousId: "anon-rudder-1", event: "Signed Up", properties: { value: 5, plan: "gold" } },
  sent,
);
client.page({ anonymousId: "anon-rudder-1", name: "Prices", properties: { url: "https://shop.example/prices" } }, sent);
client.identify({ userId: "42", traits: { email: "bob@shop.example", role: "buyer" } }, sent);
await client.flush(sent);
console.log(JSON.stringify(failures));
process.exit(0);
