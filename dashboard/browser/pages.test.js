// Every page: nothing to complain about, usable by everybody, and nothing to do for those who may only look.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import AxeBuilder from "@axe-core/playwright";
import { launch, pageOf, people } from "./support.js";

const PAGES = ["/", "/jobs", "/dead-letters", "/bulk", "/schedules", "/queues", "/workers", "/audit"];

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

test("a page says that its session is over instead of going quiet", async () => {
  const page = await pageOf(browser, people.admin);
  await page.goto("/jobs");
  await page.context().clearCookies();
  await page.evaluate(() => document.dispatchEvent(new CustomEvent("page:stale")));
  await page.getByText("Your session is over").waitFor();
  await page.context().close();
});
