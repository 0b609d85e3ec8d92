// What each page shows of the data that the server gives, and how one gets from one to another.
import { expect, open, settled, test } from "./base";

test("the overview shows traffic, alerts, surprising nodes and health", async ({ page, start }) => {
  const mock = await start();
  await open(page, mock);
  await expect(page).toHaveTitle(/^\(2\) Overview/);
  await expect(page.locator(".chart canvas")).toHaveCount(1);
  await expect(page.locator(".chart").first()).toHaveAttribute("aria-label", /Traffic in: last .*bit\/s/);
  await expect(page.locator(".alert-list li")).toHaveCount(19); // Two of the 20 latest are of one incident.
  await expect(page.getByText("1 critical, 1 medium")).toBeVisible();
  await expect(page.getByText("in = out + held + drops")).toBeVisible();
  await expect(page.getByText("Exporter 203.0.113.4 has been silent")).toBeVisible();
  await page.getByRole("button", { name: "Packets" }).click();
  await expect(page).toHaveURL(/metric=packets/);
  await expect(page.locator(".stat dd").first()).toContainText("packets/s");
});

test("an open step is shown where it is above the latest closed one, and not where it lacks flows", async ({
  page,
  start,
}) => {
  const mock = await start();
  const shown = async () => {
    await open(page, mock);
    await page.reload();
    await settled(page);
    return Number.parseFloat(await page.locator(".stat dd").first().innerText());
  };
  mock.soFar = 0.01;
  const closed = await shown();
  const o = await (await fetch(`${mock.url}/api/v1/overview`)).json();
  expect(closed / ((o.network[0].values.at(-1) * 8) / 60 / 1e6)).toBeGreaterThan(0.7); // A new step may have been closed.
  mock.soFar = 5;
  expect(await shown()).toBeGreaterThan(3 * closed);
});

test("rates are totals of a step divided by its length", async ({ page, start }) => {
  const mock = await start();
  const step = await (await fetch(`${mock.url}/api/v1/nodes?limit=1`)).json();
  await open(page, mock, "nodes");
  const mbit = (step.nodes[0].bytes_in * 8) / 60 / 1e6;
  const shown = await page.locator("tbody tr").first().locator("td.number").first().innerText();
  expect(shown).toMatch(/Mbit\/s$/);
  expect(Number.parseFloat(shown) / mbit).toBeGreaterThan(0.7); // A new step may have been closed in between.
  expect(Number.parseFloat(shown) / mbit).toBeLessThan(1.4);
});

test("an alert is explained, its filter is copied, and an answer is given", async ({ page, start, context }) => {
  const mock = await start();
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await open(page, mock);
  await page.locator(".alert-list a").first().click();
  await settled(page);
  await expect(page.getByRole("heading", { level: 1 })).toContainText("udp flood on 192.0.2.13");
  await expect(page.getByRole("heading", { name: "Expected and seen" })).toBeVisible();
  await expect(page.getByRole("region", { name: "Expected and seen" })).toContainText("Packets in");
  await expect(page.getByRole("region", { name: "Sources", exact: true })).toContainText("198.51.100.7");
  await expect(page.locator(".chart")).toHaveCount(2);
  await page.getByRole("button", { name: "nftables" }).click();
  await page.getByRole("button", { name: "Copy the filter" }).click();
  await expect(page.getByRole("button", { name: "Copied" })).toBeVisible();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toContain(
    "nft add rule inet filter forward ip daddr 192.0.2.13",
  );
  await page.getByRole("button", { name: "Confirm" }).click();
  await expect(page.getByRole("button", { name: "Confirm" })).toHaveAttribute("aria-pressed", "true");
  expect(mock.feedback.size).toBe(1);
});

test("alerts are filtered and paged by the server", async ({ page, start }) => {
  const mock = await start();
  await open(page, mock, "alerts");
  await expect(page.getByText("1 to 50 of 130 alerts")).toBeVisible();
  await page.getByRole("button", { name: "Next" }).click();
  await expect(page.getByText("51 to 100 of 130 alerts")).toBeVisible();
  await page.getByRole("button", { name: "Open", exact: true }).click();
  await expect(page.getByText("1 to 2 of 2 alerts")).toBeVisible();
  await page.getByRole("button", { name: "All", exact: true }).click();
  await page.getByLabel("Severity at least").selectOption("critical");
  await expect(page.locator("tbody .severity:not(.critical)")).toHaveCount(0);
  await page.goBack();
  await expect(page.getByText("1 to 50 of 130 alerts")).toBeVisible();
  await page.getByLabel("When").selectOption("15m");
  await expect(page.getByText(/1 to \d+ of ([1-9]|1\d) alerts?$/)).toBeVisible();
  await page.getByLabel("Node or prefix").fill("203.0.113.99");
  await expect(page.getByText("No alert matches these filters.")).toBeVisible();
  await page.getByRole("button", { name: "Incidents" }).click();
  await expect(page.getByText("and 3 more")).toBeVisible();
});

