import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { agentsInTable, attentionFirst, browse, Fleet, openPage, registered, textIs } from "./fleet.mjs";

let browser, fleet, page;

before(async () => {
  browser = await browse();
  fleet = await Fleet.start();
  page = await openPage(browser, fleet.url);
});
after(async () => {
  await browser?.close();
  await fleet?.stop();
  assert.deepEqual(page?.faults, []);
});

async function shows(...names) {
  await textIs(page, "#runs-count", new RegExp(`of ${names.length} runs?$`));
  assert.deepEqual((await agentsInTable(page)).sort(), names.sort());
}

test("an empty fleet says how to send the first heartbeat, and what it says works", async () => {
  await textIs(page, "#no-runs", /No runs yet/);
  await textIs(page, "#alerts-none", /No alerts yet/);
  await textIs(page, "#attention-none", /no runs/);
  const [, address] = /^curl (\S+)$/.exec(await page.textContent("#first"));
  assert.equal(address, `${fleet.url}ping/my-agent`);
  assert.equal((await fetch(address)).status, 202);
  await shows("my-agent");
  assert(await page.isHidden("#no-runs"));
  await fetch(`${address}/done`);
  await textIs(page, "#no-runs", /No runs yet/);
});

test("search, state and type narrow the table down, and the address keeps them", async () => {
  await fleet.send([
    registered("ada", { agent_type: "coder", task_id: "T-1", phase: "thinking" }),
    registered("bob", { agent_type: "coder", detail: "reads \"Thinking, fast\"" }),
    registered("eve", { agent_type: "planner" }),
    { kind: "idle", agent_id: "eve" },
  ]);
  await shows("ada", "bob", "eve");
  await page.fill("#search", "thinking");
  await shows("ada", "bob");
  await page.fill("#search", "t-1");
  await shows("ada");
  await page.fill("#search", "nobody");
  await textIs(page, "#no-match", /No run matches/);
  await page.click("#show-all");
  await shows("ada", "bob", "eve");

  await page.click("#figures [data-status=idle]");
  await shows("eve");
  assert.equal(await page.inputValue("#status"), "idle");
  assert.equal(await page.getAttribute("#figures [data-status=idle]", "aria-pressed"), "true");
  await page.reload();
  await shows("eve");
  await page.selectOption("#status", "");
  await shows("ada", "bob", "eve");
  await page.goto(`${fleet.url}#/?agent_type=coder`);
  await page.reload();
  await shows("ada", "bob");
  assert.equal(await page.inputValue("#type"), "coder");
  await page.selectOption("#type", "planner");
  await shows("eve");
  await page.click("#clear");
  await shows("ada", "bob", "eve");
});

test("a click on a column's head orders by it, another the other way round", async () => {
  await page.click("#grid-head .agent button");
  await textIs(page, "#grid-body [aria-rowindex='2'] .agent", /^ada/);
  assert.equal(await page.getAttribute("#grid-head .agent", "aria-sort"), "ascending");
  await page.click("#grid-head .agent button");
  await textIs(page, "#grid-body [aria-rowindex='2'] .agent", /^eve/);
  assert.equal(await page.getAttribute("#grid-head .agent", "aria-sort"), "descending");
  await page.selectOption("#sort", "attention");
  await page.waitForFunction(() => !document.querySelector("[aria-sort]"));
});

test("who needs attention is shown whatever the table is narrowed to", async () => {
  await page.fill("#search", "ada");
  await shows("ada");
  await fleet.send([{ kind: "activity", agent_id: "bob", stale_after_ms: 200 }]);
  await textIs(page, attentionFirst, /bob.*silent for [3-9] s/);  // also after further listings
  await shows("ada");
});
