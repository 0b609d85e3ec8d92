// Writes src/api/schema.d.ts from docs/api.yaml. `--check` compares instead and exits 1 on a difference.
import { readFileSync, writeFileSync } from "node:fs";
import openapi, { astToString } from "openapi-typescript";

const source = new URL("../../docs/api.yaml", import.meta.url);
const target = new URL("../src/api/schema.d.ts", import.meta.url);
const head = "// Generated from docs/api.yaml by `npm run types`. Do not edit.\n\n";
const text = head + astToString(await openapi(source));

if (process.argv.includes("--check")) {
  if (readFileSync(target, "utf8") !== text) {
    console.error("src/api/schema.d.ts is not what docs/api.yaml gives; run: npm run types");
    process.exit(1);
  }
} else {
  writeFileSync(target, text);
}
