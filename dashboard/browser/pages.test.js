// Every page: nothing to complain about, usable by everybody, and nothing to do for those who may only look.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import AxeBuilder from "@axe-core/playwright";
import { api, launch, pageOf, people } from "./support.js";

const PAGES = ["/", "/jobs", "/dead-letters", "/campaigns", "/batches", "/bulk", "/schedules", "/queues", "/workers", "/audit"];

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

for (const [name, options] of Object.entries({
  light: { colorScheme: "light" },
  dark: { colorScheme: "dark" },
  narrow: { viewport: { width: 390, height: 844 } },
})) {
  test(`every page is accessible and at peace: ${name}`, async () => {
    const page = await pageOf(browser, people.admin, options);
    for (const path of PAGES) {
      await page.goto(path);
      const { violations } = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]).analyze();
      const found = violations.map(({ id, nodes }) => `${id}: ${nodes[0].html}`);
      assert.deepEqual(found, [], `${name} ${path}`);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
      assert.equal(wide, false, `${name} ${path} is wider than the screen`);
      const inSight = await page.locator("nav [aria-current=page]").evaluateAll((all) =>
        all.every((item) => {
          const { left, right } = item.getBoundingClientRect();
          return left >= 0 && right <= innerWidth;
        }),
      );
      assert.ok(inSight, `${name} ${path} does not show in which section it is`);
    }
    assert.deepEqual(page.complaints, []);
    await page.context().close();
  });
}

test("without scripts pages are read all the same", async () => {
  const page = await pageOf(browser, people.admin, { javaScriptEnabled: false });
  for (const path of PAGES) {
    await page.goto(path);
    assert.ok(await page.locator("h1").count(), path);
    assert.ok(await page.locator("#live").innerText(), path);
  }
  await page.context().close();
});

test("whoever may only look is offered nothing and refused what they try", async () => {
  const page = await pageOf(browser, people.viewer);
  await page.goto("/jobs");
  assert.equal(await page.locator("[data-bulk], [data-each], form[data-api^='POST']").count(), 0);
  await page.goto("/queues");
  assert.ok(await page.getByText("needs the permission").isVisible());
  await page.goto("/jobs");
  const refused = await api(page, "PATCH", "/api/queues/operations", { paused: true });
  assert.equal(refused.status, 403);
  const bulk = await api(page, "POST", "/api/bulk-operations", { action: "cancel", filter: { queue: "operations" } });
  assert.equal(bulk.status, 403);
  await page.context().close();
});

test("the palette leads anywhere by keyboard", async () => {
  const page = await pageOf(browser, people.admin);
  await page.keyboard.press("Control+k");
  await page.getByLabel("Where to").fill("schedul");
  await page.keyboard.press("Enter");
  await page.waitForURL("**/schedules");
  await page.keyboard.press("g");
  await page.keyboard.press("q");
  await page.waitForURL("**/queues");
  await page.context().close();
});

test("the filter completes the word that is being written, by keyboard", async () => {
  const page = await pageOf(browser, people.admin);
  await page.goto("/jobs");
  const filter = page.getByRole("combobox", { name: "Filter" });
  await filter.fill("state:dead kind:campaign.la");
  await page.getByRole("option", { name: "kind:campaign.launch" }).waitFor();
  await filter.press("ArrowDown");
  await filter.press("Enter");
  assert.equal(await filter.inputValue(), "state:dead kind:campaign.launch ");
  await filter.press("Enter");
  await page.waitForURL("**/jobs?q=state%3Adead+kind%3Acampaign.launch*");
  await page.context().close();
});

test("a schedule's next ten ticks are shown while its pattern is written", async () => {
  const page = await pageOf(browser, people.admin);
  await page.goto("/schedules");
  await page.getByText("New schedule").click();
  await page.getByLabel("When (cron)").first().fill("30 4 * * *");
  const preview = page.locator("[data-preview]").first();
  await preview.locator("li").nth(9).waitFor();
  await page.getByLabel("When (cron)").first().fill("nonsense");
  await preview.locator(".refusal").waitFor();
  await page.context().close();
});

test("no other site shows a page within its own", async () => {
  const page = await pageOf(browser, people.admin);
  const refused = page.waitForEvent("requestfailed", (request) => /\/(queues|login)/.test(request.url()));
  const victim = new URL("/queues", page.url()).href;
  await page.goto("data:text/html,<p>elsewhere</p>");
  await page.setContent(`<iframe src="${victim}"></iframe>`);
  await refused;
  await page.context().close();
});

test("a change that another site sends with the session is refused", async () => {
  const page = await pageOf(browser, people.admin);
  const target = new URL("/api/queues/operations", page.url()).href;
  const cookies = await page.context().cookies();
  const header = cookies.map(({ name, value }) => `${name}=${value}`).join("; ");
  const answer = await fetch(target, {
    method: "PATCH",
    headers: { cookie: header, origin: "https://evil.example", "sec-fetch-site": "cross-site", "content-type": "application/json" },
    body: JSON.stringify({ paused: true }),
  });
  assert.equal(answer.status, 403);
  await page.context().close();
});

test("hostile names, arguments and tags stay text", async () => {
  const page = await pageOf(browser, people.admin);
  const bad = '<img src=x onerror="window.owned=1"><script>window.owned=1</script>';
  const made = await api(page, "POST", "/api/campaigns", {
    name: bad,
    type: "promotion",
    targetAudience: { clusters: ["boyfanz"] },
    content: { subject: "Hello", message: bad },
    schedule: { type: "immediate" },
  });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  const runAt = new Date(Date.now() + 3600_000).toISOString();
  const job = await api(page, "POST", "/api/jobs", { kind: "campaign.launch", args: { campaignId: made.body.id }, tags: [bad], runAt });
  assert.equal(job.status, 202, JSON.stringify(job.body));
  for (const path of ["/campaigns", `/campaigns/${made.body.id}`, `/jobs?q=args.campaignId:${made.body.id}`, "/audit"]) {
    await page.goto(path);
    assert.equal(await page.evaluate(() => window.owned), undefined, path);
    assert.equal(await page.locator("main img").count(), 0, path);
  }
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test("a page says that its session is over instead of going quiet", async () => {
  const page = await pageOf(browser, people.admin);
  await page.goto("/jobs");
  await page.context().clearCookies();
  await page.evaluate(() => document.dispatchEvent(new CustomEvent("page:stale")));
  await page.getByText("Your session is over").waitFor();
  await page.context().close();
});
