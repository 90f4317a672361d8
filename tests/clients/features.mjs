// node --experimental-eventsource features.mjs HOST KEY UNIT MODE: `remote` prints what
// remote evaluation gives a unit and what it counts; `stream` prints each set of features.
import { GrowthBook } from "@growthbook/growthbook";

const [apiHost, clientKey, unit, mode] = process.argv.slice(2);
const counted = [];
const gb = new GrowthBook({
  apiHost,
  clientKey,
  remoteEval: mode === "remote",
  attributes: { id: unit },
  trackingCallback: (experiment, result) => {
    counted.push([experiment.key, result.variationId, result.key, result.hashValue]);
  },
});
const tell = (told) => console.log(JSON.stringify(told));
if (mode === "remote") {
  await gb.init({ timeout: 5000 });
  const values = Object.keys(gb.getFeatures()).map((key) => [key, gb.getFeatureValue(key, null)]);
  tell({ values: Object.fromEntries(values), counted, features: gb.getFeatures() });
  gb.destroy();
} else {
  gb.setRenderer(() => tell(Object.keys(gb.getFeatures()).sort()));
  await gb.init({ streaming: true, timeout: 5000 });
  tell(Object.keys(gb.getFeatures()).sort());
  process.stdin.on("end", () => process.exit(0)).resume();
}
