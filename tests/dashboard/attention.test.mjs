import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { active, attentionFirst, browse, eventually, Fleet, openPage, registered, textIs }
  from "./fleet.mjs";

let browser, fleet, page;

before(async () => { browser = await browse(); });
after(() => browser?.close());

async function begin(options) {
  fleet = await Fleet.start(options);
  page = await openPage(browser, fleet.url);
}
test.afterEach(async () => {
  const faults = page?.faults;
  await page?.context().close();
  await fleet?.stop();
  assert.deepEqual(faults, []);
});

// When it became the first, as stale, by the browser's clock.
function firstSince(agent) {
  return page.waitForFunction(([attention, id]) => {
    const first = document.querySelector(attention);
    return first?.textContent.includes(id) && first.dataset.kind === "stale" ? Date.now() : 0;
  }, [attentionFirst, agent], { polling: "raf" }).then((handle) => handle.jsonValue());
}

test("a hanging agent is first within a second of its warning, and leaves when it is heard again", async () => {
  await begin();
  const quiet = Array.from({ length: 40 }, (_, i) => registered(`quiet-${i}`, { agent_type: "coder" }));
  await fleet.send([...quiet, registered("hanging", { phase: "tool:search", task_id: "T-7" })]);
  await textIs(page, "#runs-count", /of 41 runs/);
  await textIs(page, "#attention-none", /Nobody/);

  await fleet.send([active("hanging", { stale_after_ms: 1500 })]);
  const shown = await firstSince("hanging");
  const [alert] = await eventually(async () => {
    const { alerts } = await fleet.ask("alerts");
    return alerts.length > 0 && alerts;
  }, "the warning");
  assert(shown - alert.raised_at < 1000, `shown ${shown - alert.raised_at} ms after its warning`);

  await textIs(page, `${attentionFirst} .badge`, /Stale/);
  await textIs(page, "#grid-body .row[aria-rowindex='2'] .agent", /^hanging/);
  await textIs(page, "#grid-body .row[aria-rowindex='2'] .state", /stale/);
  await textIs(page, `${attentionFirst} .what`, /silent for \d+ s.*tool:search.*T-7/);
  await textIs(page, "#alerts-list li:first-child", /Stale agent detected: hanging/);
  await textIs(page, "#count-stale", /^1$/);
  await textIs(page, "#attention-title", /\(1\)/);
  assert.match(await page.title(), /^\(1\)/);
  await textIs(page, "#announcer", /Stale agent detected: hanging/);

  await fleet.send([active("hanging")]);
  await textIs(page, "#attention-none", /Nobody/);
  await textIs(page, "#alerts-list li:first-child", /Resolved: agent hanging active again/);
  await textIs(page, "#count-stale", /^0$/);
  assert.match(await page.title(), /^Heartbeat/);
});

test("who is close to a deadline is told before it passes", async () => {
  await begin();
  await fleet.send([registered("late", { running_for_ms: 9_500_000, timeout_after_ms: 10_000_000 })]);
  await textIs(page, `${attentionFirst} .badge`, /Soon/);
  await textIs(page, attentionFirst, /late.*timeout in 8 min/);
  await textIs(page, "#grid-body .deadline .due", /timeout in 8 min/);
  const [bar, fill] = await page.$eval("#grid-body .bar",
    (node) => [node.clientWidth, node.firstChild.clientWidth]);
  assert(fill / bar > 0.94 && fill / bar < 0.97, `the bar is ${fill} of ${bar}`);
  assert.match(await page.title(), /^Heartbeat/);  // nothing has happened yet
});

test("a run that was timed out stays in sight until it is dismissed, and then stays away", async () => {
  await begin();
  await fleet.send([registered("endless", { timeout_after_ms: 300, task_id: "T-9" })]);
  await textIs(page, attentionFirst, /Timed out.*endless.*taken out of flight.*T-9/);
  await textIs(page, "#count-all", /^0$/);
  await page.reload();
  await textIs(page, attentionFirst, /Timed out.*endless/);
  await page.click(`${attentionFirst} button`);
  await textIs(page, "#attention-none", /Nobody/);
  await page.reload();
  await textIs(page, "#alerts-list", /Timeout: agent endless/);
  await textIs(page, "#attention-none", /Nobody/);
});

