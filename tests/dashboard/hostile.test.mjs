import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { agentsInTable, browse, Fleet, openPage, registered, textIs } from "./fleet.mjs";

const markup = "<img src=x onerror=\"window.hit='img'\">";
const ids = [
  markup,
  "\"><script>window.hit='script'</script>",
  "'\" onmouseover=window.hit=1 x='",
  "&lt;b&gt;&amp;",
  "javascript:window.hit=1",
  "a/b/../..?run=x#/agent/y%2f%",
  "עברית and العربية",
  "two  spaces ",
  "__proto__",
  "x".repeat(128),
];
const turning = "\u202etxt.exe\u202c\u200b";

let browser, fleet, page;

before(async () => {
  browser = await browse();
  fleet = await Fleet.start();
  page = await openPage(browser, `${fleet.url}#/?sort=agent_id`);
});
after(async () => {
  await browser?.close();
  await fleet?.stop();
});

async function nothingRan() {
  assert.equal(await page.evaluate(() => window.hit), undefined);
  assert.equal(await page.$$eval("main img, main script, main b[onclick]", (nodes) => nodes.length), 0);
  assert.deepEqual(page.faults, []);
}

test("what agents say is text, in every place where it is shown", async () => {
  await fleet.send(ids.map((id) => registered(id, { run_id: markup, task_id: markup,
    agent_type: markup.slice(0, 64), phase: markup, detail: markup })));
  await textIs(page, "#runs-count", /of 10 runs/);
  assert.deepEqual((await agentsInTable(page)).sort(), [...ids].sort());
  await page.click("#type");
  await page.keyboard.press("Escape");
  await fleet.send(ids.slice(0, 4).map((id) =>
    ({ kind: "activity", agent_id: id, run_id: markup, stale_after_ms: 1 })));
  for (const list of ["#attention-list", "#alerts-list"]) {
    await textIs(page, list, /onerror.*<script>|<script>.*onerror/);
  }
  await textIs(page, "#announcer", /./);
  await nothingRan();
});

for (const id of ids) {
  test(`the page of ${JSON.stringify(id).slice(0, 50)} is its own`, async () => {
    await page.goto(`${fleet.url}#/?sort=agent_id`);
    await textIs(page, "#runs-count", /of 10 runs/);
    await page.locator("#grid-body .agent a", { hasText: id }).and(
      page.locator(`[href="#/agent/${encodeURIComponent(id).replaceAll('"', '\\"')}?run=${encodeURIComponent(markup)}"]`),
    ).click();
    await textIs(page, "#run .why", /./);
    assert.equal(await page.textContent("#run h1"), id);
    assert.equal(await page.textContent("#run .run-part h2"), `Run ${markup}`);
    await nothingRan();
  });
}

test("characters that turn text around or have no width are shown by their number", async () => {
  await page.goto(`${fleet.url}#/?sort=agent_id`);
  await fleet.send([registered(turning)]);
  await textIs(page, "#runs-count", /of 11 runs/);
  const names = await agentsInTable(page);
  assert(names.includes("‹U+202E›txt.exe‹U+202C›‹U+200B›"), names.join("\n"));
  await page.locator("#grid-body .agent a", { hasText: "txt.exe" }).click();
  await textIs(page, "#run .run-state", /last heard/);
});

test("an address that names nobody says so", async () => {
  await page.goto(`${fleet.url}#/agent/nobody?run=none`);
  await textIs(page, "#run .run-state", /Not in flight/);
  await page.goto(`${fleet.url}#/agent/%E0%A4%A`);
  await textIs(page, "#runs-count", /of 11 runs/);
  await nothingRan();
});