test("nodes are searched from everywhere, sorted, and opened", async ({ page, start }) => {
  const mock = await start();
  await open(page, mock);
  await page.keyboard.press("/");
  await page.keyboard.type("192.0.2.14");
  await page.keyboard.press("Enter");
  await expect(page.getByText("1 to 11 of 11 nodes")).toBeVisible();
  await page.getByRole("columnheader", { name: "Surprise" }).getByRole("button").click();
  await expect(page.getByRole("columnheader", { name: "Surprise" })).toHaveAttribute("aria-sort", "descending");
  await page.getByRole("link", { name: "192.0.2.140" }).click();
  await settled(page);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("192.0.2.140");
  await expect(page.locator(".fans figure")).toHaveCount(6);
  await page.getByRole("button", { name: "All", exact: true }).click();
  await expect(page.locator(".fans figure")).toHaveCount(39);
  await page.reload();
  await expect(page.locator(".fans figure")).toHaveCount(39);
  await page.goBack();
  await expect(page.locator(".fans figure")).toHaveCount(6);
  await page.goForward();
  await page.getByRole("link", { name: "192.0.2.0/24" }).first().click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("192.0.2.0/24");
  await page.getByRole("link", { name: "140 hosts inside" }).click();
  await expect(page.getByText("1 to 50 of 140 nodes")).toBeVisible();
});