test("a storm is told as one, and goes when it subsides", async () => {
  await begin();
  const ids = Array.from({ length: 30 }, (_, i) => `agent-${i}`);
  await fleet.send(ids.map((id) => registered(id)));
  await fleet.send(ids.map((id) => active(id, { stale_after_ms: 500 })));
  await textIs(page, attentionFirst, /Storm.*of 30 runs/);
  await textIs(page, "#attention-list", /and 27 more stale runs/);
  await textIs(page, "#alerts-list .notes", /warnings are not listed one by one/);
  await page.waitForFunction(() => document.querySelectorAll("#alerts-list li").length === 1);
  await page.getByText("Show all stale runs").click();
  await textIs(page, "#runs-count", /of 30 runs/);
  assert.equal(await page.inputValue("#status"), "stale");

  await fleet.send(ids.map((id) => active(id)));
  await textIs(page, "#attention-none", /Nobody/);
  await textIs(page, "#no-match", /No run matches/);
  await textIs(page, "#alerts-list li:first-child", /Resolved.*[Ss]torm/);
  assert.equal(await page.$$eval("#alerts-list li", (lines) => lines.length), 2);
});

test("numbers of a large incident that the page cannot know are not told as exact", async () => {
  fleet = await Fleet.start();
  await fleet.sendMany(Array.from({ length: 700 }, (_, i) => registered(`agent-${i}`, { timeout_after_ms: 1 })));
  await eventually(async () => (await fleet.ask("alerts?since_seq=699")).last_seq === 700, "700 timeouts");
  page = await openPage(browser, fleet.url);
  await textIs(page, "#rate-alerts", /^over 5\d\d$/);
  await textIs(page, "#attention-title", /\(over 200\)$/);
  await textIs(page, "#attention-list .more", /^and over 195 more that timed out/);
  assert.match(await page.title(), /^\(over 200\) /);
  await page.getByText("Dismiss all").click();
  await textIs(page, "#attention-none", /Nobody/);
  await textIs(page, "#attention-title", /attention$/);
});

test("of a storm whose own alert is kept no longer there is one line in the timeline", async () => {
  fleet = await Fleet.start();
  await fleet.send(Array.from({ length: 30 }, (_, i) => registered(`agent-${i}`, { stale_after_ms: 300, timeout_after_ms: 5000 })));
  const told = (kind) => eventually(async () =>
    (await fleet.ask("alerts")).alerts.find((alert) => alert.kind === kind), kind);
  const storm = await told("storm");
  await told("timeout");  // no stream brings the storm as news any more
  page = await openPage(browser, "about:blank");
  await page.route("**/alerts?*", async (route) => {
    const response = await route.fetch();
    const { alerts, ...rest } = await response.json();
    await route.fulfill({ response, json: { ...rest, alerts: alerts.filter(({ seq }) => seq > storm.seq) } });
  });
  await page.goto(fleet.url);
  await textIs(page, "#attention-list", /25 more that timed out/);
  await textIs(page, "#alerts-list", /Resolved.*A storm was on: its alerts are not listed one by one/);
  assert.equal(await page.getByText("A storm was on").count(), 1);
  assert.equal(await page.getByText("part of a storm").count(), 0);
});

