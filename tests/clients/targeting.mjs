// node targeting.mjs FILE: what @growthbook/growthbook makes of [[condition, attributes,
// savedGroups], …] and of [[url, patterns], …], in one process.
import { readFileSync } from "node:fs";
import { GrowthBook } from "@growthbook/growthbook";

console.error = () => {};
const { conditions = [], addresses = [] } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const holds = ([condition, attributes, savedGroups]) => {
  const features = { asked: { defaultValue: false, rules: [{ condition, force: true }] } };
  return new GrowthBook({ attributes, features, savedGroups }).isOn("asked");
};
const isTargeted = ([url, urlPatterns]) => {
  const test = { key: "asked", variations: [0, 1], coverage: 1, urlPatterns };
  return new GrowthBook({ attributes: { id: "u" }, url }).run(test).inExperiment;
};
console.log(JSON.stringify({ conditions: conditions.map(holds), addresses: addresses.map(isTargeted) }));
