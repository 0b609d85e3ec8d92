// The page against the program itself: `netflowgen serve --demo`. NETFLOWGEN names the program; without it the test is skipped.
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { expect, findings, settled, test, VIEWS } from "./base";

const program = process.env.NETFLOWGEN ?? "";

// The address of the page, once the past is replayed.
async function startDemo(): Promise<{ child: ChildProcess; url: string }> {
  const child = spawn(program, ["serve", "--demo", "--http", "127.0.0.1:0"], { stdio: ["ignore", "ignore", "pipe"] });
  let log = "";
  child.stderr?.on("data", (text) => (log += text));
  const until = Date.now() + 300_000;
  for (;;) {
    if (child.exitCode !== null || Date.now() > until) throw new Error(`the demo did not start:\n${log}`);
    const url = /the page and the API are at (\S+)/.exec(log)?.[1];
    const ready = url && (await fetch(`${url}/readyz`).catch(() => null));
    if (url && ready && ready.ok) return { child, url };
    await new Promise((done) => setTimeout(done, 300));
  }
}

test("an attack of serve --demo is followed from its start to its end", async ({ page }) => {
  test.skip(!existsSync(program), "NETFLOWGEN names no program");
  test.setTimeout(1_200_000);
  const { child, url } = await startDemo();
  try {
    await page.goto(`${url}/#/try`);
    await settled(page);
    await expect(page.getByText("Simulated: all traffic and all attacks here are made up.")).toBeVisible();
    const acts = page.locator(".acts li.done");
    await expect.poll(() => acts.count(), { timeout: 300_000 }).toBeGreaterThanOrEqual(4); // it is explained
    await page.getByRole("link", { name: /What was expected, what was seen/ }).click();
    await settled(page);
    const alert = new URL(page.url()).hash.split("/").pop() ?? "";
    const { summary } = await (await fetch(`${url}/api/v1/alerts/${alert}`)).json();
    for (const [name, path] of Object.entries(VIEWS(alert, summary.node))) {
      await page.goto(`${url}/#/${path}`);
      await settled(page);
      expect(await findings(page), name).toEqual([]);
      await expect(page.locator(".failed"), name).toHaveCount(0);
    }
    await page.goto(`${url}/#/try`);
    await expect.poll(() => acts.count(), { timeout: 600_000 }).toBe(5); // it ends
  } finally {
    child.kill("SIGINT");
    const [code] = child.exitCode === null ? await once(child, "exit") : [child.exitCode];
    expect(code).toBe(0);
  }
});
