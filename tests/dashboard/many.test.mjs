import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { agentsInTable, browse, eventually, Fleet, openPage, registered, textIs } from "./fleet.mjs";

const count = 50_000;
const nameOf = (i) => `agent-${String(i).padStart(5, "0")}`;
const rowsMax = 80;  // of which a screen of 900 pixels shows about 20

let browser, fleet, page;

before(async () => {
  browser = await browse();
  fleet = await Fleet.start();
  await fleet.sendMany(Array.from({ length: count }, (_, i) =>
    registered(nameOf(i), { agent_type: i % 2 ? "coder" : "planner" })));
  page = await openPage(browser, `${fleet.url}#/?sort=agent_id`);
  await textIs(page, "#runs-count", /of 50,000 runs/);
});
after(async () => {
  await browser?.close();
  await fleet?.stop();
});

// What is in sight is row after row of the order, with nothing missing.
async function rightAt(first) {
  await page.waitForFunction((name) => {
    const grid = document.getElementById("grid").getBoundingClientRect();
    const seen = [...document.querySelectorAll("#grid-body .row")].filter((row) => {
      const { top, bottom } = row.getBoundingClientRect();
      return bottom > grid.top && top < grid.bottom;
    });
    return seen.length > 5 && seen.every((row) => row.querySelector(".agent a").textContent
        === `agent-${String(Number(row.getAttribute("aria-rowindex")) - 2).padStart(5, "0")}`)
      && seen.some((row) => row.textContent.includes(name));
  }, nameOf(first));
  const names = await agentsInTable(page);
  assert(names.length <= rowsMax, `${names.length} rows in the DOM`);
}

const scrollTo = (share) => page.$eval("#grid", (grid, at) => {
  grid.scrollTop = at * (grid.scrollHeight - grid.clientHeight);
}, share);

test("50,000 runs are right at the top, in the middle and at the end", async () => {
  await rightAt(0);
  await scrollTo(0.5);
  await rightAt(count / 2);
  await scrollTo(1);
  await rightAt(count - 1);
  assert.equal(await page.getAttribute("#grid", "aria-rowcount"), String(count + 1));
  await scrollTo(0);
  await rightAt(0);
});

test("scrolling through 50,000 runs is smooth and asks for little", async () => {
  let questions = 0;
  page.on("request", (request) => { questions += request.url().includes("ranking") ? 1 : 0; });
  const work = await page.evaluate(async () => {
    const grid = document.getElementById("grid");
    const frames = [];
    const frame = () => new Promise(requestAnimationFrame);
    for (let i = 1; i <= 120; ++i) {
      grid.scrollTop = i / 120 * (grid.scrollHeight - grid.clientHeight);
      await frame();
      const began = performance.now();
      grid.dispatchEvent(new Event("scroll"));  // all that the page does for a step
      document.body.getBoundingClientRect();    // and the layout of it
      frames.push(performance.now() - began);
    }
    return frames.sort((a, b) => a - b);
  });
  const median = work[60];
  assert(median < 16, `half of the steps take over ${median} ms of a frame's 16`);
  assert(questions < 60, `${questions} questions for 120 steps`);
  await rightAt(count - 1);
});

test("one of 50,000 is found by search, and its neighbours come back", async () => {
  await page.fill("#search", "AGENT-04321");
  await textIs(page, "#runs-count", /of 1 run$/);
  assert.deepEqual(await agentsInTable(page), [nameOf(4321)]);
  await page.fill("#search", "");
  await textIs(page, "#runs-count", /of 50,000 runs/);
  await rightAt(0);
});

test("while nobody looks at the page it asks for no rows", async () => {
  let questions = 0;
  page.on("request", (request) => { questions += request.url().includes("ranking") ? 1 : 0; });
  await page.evaluate(() => {
    Object.defineProperty(document, "hidden", { value: true, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  });
  questions = 0;
  const seen = await page.textContent("#as-of");
  await eventually(async () => await page.textContent("#as-of") !== seen, "a second passes");
  const second = await page.textContent("#as-of");
  await eventually(async () => await page.textContent("#as-of") !== second, "another second passes");
  assert(questions <= 1, `${questions} questions`);  // one may have been on its way
  await page.evaluate(() => {
    delete document.hidden;
    document.dispatchEvent(new Event("visibilitychange"));
  });
  await eventually(() => questions >= 2, "it asks again");
});