test("stale runs that a truncated listing lacks are kept, counted and said; nobody is not", async () => {
  fleet = await Fleet.start();
  page = await openPage(browser, "about:blank");
  await page.route("**/ranking?*", async (route) => {
    const response = await route.fetch();
    const { agents, ...rest } = await response.json();
    await route.fulfill({ response, json: { ...rest, agents: agents.filter((row) => !row.stale), truncated: true } });
  });
  await page.goto(fleet.url);
  await fleet.send([registered("healthy"), registered("unlisted")]);
  await textIs(page, "#attention-none", /Nobody/);
  await fleet.send([active("unlisted", { stale_after_ms: 300 })]);
  await textIs(page, attentionFirst, /Stale.*unlisted/);
  await textIs(page, attentionFirst, /silent for [3-9] s/);  // also after further listings
  await textIs(page, "#attention-title", /\(1\)/);

  await page.route("**/alerts?*", async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, json: { ...await response.json(), alerts: [] } });
  });
  await page.evaluate(() => sessionStorage.setItem("said", ""));
  await page.addInitScript(() => addEventListener("DOMContentLoaded", () => {
    new MutationObserver(() => {
      const none = document.getElementById("attention-none");
      if (!none.hidden) sessionStorage.setItem("said", sessionStorage.getItem("said") + none.textContent);
    }).observe(document.body, { childList: true, subtree: true, characterData: true, attributes: true });
  }));
  await page.reload();
  await textIs(page, attentionFirst, /^1 stale run is not among those listed$/);
  await textIs(page, "#attention-title", /\(1\)/);
  assert.match(await page.title(), /^\(1\)/);
  assert.doesNotMatch(await page.evaluate(() => sessionStorage.getItem("said")), /Nobody/);
  await fleet.send([active("unlisted")]);
  await textIs(page, "#attention-none", /Nobody/);
});

test("a monitor that began anew is not charged with the storm of the one before, whether it alerts or not", async () => {
  await begin();
  const ids = Array.from({ length: 30 }, (_, i) => `agent-${i}`);
  await fleet.send(ids.map((id) => registered(id)));
  await fleet.send(ids.map((id) => active(id, { stale_after_ms: 500 })));
  await textIs(page, attentionFirst, /Storm.*of 30 runs/);
  await fleet.killMonitor();
  fleet.startMonitor();
  await textIs(page, "#attention-none", /Nobody: there are no runs/);
  await textIs(page, "#alerts-list li:first-child", /Note.*Another epoch/);
  assert.match(await page.title(), /^Heartbeat/);

  await fleet.send([registered("endless", { timeout_after_ms: 1 })]);
  await textIs(page, "#alerts-list li:first-child", /Timeout: agent endless/);
  assert.equal(await page.getByText("Another epoch").count(), 1);
});

test("alerts from before that could not be had at first are asked for again", async () => {
  fleet = await Fleet.start();
  await fleet.send([registered("endless", { timeout_after_ms: 1 })]);
  page = await openPage(browser, "about:blank");
  await page.route("**/alerts?*", (route) => route.fulfill({ status: 503, json: {} }), { times: 1 });
  await page.goto(fleet.url);
  await textIs(page, attentionFirst, /Timed out.*endless/);
  await textIs(page, "#alerts-list", /Timeout: agent endless/);
});

test("alerts from before and those of the stream are there, each once, whichever come first", async () => {
  fleet = await Fleet.start();
  const ids = ["one", "two", "three"];
  await fleet.send(ids.map((id) => registered(id, { timeout_after_ms: 1 })));
  await eventually(async () => (await fleet.ask("alerts")).last_seq === 3, "three alerts");
  page = await openPage(browser, fleet.url);
  await textIs(page, "#alerts-list", /one.*two|two.*one/);
  const lines = () => page.$$eval("#alerts-list .message", (all) => all.map((line) => line.textContent));
  assert.equal((await lines()).length, 3);
  await textIs(page, "#rate-alerts", /^3$/);
  // What the gateway itself hears late, a stream that is opened before has as news.
  await eventually(async () => (await fleet.ask("agents/three")).alerts.length === 1, "the gateway has them");

  let answer;
  const held = new Promise((resolve) => { answer = resolve; });
  await page.route("**/alerts?*", async (route) => {
    await held;
    await route.continue();
  });
  await page.reload();
  await textIs(page, "#health-text", /Alive/);
  await fleet.send([registered("four", { timeout_after_ms: 1 })]);
  await textIs(page, "#alerts-list", /agent four/);
  assert.deepEqual((await lines()).length, 1, (await lines()).join("\n"));
  answer();
  await textIs(page, "#alerts-list", /agent one/);
  assert.equal((await lines()).length, 4);
  assert.match((await lines())[0], /agent four/);
  await page.selectOption("#alerts-kind", "warning");
  await textIs(page, "#alerts-none", /No alerts of this kind/);
});
