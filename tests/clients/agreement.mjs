// node agreement.mjs FILE: for each visitor {attributes, url, documents} and each test, the
// index that @growthbook/growthbook assigns; -1 for who takes no part, -2 for a preview.
import { readFileSync } from "node:fs";
import { GrowthBook, StickyBucketService } from "@growthbook/growthbook";

class Kept extends StickyBucketService {
  async getAssignments() { return null; }
  async saveAssignments() {}
}

const { payload, tests, visitors } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const indexes = visitors.map(({ attributes, url, documents }) => {
  const gb = new GrowthBook({
    attributes,
    url,
    stickyBucketService: new Kept(),
    stickyBucketAssignmentDocs: documents ?? {},
  }).initSync({ payload });
  const found = tests.map((test) => {
    const result = gb.evalFeature(test).experimentResult;
    if (!result?.inExperiment) return -1;
    return result.hashUsed ? result.variationId : -2;
  });
  gb.destroy();
  return found;
});
console.log(JSON.stringify(indexes));