test("a search is typed with pauses, and one step leads back from it", async ({ page, start }) => {
  const mock = await start();
  await open(page, mock);
  await page.keyboard.press("/");
  await page.keyboard.type("192.0");
  await expect(page).toHaveURL(/#\/nodes\?search=192\.0$/);
  await settled(page);
  await page.keyboard.type(".2.14");
  await expect(page).toHaveURL(/search=192\.0\.2\.14$/);
  await expect(page.getByText("1 to 11 of 11 nodes")).toBeVisible();
  await page.goBack();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Overview");
});

test("names with marks of the address are kept whole", async ({ page, start }) => {
  const mock = await start();
  for (const name of ["203.0.113.1#7", "2001:db8:0:1::53", "192.0.2.0/25"]) {
    await open(page, mock, `nodes/${encodeURIComponent(name)}`);
    await expect(page.getByRole("heading", { level: 1 })).toHaveText(name);
    await expect(page.getByRole("heading", { name: "Features against their forecast" })).toBeVisible();
  }
});

test("traffic is broken down by every dimension, as areas and as a table", async ({ page, start }) => {
  const mock = await start();
  await open(page, mock, "explore");
  for (const [name, first] of [
    ["Ports", "tcp/443 https"],
    ["Protocols", "tcp"],
    ["Exporters", "203.0.113.1"],
    ["Destinations", "192.0.2.10"],
  ] as const) {
    await page.getByRole("button", { name }).click();
    await expect(page.locator("tbody tr").first()).toContainText(first);
  }
  await page.getByRole("button", { name: "Alone" }).first().click();
  await expect(page.getByRole("button", { name: "Show all" })).toBeVisible();
  await expect(page.locator(".chart")).toHaveAttribute("aria-label", "Stacked areas: 192.0.2.10");
  await page.reload();
  await expect(page.locator(".chart")).toHaveAttribute("aria-label", "Stacked areas: 192.0.2.10");
  await page.getByRole("button", { name: "Exporters" }).click();
  await expect(page.locator(".chart")).toHaveAttribute("aria-label", /^Stacked areas: 203.0.113.1, /);
});

test("a node is explored from its page, and the address keeps what is shown", async ({ page, start }) => {
  const mock = await start();
  await open(page, mock, "nodes/192.0.2.14?last=6h");
  await page.getByRole("link", { name: "Explore its traffic" }).click();
  await expect(page).toHaveURL(/#\/explore\?last=6h&node=192\.0\.2\.14$/);
  await expect(page.getByRole("heading", { name: "Traffic of 192.0.2.14" })).toBeVisible();
  await expect(page.locator(".chart")).toHaveAttribute("aria-label", /^Stacked areas: TCP, UDP/);
  const rows = page.getByRole("region", { name: "Its protocols" }).locator("tbody tr");
  await expect(rows.first()).toContainText("packets/s");
  const shares = await rows.locator("td:nth-child(2)").allInnerTexts();
  const all = shares.map(Number.parseFloat).reduce((a, b) => a + b);
  expect(Math.abs(all - 100)).toBeLessThan(3);
  await expect(page.getByRole("region", { name: "Sources", exact: true })).toContainText("198.51.100.7");
  await page.getByRole("button", { name: "Sent" }).click();
  await expect(page).toHaveURL(/direction=out/);
  await page.reload();
  await settled(page);
  await expect(page.getByRole("button", { name: "Sent" })).toHaveAttribute("aria-pressed", "true");
  await expect(page.getByLabel("Node", { exact: true })).toHaveValue("192.0.2.14");
  await page.getByLabel("Node", { exact: true }).fill("192.0.2.0/24");
  await expect(page.getByRole("heading", { name: "Traffic of 192.0.2.0/24" })).toBeVisible();
  await page.getByRole("link", { name: "Traffic by" }).click();
  await expect(page).not.toHaveURL(/node=/);
  await expect(page.getByRole("heading", { name: "Traffic by source" })).toBeVisible();
});

test("what is left out under load is told, and since when", async ({ page, start }) => {
  const mock = await start();
  await open(page, mock);
  await expect(page.getByText("Reading is behind")).toHaveCount(0);
  mock.shed = "history detail";
  await page.reload();
  await settled(page);
  const note = page.locator(".warning.shed");
  await expect(note).toContainText(/Reading is behind since .*\d\d:\d\d/);
  await expect(note).toContainText("Explore's lists lack the flows of this time");
  await expect(note).not.toContainText("evidence");
});

test("a carpet bombing is called so, and ratios to next to nothing are not printed", async ({ page, start }) => {
  const mock = await start();
  const [most, least] = mock.alerts;
  most.times_expected = 3.2e6;
  least.times_expected = 0.002;
  await open(page, mock, "alerts?view=incidents");
  await expect(page.locator("tbody tr").first()).toContainText("carpet bombing udp flood");
  await open(page, mock);
  await expect(page.locator(".alert-list li").nth(0)).toContainText("> 1000 × expected");
  await expect(page.locator(".alert-list li").nth(1)).toContainText("no more than expected");
  await expect(page.locator(".alert-list")).not.toContainText("M ×");
});

test("nodes are put beside each other", async ({ page, start }) => {
  const mock = await start();
  await open(page, mock, "explore?view=nodes");
  await expect(page.getByText("Choose a node above.")).toBeVisible();
  await page.getByLabel("Add a node").fill("192.0.2.77");
  await page.getByRole("button", { name: "+ 192.0.2.77" }).click();
  await page.getByLabel("Add a node").fill("AS64500");
  await page.getByRole("button", { name: "+ AS64500" }).click();
  await page.getByLabel("Feature").selectOption("peers_in");
  await expect(page.locator(".chart")).toHaveAttribute("aria-label", "Peers in of 192.0.2.77, AS64500");
  await page.getByRole("button", { name: "Remove 192.0.2.77" }).click();
  await expect(page.locator("tbody tr")).toHaveCount(1);
});

test("exporters show loss, silence, clocks and details", async ({ page, start }) => {
  const mock = await start({ exporters: 60 });
  await open(page, mock, "exporters");
  await expect(page.getByText("1 to 25 of 60 exporters")).toBeVisible();
  const row = (name: string) =>
    page
      .getByRole("region", { name: "Exporters" })
      .locator("tr", { has: page.getByRole("button", { name, exact: true }) });
  await expect(row("203.0.113.3")).toContainText("2.1 %");
  await expect(row("203.0.113.4")).toContainText("11 min ago");
  await expect(row("203.0.113.2")).toContainText("+7.2 s");
  await expect(row("203.0.113.1")).toContainText("1 in 1 000");
  await expect(row("203.0.113.2")).toContainText("every packet, 1 in 4 000 configured");
  await expect(row("203.0.113.3")).toContainText("every packet assumed");
  await expect(row("203.0.113.5").locator("td").nth(5)).toHaveText("–");
  await page.getByRole("button", { name: "203.0.113.3", exact: true }).click();
  await expect(page.getByRole("region", { name: "Sequence numbers of 203.0.113.3" })).toContainText("41 220");
  await expect(page.getByRole("region", { name: "Ledger of every stage" })).toContainText("no node 88 211");
});

test("the model's card, drift, warmth and thresholds are shown", async ({ page, start }) => {
  const mock = await start();
  await open(page, mock, "model");
  await expect(page.getByText("1 of 6 volumes are off")).toBeVisible();
  await expect(page.locator(".histogram li")).toHaveCount(10);
  await expect(page.getByText("3,072,000 positions, one pass")).toBeVisible();
  await page.getByLabel("Task").selectOption("anomaly");
  await expect(page.getByText("off unless a policy names it")).toBeVisible();
});

test("a training is started, followed and stopped", async ({ page, start }) => {
  const mock = await start();
  await open(page, mock, "model");
  await expect(page.getByText("Nothing was trained since the service started.")).toBeVisible();
  await page.getByRole("button", { name: "Fine-tune" }).click();
  await expect(page.getByRole("progressbar", { name: "Progress" })).toBeVisible();
  await expect(page.getByText("/2000 steps, 3.1/s")).toBeVisible();
  await page.getByRole("button", { name: "Stop" }).click();
  await expect(page.getByText("stopped before its end; the model in force stays")).toBeVisible();
  mock.training.start("calibrate", mock.now());
  mock.training.end("refused", "the new model has steps of 5000 ms", mock.now());
  mock.send("training", mock.training.view());
  await expect(page.getByText("the new model has steps of 5000 ms")).toBeVisible();
  const slim = await start({ training: false });
  await open(page, slim, "model");
  await expect(page.getByText("This build collects and detects, and does not train.")).toBeVisible();
});

test("the demo is followed where the server offers it", async ({ page, start }) => {
  const mock = await start({ demo: true });
  await open(page, mock, "try");
  await expect(page.locator(".acts li.done")).toHaveCount(5);
  const real = await start();
  await open(page, real, "try");
  await expect(page.getByText("netflowgen serve --demo")).toBeVisible();
});

test("the time goes along from page to page", async ({ page, start }) => {
  const mock = await start();
  await open(page, mock);
  await page.getByRole("button", { name: "6h" }).click();
  await page.getByRole("link", { name: "Explore" }).click();
  await expect(page.getByRole("button", { name: "6h" })).toHaveAttribute("aria-pressed", "true");
  await page.getByRole("button", { name: "Custom" }).click();
  await page.getByLabel("From").fill("2026-03-04T10:00");
  await page.getByLabel("To", { exact: true }).fill("2026-03-04T11:30");
  await page.getByRole("button", { name: "Show", exact: true }).click();
  await expect(page).toHaveURL(/from=1772618400000&to=1772623800000/);
  await expect(page.getByRole("button", { name: "4 Mar 10:00 to 4 Mar 11:30" })).toBeVisible();
});

test("a hole in what history holds is no line, and the axis has all of the time", async ({ page, start }) => {
  const mock = await start();
  const drawn = async () => {
    await open(page, mock, "explore?view=nodes&nodes=192.0.2.14");
    await page.reload();
    await expect(page.locator(".chart canvas")).toBeVisible();
    return page.locator(".chart canvas").evaluate((c: HTMLCanvasElement) => {
      const { data, width, height } = c.getContext("2d")!.getImageData(0, 0, c.width, c.height);
      let columns = 0; // with a strong blue in them: the line's
      for (let x = 0; x < width; ++x)
        for (let y = 0; y < height; ++y) {
          const i = 4 * (y * width + x);
          if (data[i + 2]! - data[i]! > 60 && data[i + 3]! > 200) {
            ++columns;
            break;
          }
        }
      return columns / width;
    });
  };
  expect(await drawn()).toBeGreaterThan(0.7);
  mock.onlyEvery = 10; // Of ten steps of a node, history holds one.
  const points = await drawn();
  expect(points).toBeGreaterThan(0.003);
  expect(points).toBeLessThan(0.1);
});

test("the alerts of an incident are one row of the overview", async ({ page, start }) => {
  const mock = await start();
  const [first, second, third] = mock.alerts;
  for (const a of [first, second, third]) a.incident = "00112233445566aa";
  await open(page, mock);
  await expect(page.locator(".alert-list li")).toHaveCount(17);
  await page.getByRole("link", { name: "and 2 more of one incident" }).click();
  await expect(page).toHaveURL(/view=incidents&incident=00112233445566aa/);
});

test("dragging over a chart zooms", async ({ page, start }) => {
  const mock = await start();
  await open(page, mock);
  const box = (await page.locator(".chart .u-over").boundingBox())!;
  await page.mouse.move(box.x + box.width * 0.3, box.y + 50);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.6, box.y + 60, { steps: 5 });
  await page.mouse.up();
  await expect(page).toHaveURL(/from=\d+&to=\d+/);
  await settled(page);
  await expect(page.locator(".chart")).toBeVisible();
});
