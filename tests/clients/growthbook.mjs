// node growthbook.mjs HOST KEY: an exposure, a feature and an event of its own, by the
// tracking plug-in of @growthbook/growthbook.
import { GrowthBook } from "@growthbook/growthbook";
import { growthbookTrackingPlugin } from "@growthbook/growthbook/plugins";

const [ingestorHost, clientKey] = process.argv.slice(2);
const gb = new GrowthBook({
  clientKey,
  attributes: { id: "unit-7", email: "ada@shop.example", session_id: "s-1", utmSource: "mail" },
  url: "https://shop.example/landing",
  plugins: [growthbookTrackingPlugin({ ingestorHost, queueFlushInterval: 20 })],
});
gb.initSync({
  payload: {
    features: {
      headline: {
        defaultValue: "control",
        rules: [
          {
            key: "headline-test",
            hashAttribute: "id",
            variations: ["control", "bold"],
            weights: [0, 1],
            coverage: 1,
            meta: [{ key: "control" }, { key: "bold" }],
          },
        ],
      },
    },
  },
});
if (gb.getFeatureValue("headline", "control") !== "bold") throw new Error("not assigned");
await gb.logEvent("Order Completed", { revenue: "12.50" });
await new Promise((done) => setTimeout(done, 500));
console.log("[]");
