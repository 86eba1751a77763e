// What an operator does on a bad day, against real workers.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { api, launch, pageOf, people } from "./support.js";

/** No campaign has it, so the job that is to launch it fails for good. */
const NOBODY = `campaign_${"0".repeat(32)}`;

let browser;
let page;
before(async () => {
  browser = await launch();
  page = await pageOf(browser, people.admin);
});
after(() => browser.close());

test("a job that failed is found by its error, mended, run again, and seen to complete", async () => {
  const campaign = await api(page, "POST", "/api/campaigns", {
    name: "Of the browser",
    type: "promotion",
    targetAudience: { clusters: ["boyfanz"] },
    content: { subject: "Hello", message: "Hello" },
    schedule: { type: "immediate" },
  });
  assert.equal(campaign.status, 201, JSON.stringify(campaign.body));
  const enqueued = await api(page, "POST", "/api/jobs", { kind: "campaign.launch", args: { campaignId: NOBODY } });
  assert.equal(enqueued.status, 202, JSON.stringify(enqueued.body));

  await page.goto("/jobs?q=state:dead kind:campaign.launch");
  // it comes by itself, when it is dead
  await page.getByRole("link", { name: "campaign.launch", exact: true }).first().waitFor();
  await page.goto("/dead-letters");
  await page.getByRole("link", { name: "Look at the newest" }).first().click();
  await page.getByText("Edit and run again").click();
  await page.getByRole("textbox", { name: "Arguments" }).fill(JSON.stringify({ campaignId: campaign.body.id }));
  await page.getByRole("button", { name: "Run again with these" }).click();
  await page.getByText("It waits to run again.").waitFor();
  await page.goto(`/jobs?q=args.campaignId:${campaign.body.id}`);
  await page.locator(".state-completed").first().waitFor();
});

test("a queue is paused and resumed", async () => {
  await page.goto("/");
  const row = page.locator("#queue-operations");
  await row.getByRole("button", { name: "Pause" }).click();
  await row.getByText("paused").waitFor();
  await row.getByRole("button", { name: "Resume" }).click();
  await row.getByRole("button", { name: "Pause" }).waitFor();
});

test("a thousand jobs are cancelled by a filter, after a count and with a reason", async () => {
  const runAt = new Date(Date.now() + 3600_000).toISOString();
  // a campaign has one such job at a time, so each is for another
  const campaignId = (n) => `campaign_${String(n).padStart(32, "0")}`;
  const jobs = Array.from({ length: 1000 }, (_, n) => ({ kind: "campaign.launch", args: { campaignId: campaignId(n + 1) }, tags: ["doomed"], runAt }));
  assert.equal((await api(page, "POST", "/api/jobs", { jobs })).status, 202);
  await page.goto("/jobs?q=tag:doomed state:scheduled");
  await page.getByText("All that match", { exact: true }).click();
  await page.getByRole("button", { name: "Cancel all that match" }).click();
  await page.getByText("1,000 jobs").waitFor();
  await page.getByLabel("Why").fill("Made by a test");
  await page.getByRole("button", { name: "Do it to 1,000" }).click();
  await page.waitForURL("**/bulk");
  const row = page.locator("tr", { hasText: "doomed" }).first();
  await row.getByText("completed").waitFor();
  assert.match(await row.innerText(), /1,000/);
});

test("jobs get another priority all at once, and get back what they had", async () => {
  const runAt = new Date(Date.now() + 3600_000).toISOString();
  const campaignId = (n) => `campaign_${String(n).padStart(32, "0")}`;
  const jobs = Array.from({ length: 30 }, (_, n) => ({ kind: "campaign.launch", args: { campaignId: campaignId(n + 5001) }, tags: ["hurried"], runAt }));
  assert.equal((await api(page, "POST", "/api/jobs", { jobs })).status, 202);
  await page.goto("/jobs?q=tag:hurried state:scheduled");
  await page.getByText("All that match", { exact: true }).click();
  await page.getByLabel("Priority").selectOption("critical");
  await page.getByRole("button", { name: "Change priority of all that match" }).click();
  await page.getByLabel("Why").fill("Somebody waits");
  await page.getByRole("button", { name: "Do it to 30" }).click();
  await page.waitForURL("**/bulk");
  const row = page.locator("tr", { hasText: "make critical" }).first();
  await row.getByText("completed").waitFor();
  await row.getByRole("button", { name: "Undo" }).click();
  await page.getByRole("button", { name: "Yes" }).click();
  const back = page.locator("tr", { hasText: "take back" }).first();
  await back.getByText("completed").waitFor();
  const found = await api(page, "GET", "/api/jobs?tag=hurried&limit=100");
  assert.deepEqual([...new Set(found.body.items.map((job) => job.priority))], ["high"]);
});

test("a campaign is watched as it is paused and resumed", async () => {
  const made = await api(page, "POST", "/api/campaigns", {
    name: "Watched in the browser",
    type: "promotion",
    targetAudience: { clusters: ["boyfanz"] },
    content: { subject: "Hello", message: "Hello" },
    schedule: { type: "scheduled", at: new Date(Date.now() + 3600_000).toISOString() },
  });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  await page.goto("/campaigns");
  await page.getByRole("link", { name: "Watched in the browser" }).click();
  await page.getByRole("button", { name: "Launch" }).click();
  await page.getByRole("button", { name: "Yes" }).click();
  await page.getByText("scheduled", { exact: false }).first().waitFor();
  await page.getByRole("button", { name: "Pause" }).click();
  await page.getByRole("button", { name: "Resume" }).click();
  await page.getByRole("button", { name: "Pause" }).waitFor();
});

test("a schedule is made, fired by hand and seen to have run", async () => {
  await page.goto("/schedules");
  await page.getByText("New schedule").click();
  await page.getByLabel("Name").first().fill("Of the browser");
  await page.getByLabel("Kind").selectOption("onboarding.sweep");
  await page.getByLabel("When (cron)").first().fill("0 3 * * *");
  await page.getByRole("button", { name: "Create" }).click();
  const made = page.locator("article.schedule", { hasText: "Of the browser" });
  await made.getByRole("button", { name: "Run now" }).click();
  await made.getByText("by hand").first().waitFor();
});

test("nothing on these pages was complained about", () => assert.deepEqual(page.complaints, []));
