// node tools/screenshots.mjs FOLDER [BASE]: every page at 1280 and 390 px, light and dark, from the mock server or from BASE.
import { mkdirSync } from "node:fs";
import { chromium } from "@playwright/test";
import { startMock } from "../mock/server.mjs";

const [folder = "test-results/screenshots", given] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
const mock = given ? null : await startMock({ demo: true });
const base = given ?? mock.url;
const json = async (path) => (await fetch(`${base}/api/v1/${path}`)).json();
const alert = (await json("alerts?limit=1&state=open")).alerts[0] ?? (await json("alerts?limit=1")).alerts[0];
const node = alert?.node ?? (await json("nodes?limit=1")).nodes[0]?.node ?? "192.0.2.1";
const pages = {
  overview: "",
  alerts: "alerts",
  incidents: "alerts?view=incidents",
  alert: alert && `alerts/${alert.id}`,
  nodes: "nodes",
  node: `nodes/${encodeURIComponent(node)}`,
  explore: "explore",
  ports: "explore?by=port&last=6h",
  one: `explore?node=${encodeURIComponent(node)}`,
  compare: `explore?view=nodes&nodes=${node}`,
  exporters: "exporters",
  model: "model",
  try: "try",
};
const only = process.env.ONLY?.split(",");
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });
for (const [width, height] of [
  [1280, 800],
  [390, 844],
]) {
  for (const colorScheme of ["light", "dark"]) {
    const context = await browser.newContext({ viewport: { width, height }, colorScheme });
    const page = await context.newPage();
    page.on("console", (m) => ["error", "warning"].includes(m.type()) && console.log(`${page.url()}: ${m.text()}`));
    page.on("pageerror", (e) => console.log(`${page.url()}: ${e}`));
    for (const [name, path] of Object.entries(pages)) {
      if (path === undefined || (only && !only.includes(name))) continue;
      await page.goto(`${base}/#/${path}`);
      await page
        .waitForFunction(() => !document.querySelector(".loading"), null, { timeout: 15000 })
        .catch(() => console.log(`${name}: still loading`));
      await page.waitForTimeout(400);
      const wide = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      if (wide > 0) console.log(`${name} at ${width}: ${wide} px too wide`);
      await page.screenshot({ path: `${folder}/${name}-${width}-${colorScheme}.png`, fullPage: true });
    }
    await context.close();
  }
}
await browser.close();
await mock?.close();
