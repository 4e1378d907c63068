import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { active, browse, eventually, Fleet, openPage, registered, textIs } from "./fleet.mjs";

let browser, fleet;

before(async () => {
  browser = await browse();
  fleet = await Fleet.start();
  await fleet.send([registered("alpha"), registered("beta"), registered("gamma")]);
});
after(async () => {
  await browser?.close();
  await fleet?.stop();
});

async function openTabs(count, prepared = () => {}) {
  const first = await openPage(browser, "about:blank");
  const tabs = [first];
  while (tabs.length < count) tabs.push(await first.context().newPage());
  for (const tab of tabs) {
    await prepared(tab);
    await tab.goto(fleet.url);
    await textIs(tab, "#health-text", /Alive and keeping up/);
  }
  return tabs;
}

async function streams() {
  const metrics = await (await fetch(`${fleet.url}metrics`)).text();
  return Number(/^heartbeat_gateway_streams (\d+)/m.exec(metrics)[1]);
}

const all = (tabs, what) => Promise.all(tabs.map(what));

test("seven tabs are all live with one stream, and miss nothing as others close or the gateway begins anew", async () => {
  const tabs = await openTabs(7);
  await all(tabs, (tab) => textIs(tab, "#runs-count", /of 3 runs/));
  assert.equal(await streams(), 1);
  await fleet.send([active("alpha", { stale_after_ms: 1 })]);
  await all(tabs, (tab) => textIs(tab, "#alerts-list li:first-child", /Stale agent detected: alpha/));

  await tabs.shift().close();
  await fleet.send([active("beta", { stale_after_ms: 1 })]);
  await all(tabs, (tab) => textIs(tab, "#alerts-list li:first-child", /Stale agent detected: beta/));

  await fleet.send([active("gamma", { stale_after_ms: 1500 })]);
  await fleet.killGateway();
  await all(tabs, (tab) => textIs(tab, "#banner", /No news for .*the gateway does not answer/));
  await fleet.startGateway();
  await all(tabs, (tab) => textIs(tab, "#alerts-list li:first-child", /Stale agent detected: gamma/));
  await all(tabs, (tab) => textIs(tab, "#health-text", /Alive and keeping up/));
  assert.equal(await streams(), 1);
  await tabs[0].context().close();
  await eventually(async () => await streams() === 0, "no stream is left");
});

test("a tab has its own stream where a browser shares none, and gives it up while nobody looks", async () => {
  const [tab] = await openTabs(1, (page) => page.addInitScript(() => { delete window.SharedWorker; }));
  await fleet.send([active("alpha")]);
  await textIs(tab, "#alerts-list li:first-child", /Resolved: agent alpha/);
  assert.equal(await streams(), 1);
  const hide = (hidden) => tab.evaluate((value) => {
    Object.defineProperty(document, "hidden", { value, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  }, hidden);
  await hide(true);
  await eventually(async () => await streams() === 0, "the stream is given up");
  await textIs(tab, "#banner", /No news for .*nobody looked/);
  assert.match(await tab.title(), /^No news!/);
  await fleet.send([active("alpha", { stale_after_ms: 1 })]);
  await eventually(async () => (await fleet.ask("agents/alpha")).runs[0].stale, "it is stale");
  await hide(false);
  await textIs(tab, "#health-text", /Alive and keeping up/);
  await textIs(tab, "#alerts-list li:first-child", /Stale agent detected: alpha/);
  await tab.context().close();
});

test("a tab whose worker tells nothing reads by itself", async () => {
  const [tab] = await openTabs(1, (page) => page.addInitScript(() => {
    window.SharedWorker = class { port = { postMessage() {} }; };
  }));
  assert.equal(await streams(), 1);
  await tab.context().close();
});
