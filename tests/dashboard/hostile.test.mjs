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

test("characters that show nothing are shown by their number, unless they shape what is beside them", async () => {
  await page.goto(`${fleet.url}#/?sort=agent_id`);
  const shown = {
    "b\u00adlank": "b‹U+00AD›lank",
    "b\u3164\u115f\u1160\uffa0\u2800lank": "b‹U+3164›‹U+115F›‹U+1160›‹U+FFA0›‹U+2800›lank",
    "b\u200dl\u200ca\ufe0fnk": "b‹U+200D›l‹U+200C›a‹U+FE0F›nk",
    "b\u{e0041}\u180e\u2028lank": "b‹U+E0041›‹U+180E›‹U+2028›lank",
    "❤️ 👩🏽‍💻 1️⃣ ©": "❤️ 👩🏽‍💻 1️⃣ ©",
    "می‌خواهم क्‍ष": "می‌خواهم क्‍ष",
    "b\u061c\u200cl\u180e\u200dank": "b‹U+061C›‹U+200C›l‹U+180E›‹U+200D›ank",
    "می‌‌خواهم": "می‌‹U+200C›خواهم",
  };
  await fleet.send(Object.keys(shown).map((id) => registered(id)));
  await textIs(page, "#runs-count", /of 18 runs/);
  const names = await agentsInTable(page);
  for (const text of Object.values(shown)) assert(names.includes(text), `${text} in\n${names.join("\n")}`);
  await fleet.send(Object.keys(shown).map((agent_id) => ({ kind: "unregister", agent_id })));
});

test("characters that turn text around or have no width are shown by their number", async () => {
  await page.goto(`${fleet.url}#/?sort=agent_id`);
  await fleet.send([registered(turning)]);
  await textIs(page, "#runs-count", /of 11 runs/);
  const names = await agentsInTable(page);
  assert(names.includes("‹U+202E›txt.exe‹U+202C›‹U+200B›"), names.join("\n"));
  await page.locator("#grid-body .agent a", { hasText: "txt.exe" }).click();
  await textIs(page, "#run .run-state", /last heard/);
});

for (const id of [".", ".."]) {
  test(`an agent named ${id}, which is a step in an address, is told of in words`, async () => {
    await fleet.send([registered(id)]);
    await page.goto(`${fleet.url}#/?search=${id}&sort=agent_id`);
    await page.locator(`#grid-body .agent a[href="#/agent/${id}?run="]`).click();
    await textIs(page, "#run .run-state", /browser cannot ask.*hbctl why/);
    assert.equal(await page.textContent("#run h1"), id);
    await fleet.send([{ kind: "unregister", agent_id: id }]);
    await nothingRan();
  });
}

test("an answer that tells nothing of the agent is said, and replaced by one that does", async () => {
  const nothing = { success: false, error: { code: "no_such_path", message: "there is nothing at this path" } };
  await page.route("**/agents/**", (route) => route.fulfill({ status: 404, json: nothing }));
  await page.goto(`${fleet.url}#/agent/nobody`);
  await textIs(page, "#run .run-state", /cannot tell of this agent: there is nothing at this path/);
  await page.unroute("**/agents/**");
  await textIs(page, "#run .run-state", /Not in flight/);
});

test("an address that names nobody says so", async () => {
  await page.goto(`${fleet.url}#/agent/nobody?run=none`);
  await textIs(page, "#run .run-state", /Not in flight/);
  await page.goto(`${fleet.url}#/agent/%E0%A4%A`);
  await textIs(page, "#runs-count", /of 11 runs/);
  await nothingRan();
});
