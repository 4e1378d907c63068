import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { browse, Fleet, openPage, registered, textIs } from "./fleet.mjs";

let browser, fleet, page, folder;

before(async () => {
  browser = await browse();
  folder = mkdtempSync(join(tmpdir(), "hb-token-"));
  const file = join(folder, "tokens");
  writeFileSync(file, "read look-only-token-0123456789\nwrite send-only-token-0123456789\n", { mode: 0o600 });
  fleet = await Fleet.start({ gateway: { "token-file": file } });
  fleet.sign = { Authorization: "Bearer send-only-token-0123456789" };
  await fleet.send([registered("secret-agent")]);
  page = await openPage(browser, fleet.url);
});
after(async () => {
  await browser?.close();
  await fleet?.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function enter(token) {
  await page.fill("#token", token);
  await page.keyboard.press("Enter");
}

test("a gateway with tokens is asked for nothing until one is entered", async () => {
  await textIs(page, "#sign-in h1", /asks for a token/);
  assert.equal(await page.evaluate(() => document.activeElement.id), "token");
  assert(await page.isHidden("#fleet"));
  await page.reload();
  await textIs(page, "#sign-in h1", /asks for a token/);
});

test("a token that is unknown, or may not read, is refused in words", async () => {
  await enter("wrong");
  await textIs(page, "#sign-in-why", /does not know this token/);
  await enter("send-only-token-0123456789");
  await textIs(page, "#sign-in-title", /refuses/);
  await textIs(page, "#sign-in-why", /403/);
  assert(await page.isHidden("#fleet"));
});

test("the right one opens the page, for this tab alone", async () => {
  await enter("look-only-token-0123456789");
  await textIs(page, "#grid-body .agent", /secret-agent/);
  await textIs(page, "#health-text", /Alive/);
  await page.reload();
  await textIs(page, "#grid-body .agent", /secret-agent/);
  assert(!page.url().includes("token"));
  assert.equal(await page.evaluate(() => JSON.stringify(localStorage) + document.cookie), "{}");
  for (const context of [page.context(), await browser.newContext()]) {
    const other = await context.newPage();
    await other.goto(fleet.url);
    await textIs(other, "#sign-in h1", /asks for a token/);
    await other.close();
  }
});
