// Nothing there yet, errors, tokens, roles, and the stream of events.
import { expect, open, settled, test } from "./base";

test("a server that has seen nothing says what will come", async ({ page, start }) => {
  const mock = await start({ state: "fresh" });
  await open(page, mock);
  await expect(page.getByText("No step has been closed in this time.")).toBeVisible();
  await expect(page.getByText("No alerts.")).toBeVisible();
  for (const [path, text] of [
    ["alerts", "No alert yet."],
    ["alerts?view=incidents", "No incident yet."],
    ["nodes", "No step has been closed yet."],
    ["explore", "No flows were seen in this time."],
    ["exporters", "Point NetFlow, IPFIX or sFlow at 0.0.0.0 port 2055."],
  ] as const) {
    await open(page, mock, path);
    await expect(page.getByText(text)).toBeVisible();
  }
});

test("without a model the page says so and shows no forecast", async ({ page, start }) => {
  const mock = await start({ state: "noModel" });
  await open(page, mock, "model");
  await expect(page.getByRole("heading", { name: "No model" })).toBeVisible();
  await expect(page.getByText("Collect mode")).toBeVisible();
  await open(page, mock);
  await expect(page.locator(".chart").first()).not.toHaveAttribute("aria-label", /band/);
});

test("a number that is not known is never 0", async ({ page, start }) => {
  const mock = await start({ state: "noModel" });
  await open(page, mock, "nodes");
  const row = page.locator("tbody tr").first();
  await expect(row.locator("td").nth(8)).toHaveText("–");
  await expect(row.locator("td").nth(9)).toHaveText("–");
});

test("an error is told in the server's words, and the way on works", async ({ page, start }) => {
  const mock = await start({ state: "failing" });
  for (const path of ["", "alerts", "nodes", "explore", "exporters", "model"]) {
    await open(page, mock, path);
    await expect(page.getByRole("alert").first()).toContainText("The history cannot be read: disk I/O error.");
  }
  mock.state = "normal";
  await page.getByRole("button", { name: "Try again" }).first().click();
  await expect(page.getByText("1 of 6 volumes are off")).toBeVisible();
});

test("what does not exist is told", async ({ page, start }) => {
  const mock = await start();
  await open(page, mock, "nodes/10.9.9.9");
  await expect(page.getByText("History holds nothing of 10.9.9.9.")).toBeVisible();
  await open(page, mock, "alerts/0000000000000000");
  await expect(page.getByRole("alert")).toContainText("there is no such alert");
  await open(page, mock, "nonsense");
  await expect(page.getByText("There is no such page.")).toBeVisible();
});

test("an error that has passed is forgotten without a click", async ({ page, start }) => {
  const mock = await start({ state: "failing" });
  await open(page, mock, "model");
  await expect(page.getByRole("alert")).toContainText("disk I/O error");
  mock.state = "normal";
  await expect(page.getByText("1 of 6 volumes are off")).toBeVisible();
  await expect(page.getByRole("alert")).toHaveCount(0);
});

test("a slow server is waited for, however many events come", async ({ page, start }) => {
  const mock = await start();
  await open(page, mock, "nodes");
  const row = page.locator("tbody tr").first();
  const before = await row.innerText();
  const asked = mock.requests.length;
  mock.delay = 5000;
  const steps = setInterval(() => mock.step(), 500);
  mock.raise("udp_flood", before.split(/\s/)[0]!);
  await expect(row).toContainText("1 open");
  clearInterval(steps);
  expect(mock.requests.length - asked).toBeLessThan(12);
});

test("a server of another version is noticed", async ({ page, start }) => {
  const mock = await start();
  await open(page, mock);
  await expect(page.getByText("Live", { exact: true })).toBeVisible();
  mock.version = "2.0.0";
  mock.cut();
  await page.getByRole("button", { name: "Load its page" }).click();
  await settled(page);
  await expect(page.getByRole("button", { name: "Load its page" })).toHaveCount(0);
});

test("old data stays when the server goes away", async ({ page, start }) => {
  const mock = await start();
  await open(page, mock, "nodes");
  await expect(page.locator("tbody tr")).toHaveCount(50);
  mock.state = "failing";
  await page.getByLabel("Sorted by").selectOption("flows");
  await expect(page.getByRole("alert")).toContainText("disk I/O error");
  await expect(page.locator("tbody tr")).toHaveCount(50);
});

test("a token is asked for, refused, taken, and kept for the tab", async ({ page, start }) => {
  const mock = await start({ tokens: true });
  await page.goto(mock.url);
  const field = page.getByLabel("Bearer token");
  await field.fill("wrong");
  await page.getByRole("button", { name: "Continue" }).click();
  await expect(page.getByRole("alert")).toContainText("does not know this token");
  await field.fill("operator-token");
  await page.getByRole("button", { name: "Continue" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Overview");
  await expect(page.getByText("Live", { exact: true })).toBeVisible();
  await page.reload();
  await settled(page);
  await expect(page.locator(".alert-list li")).toHaveCount(19);
  expect(await page.evaluate(() => localStorage.getItem("netflowgen.token"))).toBeNull();
  expect(
    mock.requests.filter((r: string) => r.includes("operator-token") && !r.startsWith("GET /api/v1/events?")),
  ).toEqual([]);
});

test("a viewer sees that an answer needs an operator", async ({ page, start }) => {
  const mock = await start({ tokens: true });
  await page.goto(`${mock.url}/#/alerts/${mock.alerts[0].id}`);
  await page.getByLabel("Bearer token").fill("viewer-token");
  await page.getByRole("button", { name: "Continue" }).click();
  await expect(page.getByText("Confirming needs an operator.")).toBeVisible();
  await expect(page.getByRole("button", { name: "Confirm" })).toBeDisabled();
});

test("an alert appears, is spoken, and ends without a reload", async ({ page, start }) => {
  const mock = await start();
  await open(page, mock);
  await expect(page.getByText("Live", { exact: true })).toBeVisible();
  const alert = mock.raise("dns_amplification", "192.0.2.30");
  await expect(page.locator(".alert-list li").first()).toContainText("192.0.2.30");
  await expect(page.locator("[aria-live=polite].offscreen")).toHaveText(
    "New alert, high: dns_amplification on 192.0.2.30",
  );
  await expect(page).toHaveTitle(/^\(3\)/);
  mock.end(alert);
  await expect(page).toHaveTitle(/^\(2\)/);
});

test("the stream is taken up again after it was cut", async ({ page, start }) => {
  const mock = await start();
  await open(page, mock);
  await expect(page.getByText("Live", { exact: true })).toBeVisible();
  mock.cut();
  await expect(page.getByText("Reconnecting")).toBeVisible();
  await expect(page.getByText("Live", { exact: true })).toBeVisible();
  mock.raise("syn_flood", "192.0.2.31");
  await expect(page.locator(".alert-list li").first()).toContainText("192.0.2.31");
});

test("the stream is taken up again after it was refused", async ({ page, start }) => {
  const mock = await start();
  await open(page, mock);
  await expect(page.getByText("Live", { exact: true })).toBeVisible();
  mock.busy = true;
  mock.cut();
  await expect.poll(() => mock.requests.filter((r: string) => r.includes("/events")).length).toBeGreaterThan(1);
  await expect(page.getByText("Reconnecting")).toBeVisible();
  mock.busy = false;
  await expect(page.getByText("Live", { exact: true })).toBeVisible();
});
