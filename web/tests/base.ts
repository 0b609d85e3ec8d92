// Starts a mock server for a test, and fails the test on any error of the page.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { expect, test as plain, type Page } from "@playwright/test";
import { startMock } from "../mock/server.mjs";

export type Mock = Awaited<ReturnType<typeof startMock>>;
type Options = Parameters<typeof startMock>[0];

export const test = plain.extend<{ start: (options?: Options) => Promise<Mock>; quiet: void }>({
  start: async ({}, use) => {
    const mocks: Mock[] = [];
    await use(async (options) => {
      const mock = await startMock(options);
      mocks.push(mock);
      return mock;
    });
    for (const mock of mocks) await mock.close();
  },
  // A violation of the content security policy is an error on the console, too.
  quiet: [
    async ({ page }, use) => {
      const errors: string[] = [];
      page.on("pageerror", (e) => errors.push(String(e)));
      page.on("console", (m) => {
        if (m.type() === "error" && !/Failed to load resource|net::ERR|EventSource/.test(m.text()))
          errors.push(m.text());
      });
      await use();
      expect(errors).toEqual([]);
    },
    { auto: true },
  ],
});

export { expect };

export async function open(page: Page, mock: Mock, path = ""): Promise<void> {
  await page.goto(`${mock.url}/#/${path}`);
  await settled(page);
}

export async function settled(page: Page): Promise<void> {
  await expect(page.locator("main")).toBeVisible();
  await expect(page.locator(".loading")).toHaveCount(0);
}

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

// Findings of axe that are serious or critical, as "rule: selector".
export async function findings(page: Page): Promise<string[]> {
  return page.evaluate(async (source) => {
    const run = new Function(`${source}; return window.axe;`);
    const results = await run().run(document, { resultTypes: ["violations"] });
    return results.violations
      .filter((v: { impact: string }) => v.impact === "serious" || v.impact === "critical")
      .flatMap((v: { id: string; nodes: { target: string[]; failureSummary: string }[] }) =>
        v.nodes.map((n) => `${v.id}: ${n.target.join(" ")}: ${n.failureSummary}`),
      );
  }, axe);
}

export const VIEWS = (alert: string, node: string): Record<string, string> => ({
  "overview": "",
  "alerts": "alerts",
  "incidents": "alerts?view=incidents",
  "alert": `alerts/${alert}`,
  "nodes": "nodes",
  "node": `nodes/${encodeURIComponent(node)}`,
  "explore": "explore",
  "explore a node": `explore?node=${encodeURIComponent(node)}`,
  "compare": `explore?view=nodes&nodes=${node}`,
  "exporters": "exporters?exporter=203.0.113.3",
  "model": "model",
  "try": "try",
});
