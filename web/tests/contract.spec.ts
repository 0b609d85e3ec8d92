// The mock answers as docs/api.yaml says: what the page is tested against is what the document promises.
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import Ajv from "ajv/dist/2020.js";
import { parse } from "yaml";
import { expect, test } from "./base";

const document = process.env.NETFLOWGEN_API ?? fileURLToPath(new URL("../../docs/api.yaml", import.meta.url));

const ANSWERS: [string, string][] = [
  ["status", "Status"],
  ["features", "FeatureList"],
  ["overview", "Overview"],
  ["nodes?limit=3", "NodePage"],
  ["nodes/192.0.2.13", "Node"],
  ["nodes/192.0.2.13/series", "NodeSeries"],
  ["nodes/192.0.2.13/peers", "Peers"],
  ["explore?by=port", "Explore"],
  ["alerts", "AlertPage"],
  ["alerts/ALERT", "AlertDetail"],
  ["incidents", "IncidentPage"],
  ["exporters", "ExporterList"],
  ["model", "Model"],
  ["training", "Training"],
];

test("the mock keeps to docs/api.yaml", async ({ start }) => {
  test.skip(!existsSync(document), "no docs/api.yaml");
  const api = parse(readFileSync(document, "utf8"));
  const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
  ajv.addSchema({ $id: "api", components: api.components });
  for (const state of ["normal", "fresh", "noModel"] as const) {
    const mock = await start({ state });
    for (const [path, schema] of ANSWERS) {
      if (state === "fresh" && /192|ALERT/.test(path)) continue;
      const response = await fetch(`${mock.url}/api/v1/${path.replace("ALERT", mock.alerts[0]?.id)}`);
      expect(response.status, path).toBe(200);
      const valid = ajv.compile({ $ref: `api#/components/schemas/${schema}` });
      valid(await response.json());
      expect(valid.errors ?? [], `${state} ${path}`).toEqual([]);
    }
  }
});
