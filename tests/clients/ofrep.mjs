// node ofrep.mjs BASE KEY UNIT FLAG...: what @openfeature/ofrep-web-provider makes of flags.
import { OpenFeature } from "@openfeature/web-sdk";
import { OFREPWebProvider } from "@openfeature/ofrep-web-provider";

const [baseUrl, token, unit, ...flags] = process.argv.slice(2);
await OpenFeature.setContext({ targetingKey: unit });
const provider = new OFREPWebProvider({
  baseUrl,
  pollInterval: 0,
  headers: [["Authorization", `Bearer ${token}`]],
});
await OpenFeature.setProviderAndWait(provider);
const client = OpenFeature.getClient();
const found = Object.fromEntries(
  flags.map((flag) => {
    const { value, variant, reason, errorCode } = client.getStringDetails(flag, "fallback");
    return [flag, { value, variant, reason, errorCode: errorCode ?? null }];
  }),
);
console.log(JSON.stringify(found));
await OpenFeature.close();
