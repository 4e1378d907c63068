import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { join } from "node:path";
import { browse, Fleet, openPage, registered, textIs } from "./fleet.mjs";

const long = "an-agent-with-a-very-long-name-".repeat(4);
const folder = fileURLToPath(new URL("../../tools/hbgate/page", import.meta.url));

let browser, fleet;

before(async () => {
  browser = await browse();
  fleet = await Fleet.start();
  await fleet.send([
    registered(long, { run_id: long, task_id: long, phase: "p".repeat(64), detail: "d".repeat(512) }),
    registered("endless", { timeout_after_ms: 1 }),
    registered("late", { running_for_ms: 9_500_000, timeout_after_ms: 10_000_000 }),
    registered("healthy"), registered("at-rest"),
    { kind: "idle", agent_id: "at-rest" },
    { kind: "activity", agent_id: long, run_id: long, stale_after_ms: 1 },
  ]);
});
after(async () => {
  await browser?.close();
  await fleet?.stop();
});

async function populated(options) {
  const page = await openPage(browser, fleet.url, options);
  await textIs(page, "#runs-count", /of 4 runs/);
  await textIs(page, "#attention-list", /Stale.*Timed out.*Soon/);
  await textIs(page, "#alerts-list", /Stale/);
  return page;
}

test("at 400 pixels nothing scrolls sideways, and rows are cards", async () => {
  const page = await populated({ viewport: { width: 400, height: 800 } });
  const sideways = () => page.evaluate(() => [document.documentElement, ...document.querySelectorAll("body *")]
    .filter((node) => node.scrollWidth > node.clientWidth + 1
      && /auto|scroll|visible/.test(getComputedStyle(node).overflowX)
      && getComputedStyle(node).display !== "inline" && node.checkVisibility()
      && node.getBoundingClientRect().right > 401)
    .map((node) => node.outerHTML.slice(0, 120)));
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 400);
  assert.deepEqual(await sideways(), []);
  const card = await page.$eval("#grid-body .row", (row) => {
    const top = (name) => Math.round(row.querySelector(name).getBoundingClientRect().top);
    return { height: row.clientHeight, lines: new Set([".agent", ".phase"].map(top)).size };
  });
  assert.deepEqual(card, { height: 65, lines: 2 });
  await page.locator("#grid-body .agent a", { hasText: "very-long" }).click();
  await textIs(page, "#run .why", /verdict/);
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 400);
  assert.deepEqual(await sideways(), []);
  await page.context().close();
});

test("who needs attention stays a list, however much an agent says", async () => {
  for (const width of [400, 1280]) {
    const page = await populated({ viewport: { width, height: 900 } });
    const lines = await page.$$eval("#attention-list .who:not(:empty) + .what", (texts) => texts.map((text) =>
      Math.round(text.clientHeight / parseFloat(getComputedStyle(text).lineHeight))));
    assert.equal(lines.length, 3);
    assert(lines.every((count) => count <= 2), `${lines} lines at ${width} pixels`);
    const { what, title } = await page.$eval("#attention-list [data-kind=stale] .what",
      (text) => ({ what: text.textContent, title: text.title }));
    assert.equal(title, what);
    assert.match(what, /d{512}$/);
    await page.context().close();
  }
});

// Of all text in sight: which falls short of WCAG AA against what is behind it. Colours are asked
// of the browser, through a canvas, whatever way they are written.
const pale = () => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = (colour) => {
    const [r, g, b] = rgba(colour).map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (node) => {
    for (; node; node = node.parentElement) {
      const colour = getComputedStyle(node).backgroundColor;
      if (rgba(colour)[3] === 255) return colour;
    }
    return "white";
  };
  const texts = [...document.querySelectorAll("body *")].filter((node) => node.checkVisibility()
    && [...node.childNodes].some((child) => child.nodeType === Node.TEXT_NODE && child.data.trim()));
  const found = texts.map((node) => {
    const [a, b] = [light(getComputedStyle(node).color), light(behind(node))];
    return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), node.outerHTML.slice(0, 100)];
  }).filter(([contrast]) => contrast < 4.5);
  return { checked: texts.length, found };
};

for (const colorScheme of ["light", "dark"]) {
  test(`in ${colorScheme} all text has the contrast of WCAG AA, also what is old`, async () => {
    const page = await populated({ colorScheme });
    const back = await page.$eval("body", (body) => getComputedStyle(body).backgroundColor);
    const brightness = /\d+/.exec(back)[0];
    assert(colorScheme === "light" ? brightness > 200 : brightness < 50, back);
    for (const old of [false, true]) {
      const { checked, found } = await page.evaluate(`(${old ? "document.body.classList.add('old')," : ""} (${pale})())`);
      assert(checked > 50);
      assert.deepEqual(found, []);
    }
    await page.context().close();
  });
}

test("states differ by more than colour", async () => {
  const page = await populated();
  const signs = await page.$$eval("#attention-list .badge", (badges) =>
    badges.map((badge) => getComputedStyle(badge, "::before").content));
  assert.equal(new Set(signs).size, 3);
  await page.context().close();
});

test("the page is small, all of it comes from the gateway, and none of it is inline", async () => {
  const files = readdirSync(folder);
  const bytes = files.reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
  assert(bytes < 100_000, `${bytes} bytes`);
  const page = await openPage(browser, "about:blank");
  const origins = new Set();
  page.on("request", (request) => origins.add(new URL(request.url()).origin));
  const response = await page.goto(fleet.url);
  await textIs(page, "#runs-count", /of 4 runs/);
  assert.deepEqual([...origins], [new URL(fleet.url).origin]);
  const policy = response.headers()["content-security-policy"];
  assert.match(policy, /default-src 'none'/);
  assert.doesNotMatch(policy, /unsafe/);
  assert.deepEqual(page.faults, []);
  for (const name of files.filter((file) => file.endsWith(".js"))) {
    assert.doesNotMatch(readFileSync(join(folder, name), "utf8"),
      /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(/, name);
  }
  await page.context().close();
});
