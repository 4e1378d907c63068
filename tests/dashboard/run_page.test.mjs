import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { active, browse, eventually, Fleet, openPage, registered, textIs } from "./fleet.mjs";

let browser, fleet, page;

before(async () => {
  browser = await browse();
  fleet = await Fleet.start({ state: true, monitor: { "alerts-kept": 1 } });
  await fleet.send([
    registered("worker", { run_id: "r1", task_id: "T-1", agent_type: "coder", source: "s1", seq: 1 }),
    active("worker", { run_id: "r1", progress: 7, phase: "tool:bash", source: "s1", seq: 4 }),
    registered("worker", { run_id: "r2" }),
    registered("other"),
  ]);
  page = await openPage(browser, fleet.url);
});
after(async () => {
  await browser?.close();
  await fleet?.stop();
  assert.deepEqual(page?.faults, []);
});

test("the page of a run tells what it does, its limits and where they come from, and why", async () => {
  await textIs(page, "#runs-count", /of 3 runs/);
  await page.locator("#grid-body .agent", { hasText: "worker r1" }).click();
  await textIs(page, "#run h1", /^worker$/);
  await textIs(page, "#run .run-part h2", /^Run r1$/);
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "worker");
  await textIs(page, "#run .run-state", /running: last heard/);
  await textIs(page, "#run .meter:first-child", /stale in .*of 5 min 00 s \(limit from /);
  await textIs(page, "#run .meter:last-child", /timeout in .*of 30 min 00 s \(limit from /);
  await textIs(page, "#run .facts", /T-1.*coder.*tool:bash.*7/);
  await textIs(page, "#run .why", /verdict.*running.*limits.*heard.*losses/);
  await textIs(page, "#run .events", /activity .* ago, at .*register .* ago, at /);
  assert.equal(await page.$$eval("#run .run-part", (parts) => parts.length), 1);
});

test("it is live, and a warning about it appears in it", async () => {
  await fleet.send([active("worker", { run_id: "r1", progress: 8, detail: "line 8", stale_after_ms: 300 })]);
  await textIs(page, "#run .facts", /line 8.*8/);
  await textIs(page, "#run .run-state", /stale: silent for/);
  await textIs(page, "#run .alert-list", /Stale agent detected: worker/);
  await textIs(page, "#run .why [data-severity=warning]", /stale/);
  await fleet.send([active("worker", { run_id: "r1" })]);
  await textIs(page, "#run .alert-list li:first-child", /Resolved: agent worker/);
});

test("without a run's name all runs of the agent are there", async () => {
  await page.goto(`${fleet.url}#/agent/worker`);
  await textIs(page, "#run .run-state", /2 runs in flight/);
  assert.equal(await page.$$eval("#run .run-part", (parts) => parts.length), 2);
});

test("Escape, the browser's Back and the link all lead back to the fleet as it was", async () => {
  await page.goto(`${fleet.url}#/?search=worker`);
  for (const back of [
    () => page.keyboard.press("Escape"), () => page.goBack(), () => page.click("#run .back")]) {
    await textIs(page, "#runs-count", /runs?$/);
    await page.locator("#grid-body .agent a").first().click();
    await textIs(page, "#run h1", /^worker$/);
    await back();
    await page.waitForFunction(() => document.activeElement.id === "grid");
    assert(await page.isVisible("#fleet"));
    assert(await page.isHidden("#run"));
    assert.equal(await page.inputValue("#search"), "worker");
  }
});

// Until the page that is open has been told of `agent` so many times more.
async function answers(agent, times) {
  for (let i = 0; i < times; ++i) await page.waitForResponse(`**/agents/${agent}?*`);
}

function countHistory() {
  const asked = { times: 0 };
  page.on("request", (request) => { asked.times += request.url().includes("/history?"); });
  return asked;
}

test("the state file is read once, and again after another alert of the run", async () => {
  const asked = countHistory();
  await page.goto(`${fleet.url}#/agent/other?run=`);
  await textIs(page, "#run .run-state", /last heard/);
  await answers("other", 3);
  assert.equal(asked.times, 1);
  await fleet.send([active("other", { stale_after_ms: 300 })]);
  await textIs(page, "#run .alert-list", /Stale agent detected: other/);
  await answers("other", 3);
  assert.equal(asked.times, 2);
});

test("what a run does, and what happens to it, waits for no history", async () => {
  let answer;
  const held = new Promise((resolve) => { answer = resolve; });
  await page.route("**/history?*", async (route) => {
    await held;
    await route.continue();
  });
  await page.goto(`${fleet.url}#/agent/worker?run=r2`);
  await textIs(page, "#run .run-state", /last heard/);
  await textIs(page, "#run .why", /verdict/);
  await textIs(page, "#run .empty", /Older ones are being read/);
  await fleet.send([active("worker", { run_id: "r2", stale_after_ms: 300 })]);
  await textIs(page, "#run .run-state", /stale: silent for/);
  await fleet.send([active("worker", { run_id: "r2" })]);
  await textIs(page, "#run .run-state", /last heard/);
  await textIs(page, "#run .alert-list li:first-child", /Resolved: agent worker/);
  answer();
  await textIs(page, "#run .alert-list", /Resolved: agent worker.*Stale agent detected: worker/);
  await page.waitForFunction(() => document.querySelector("#run .empty").hidden);
  await page.unroute("**/history?*");
});

test("a gateway that reads no state file is not asked for what is in it", async () => {
  const bare = await Fleet.start();
  try {
    await bare.send([registered("other")]);
    await page.goto(`${bare.url}#/agent/other?run=`);
    const asked = countHistory();
    await page.reload();
    await answers("other", 2);
    assert.equal(asked.times, 0);
  } finally {
    await page.goto("about:blank");
    await bare.stop();
  }
});

test("alerts that the monitor keeps no longer are told from its state file", async () => {
  await fleet.send([registered("old", { timeout_after_ms: 1, task_id: "T-3" })]);
  await page.goto(`${fleet.url}#/agent/old?run=`);
  await textIs(page, "#run .alert-list", /Timeout: agent old/);
  await textIs(page, "#run .run-state", /it ended at .*timed out/);
  await fleet.send([registered("newer", { timeout_after_ms: 1 })]);
  await eventually(async () => (await fleet.ask("alerts")).alerts[0]?.agent_id === "newer", "the newest alert");
  await fleet.killMonitor();
  await textIs(page, "#banner", /does not answer/);
  await fleet.killGateway();
  fleet.startMonitor();
  await fleet.startGateway();
  await fleet.ready();
  await textIs(page, "#health-text", /Alive and keeping up/);
  await page.reload();
  await textIs(page, "#run .alert-list", /Timeout: agent old/);
  assert.equal(await page.$$eval("#run .alert-list li", (lines) => lines.length), 1);
});
