import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { active, browse, Fleet, openPage, registered, textIs } from "./fleet.mjs";

let browser, fleet, page;

before(async () => { browser = await browse(); });
after(() => browser?.close());
beforeEach(async () => {
  fleet = await Fleet.start();
  await fleet.send([registered("alpha"), registered("beta")]);
  page = await openPage(browser, fleet.url);
  await textIs(page, "#runs-count", /of 2 runs/);
  await textIs(page, "#health-text", /Alive and keeping up/);
});
afterEach(async () => {
  await page?.context().close();
  await fleet?.stop();
});

// Everything that could be taken for how things are.
const shown = () => page.evaluate(() => ({
  old: document.body.classList.contains("old"),
  asOf: document.getElementById("as-of").textContent,
  age: document.querySelector("#grid-body .last").textContent,
  rate: document.getElementById("rate-events").textContent,
}));

async function nothingIsCurrent() {
  const first = await shown();
  assert(first.old);
  assert.match(first.asOf, /^as of \d\d:\d\d:\d\d$/);
  assert.equal(first.rate, "–");
  assert.match(await page.title(), /^No news!/);
  const grey = await page.$eval("#grid-body", (node) => getComputedStyle(node).filter);
  assert.match(grey, /grayscale/);
  const said = await page.$eval("#runs-title", (node) => getComputedStyle(node, "::after").content);
  assert.match(said, /old/);
  // The clock in the banner goes on; the ages of rows do not.
  const banner = await page.textContent("#banner");
  await page.waitForFunction((text) => document.getElementById("banner").textContent !== text, banner);
  assert.deepEqual(await shown(), first);
}

test("a killed monitor is said, and nothing is shown as current; restarted, the page recovers", async () => {
  await page.evaluate(() => {
    const banner = document.getElementById("banner");
    window.banners = [];
    new MutationObserver(() => window.banners.push(banner.textContent))
      .observe(banner, { childList: true, characterData: true, subtree: true });
  });
  await fleet.killMonitor();
  await textIs(page, "#banner", /monitor \(hbmond\) does not answer since \d\d:\d\d:\d\d/);
  await textIs(page, "#health-text", /monitor is gone/);
  assert.equal(await page.getAttribute("#banner", "data-level"), "error");
  await textIs(page, "#announcer", /does not answer/);
  await nothingIsCurrent();
  await page.waitForFunction(() => new Set(window.banners).size > 5);  // for some seconds
  const ofGateway = await page.evaluate(() => window.banners.filter((text) => /No news|gateway/.test(text)));
  assert.deepEqual(ofGateway, []);  // which is there, and says so each second

  fleet.startMonitor();
  await fleet.ready();
  await fleet.send([active("gamma")]);
  await textIs(page, "#health-text", /Alive and keeping up/);
  await textIs(page, "#runs-count", /of 1 run$/);
  await textIs(page, "#grid-body .agent", /^gamma/);
  assert(await page.isHidden("#banner"));
  assert.equal((await shown()).old, false);
  await fleet.send([registered("gamma", { timeout_after_ms: 1 })]);
  await textIs(page, "#alerts-list li:first-child", /Timeout: agent gamma/);
});

test("a monitor that is held up is not called gone, and what it last said is not shown as current", async () => {
  await page.evaluate(() => {
    window.said = "";
    new MutationObserver(() => {
      for (const id of ["health-text", "banner", "announcer"]) window.said += document.getElementById(id).textContent;
    }).observe(document.body, { childList: true, characterData: true, subtree: true });
  });
  fleet.monitor.kill("SIGSTOP");
  await textIs(page, "#health-text", /^The monitor has not answered for [12] s$/);
  assert.equal(await page.getAttribute("#health", "data-state"), "behind");
  assert((await shown()).old);
  assert.match((await shown()).asOf, /^as of/);
  assert.match(await page.$eval("#grid-body", (node) => getComputedStyle(node).filter), /grayscale/);
  fleet.monitor.kill("SIGCONT");
  await textIs(page, "#health-text", /Alive and keeping up/);
  assert.equal((await shown()).old, false);
  assert.doesNotMatch(await page.evaluate(() => window.said), /gone|does not answer|answers again/);
});

test("opened while the monitor is gone, the page says so and shows no figures", async () => {
  await fleet.killMonitor();
  await textIs(page, "#banner", /does not answer/);
  await page.reload();
  await textIs(page, "#banner", /does not answer/);
  await textIs(page, "#count-all", /^–$/);
  await textIs(page, "#attention-none", /Not known/);
  await textIs(page, "#runs-count", /not known/);
  assert(await page.isHidden("#no-runs"));
  assert.match(await page.title(), /^No news!/);
});

test("a killed gateway is said, a new one is found, and no alert between them is missed", async () => {
  await fleet.send([active("alpha", { stale_after_ms: 1500 })]);
  await fleet.killGateway();
  await textIs(page, "#banner", /No news for .*gateway/);
  await textIs(page, "#health-text", /No connection to the gateway/);
  await nothingIsCurrent();

  await fleet.startGateway();
  await textIs(page, "#health-text", /Alive and keeping up/);
  await textIs(page, "#alerts-list", /Stale agent detected: alpha/);
  assert(await page.isHidden("#banner"));
  assert.equal((await shown()).old, false);
});

test("rows that are not renewed are not shown as current, although the stream goes on", async () => {
  await page.route("**/ranking?*", (route) => route.fulfill({ status: 500, json: {} }));
  await page.waitForFunction(() => document.body.classList.contains("rows-old"));
  await textIs(page, "#runs-count", /as of \d+ s ago/);
  await textIs(page, "#health-text", /Alive and keeping up/);
  for (const rows of ["#grid-body", "#attention-list"]) {
    assert.match(await page.$eval(rows, (node) => getComputedStyle(node).filter), /grayscale/);
  }
  await page.unroute("**/ranking?*");
  await page.waitForFunction(() => !document.body.classList.contains("rows-old"));
});

test("a gateway that only falls silent is noticed, and what happened meanwhile is not missed", async () => {
  await fleet.send([active("alpha", { stale_after_ms: 2500 })]);
  fleet.gateway.kill("SIGSTOP");
  await textIs(page, "#banner", /No news for/);
  await nothingIsCurrent();
  fleet.gateway.kill("SIGCONT");
  await textIs(page, "#health-text", /Alive and keeping up/);
  await textIs(page, "#alerts-list li:first-child", /Stale agent detected: alpha/);
  await textIs(page, "#attention-list li:first-child", /alpha/);
});
