import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { browse, Fleet, openPage, registered, textIs } from "./fleet.mjs";

let browser, fleet, page;

before(async () => {
  browser = await browse();
  fleet = await Fleet.start();
  await fleet.send(Array.from({ length: 60 }, (_, i) => registered(`agent-${String(i).padStart(2, "0")}`)));
  page = await openPage(browser, `${fleet.url}#/?sort=agent_id`);
  await textIs(page, "#runs-count", /of 60 runs/);
});
after(async () => {
  await browser?.close();
  await fleet?.stop();
  assert.deepEqual(page?.faults, []);
});

const press = async (...keys) => { for (const key of keys) await page.keyboard.press(key); };
const activeIs = (name) => textIs(page, "#active-row .agent", new RegExp(`^${name}$`));
const focused = () => page.evaluate(() => document.activeElement.id);

test("without a mouse: to a run by j, k and arrows, into it by Enter, and back to it by Escape", async () => {
  await press("j");
  await activeIs("agent-00");
  assert.equal(await focused(), "grid");
  await press("j", "ArrowDown", "j", "k");
  await activeIs("agent-02");
  await press("End");
  await activeIs("agent-59");
  await press("PageUp", "Home", "PageDown", "ArrowUp");
  await activeIs("agent-\\d+");  // what comes into sight may be on its way
  const far = await page.textContent("#active-row .agent");
  assert(await page.$eval("#active-row", (row) => {
    const grid = document.getElementById("grid").getBoundingClientRect();
    const { top, bottom } = row.getBoundingClientRect();
    const head = document.querySelector(".grid-head").getBoundingClientRect();
    return top >= head.bottom - 1 && bottom <= grid.bottom + 1;
  }), "the active row is in sight");
  await press("Enter");
  await textIs(page, "#run h1", new RegExp(`^${far}$`));
  await press("Escape");
  await page.waitForFunction(() => document.activeElement.id === "grid");
  await activeIs(far);
});

test("the keyboard's search: / goes there, Enter to what was found, Escape clears it", async () => {
  await press("/");
  assert.equal(await focused(), "search");
  await page.keyboard.type("agent-3j");
  await textIs(page, "#no-match", /No run matches/);
  await press("Backspace");
  await textIs(page, "#runs-count", /of 10 runs/);
  await press("Enter");
  await activeIs("agent-30");
  await press("/", "Escape");
  await textIs(page, "#runs-count", /of 60 runs/);
  await press("Escape");
  assert.equal(await focused(), "grid");
});

test("Tab reaches everything, in order, and shows where it is", async () => {
  await page.reload();
  await textIs(page, "#runs-count", /of 60 runs/);
  const stops = [];
  for (let i = 0; i < 30 && stops.at(-1) !== "alerts-kind"; ++i) {
    await press("Tab");
    stops.push(await page.evaluate(() => {
      const node = document.activeElement, { outlineStyle, outlineWidth } = getComputedStyle(node);
      if (outlineStyle === "none" || outlineWidth === "0px") return `no outline: ${node.outerHTML}`;
      return node.id || node.dataset.status || node.className;
    }));
  }
  assert.deepEqual(stops, ["skip", "brand", "figure", "running", "idle", "stale",
    "search", "status", "type", "sort", "reverse", "grid", "alerts-kind"]);
  await page.evaluate(() => document.activeElement.blur());
  await page.reload();
  await press("Tab", "Enter");
  assert.equal(await focused(), "grid");
});

test("the order is turned round without a mouse", async () => {
  await textIs(page, "#runs-count", /of 60 runs/);
  await page.focus("#reverse");
  await press("Enter");
  await textIs(page, "#grid-body [aria-rowindex='2'] .agent", /^agent-59/);
  assert.equal(await page.getAttribute("#reverse", "aria-pressed"), "true");
  await press("Enter");
  await textIs(page, "#grid-body [aria-rowindex='2'] .agent", /^agent-00/);
});

test("a screen reader finds a grid with as many rows as there are, and the active one by its place", async () => {
  await textIs(page, "#runs-count", /of 60 runs/);
  await press("j", "j", "j");
  const told = await page.$eval("#grid", (grid) => {
    const active = document.getElementById(grid.getAttribute("aria-activedescendant"));
    return [grid.getAttribute("role"), grid.getAttribute("aria-rowcount"), active.getAttribute("role"),
      active.getAttribute("aria-rowindex"), active.getAttribute("aria-selected"),
      [...active.children].map((cell) => cell.getAttribute("role")).join(" "),
      grid.querySelectorAll("[role=columnheader]").length];
  });
  assert.deepEqual(told, ["grid", "61", "row", "4", "true", Array(9).fill("gridcell").join(" "), 9]);
  const nameless = await page.$$eval("button, input, select, a[href], [role=img]", (nodes) => nodes
    .filter((node) => node.checkVisibility() && !node.textContent.trim() && !node.labels?.length
      && !node.getAttribute("aria-label")).map((node) => node.outerHTML));
  assert.deepEqual(nameless, []);
});
