// A browser, people who are logged in, and the HTTP API by their sessions.
import { chromium } from "playwright-core";

const { BASE_URL, CHROME_PATH } = process.env;

export const people = {
  admin: { email: process.env.ADMIN_EMAIL, password: process.env.ADMIN_PASSWORD },
  viewer: { email: process.env.VIEWER_EMAIL, password: process.env.VIEWER_PASSWORD },
};

/** Chromium does not isolate itself when it is run by root, so it has to be told not to try. */
const args = process.getuid() === 0 ? ["--no-sandbox"] : [];

export const launch = () => chromium.launch({ executablePath: CHROME_PATH, args });

/** A page of somebody who is logged in. What the page complains about is gathered in `page.complaints`. */
export async function pageOf(browser, person, options = {}) {
  const context = await browser.newContext({ baseURL: BASE_URL, ...options });
  const page = await context.newPage();
  page.complaints = [];
  page.on("pageerror", (error) => page.complaints.push(error.message));
  page.on("console", (message) => {
    // an answer with an error is reported by the browser too; the tests look at what the page says
    const refused = message.text().startsWith("Failed to load resource");
    if (message.type() === "error" && !refused) page.complaints.push(message.text());
  });
  await page.goto("/login");
  await page.getByLabel("E-mail").fill(person.email);
  await page.getByLabel("Password").fill(person.password);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.waitForURL((url) => url.pathname !== "/login");
  return page;
}

/** Calls the HTTP API from within the page, as its scripts do. */
export async function api(page, method, path, body) {
  return page.evaluate(
    async ({ method, path, body }) => {
      const csrf = document.querySelector('meta[name="csrf-token"]').content;
      const headers = { "X-CSRF-Token": csrf, "Content-Type": "application/json" };
      const response = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
      const text = await response.text();
      return { status: response.status, body: text ? JSON.parse(text) : null };
    },
    { method, path, body },
  );
}
