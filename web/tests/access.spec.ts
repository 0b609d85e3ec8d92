// Keyboard, screen readers, narrow windows, colours, times, and how much is loaded.
import { expect, findings, open, settled, test, VIEWS } from "./base";

for (const colorScheme of ["light", "dark"] as const) {
  test(`axe has no serious finding on any page, ${colorScheme}`, async ({ page, start }) => {
    test.setTimeout(240_000);
    await page.emulateMedia({ colorScheme });
    const mock = await start({ demo: true });
    for (const [name, path] of Object.entries(VIEWS(mock.alerts[0].id, mock.alerts[0].node))) {
      await open(page, mock, path);
      expect(await findings(page), name).toEqual([]);
    }
    await open(page, mock, "alerts");
    for (const severity of ["low", "medium", "high", "critical"]) {
      await page.locator(`tbody tr:has(.severity.${severity})`).first().hover();
      expect(await findings(page), `below the pointer, ${severity}`).toEqual([]);
    }
    const locked = await start({ tokens: true });
    await page.goto(locked.url);
    await expect(page.getByLabel("Bearer token")).toBeVisible();
    expect(await findings(page), "token").toEqual([]);
  });
}

test("no page is wider than a phone, and the menu works there", async ({ page, start }) => {
  test.setTimeout(180_000);
  await page.setViewportSize({ width: 390, height: 844 });
  const mock = await start({ demo: true });
  for (const [name, path] of Object.entries(VIEWS(mock.alerts[0].id, mock.alerts[0].node))) {
    await open(page, mock, path);
    expect(await page.evaluate(() => document.documentElement.scrollWidth), name).toBeLessThanOrEqual(390);
  }
  const link = page.getByRole("link", { name: "Exporters" });
  await expect(link).toBeHidden();
  await page.getByRole("button", { name: "Menu" }).click();
  await link.click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Exporters");
  await expect(link).toBeHidden();
});

test("the keyboard skips to the content, sees its focus, and reads a chart", async ({ page, start }) => {
  const mock = await start();
  await open(page, mock);
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Skip to content" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.locator("main")).toBeFocused();
  await page.keyboard.press("Tab");
  const first = page.locator(":focus");
  await expect(first).toHaveText("15m");
  expect(await first.evaluate((e) => getComputedStyle(e).outlineStyle)).toBe("solid");
  await page.locator(".chart").focus();
  await page.keyboard.press("ArrowLeft");
  await expect(page.locator(".chart .tip")).toContainText("received");
  const before = await page.locator(".chart .tip b").innerText();
  await page.keyboard.press("Shift+ArrowLeft");
  expect(await page.locator(".chart .tip b").innerText()).not.toBe(before);
  await page.keyboard.press("Escape");
  await expect(page.locator(".chart .tip")).toBeHidden();
});

test.describe("in another time zone", () => {
  test.use({ timezoneId: "Asia/Kolkata" });
  test("times are in UTC or local, as chosen, also after a reload", async ({ page, start }) => {
    const mock = await start();
    const alert = mock.alerts[0];
    await open(page, mock, `alerts/${alert.id}`);
    const at = page.locator(".history li time").first();
    const text = (ms: number, zone: string) => `${new Date(ms).toISOString().slice(0, 19).replace("T", " ")} ${zone}`;
    await expect(at).toHaveText(text(alert.start_ms, "UTC"));
    await page.getByLabel("Time zone").selectOption("local");
    await expect(at).toHaveText(text(alert.start_ms + 5.5 * 3600e3, "UTC+05:30"));
    await page.reload();
    await settled(page);
    await expect(page.locator(".connection .now")).toContainText("UTC+05:30");
  });
});

test("colours follow the system, or the choice, also after a reload", async ({ page, start }) => {
  const mock = await start();
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await page.emulateMedia({ colorScheme: "light" });
  await open(page, mock);
  const light = await background();
  await page.emulateMedia({ colorScheme: "dark" });
  await expect.poll(background).not.toBe(light);
  await page.getByLabel("Colours").selectOption("light");
  expect(await background()).toBe(light);
  await page.reload();
  await settled(page);
  expect(await background()).toBe(light);
});

test("the first load is at most 300 KB, and all of it comes from this server", async ({ page, start }) => {
  const mock = await start();
  const sizes: number[] = [];
  const foreign: string[] = [];
  page.on("response", async (r) => {
    if (!r.url().startsWith(mock.url)) foreign.push(r.url());
    else if (!r.url().includes("/api/")) sizes.push((await r.body()).length);
  });
  await open(page, mock);
  await page.waitForLoadState("load");
  expect(foreign).toEqual([]);
  expect(sizes.length).toBeGreaterThanOrEqual(3);
  expect(sizes.reduce((a, b) => a + b, 0)).toBeLessThan(300 * 1024);
});
