// A monitor, a gateway and a browser for a test, each a real one of its own. Nothing here sleeps:
// everything is waited for, with a limit.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { chromium } from "playwright-core";

export const limitMs = 20_000;  // whatever takes longer is broken, also on a busy machine

const programs = process.env.HEARTBEAT_BIN_DIR;
assert(programs, "HEARTBEAT_BIN_DIR must name the folder of hbmond and hbgate");

const environment = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^HB(GATE)?_/.test(name)));

// Asks again and again until the answer is one.
export async function eventually(question, what) {
  const end = performance.now() + limitMs;
  let last;
  while (performance.now() < end) {
    last = await question();
    if (last) return last;
    await pause(20);
  }
  assert.fail(`not within ${limitMs} ms: ${what}`);
}

const flags = (options) => Object.entries(options).flatMap(([name, value]) => [`--${name}`, `${value}`]);

async function stopped(process, signal) {
  if (process.exitCode !== null || process.signalCode !== null) return;
  const exit = new Promise((resolve) => process.once("exit", resolve));
  process.kill(signal);
  process.kill("SIGCONT");
  await exit;
}

// hbmond and hbgate on endpoints of their own in a folder that goes with them.
export class Fleet {
  static async start({ monitor = {}, gateway = {}, state = false } = {}) {
    const fleet = new Fleet();
    fleet.folder = mkdtempSync(join(tmpdir(), "hb-page-"));
    fleet.monitorOptions = { ...monitor };
    fleet.gatewayOptions = { listen: "127.0.0.1:0", ...gateway };
    if (state) {
      const file = fleet.path("state");
      fleet.monitorOptions.state = file;
      fleet.gatewayOptions.state = file;
    }
    for (const name of ["events", "alerts", "status"]) {
      const endpoint = `ipc://${fleet.path(name)}`;
      fleet.monitorOptions[name] = endpoint;
      fleet.gatewayOptions[name] = endpoint;
    }
    try {
      fleet.startMonitor();
      await fleet.startGateway();
      await fleet.ready();
    } catch (error) {
      await fleet.stop();
      throw error;
    }
    return fleet;
  }

  path(name) {
    return join(this.folder, name);
  }

  startMonitor() {
    this.monitor = spawn(join(programs, "hbmond"), flags(this.monitorOptions),
      { env: environment, stdio: "ignore" });
  }
  killMonitor() {
    return stopped(this.monitor, "SIGKILL");
  }

  async startGateway() {
    this.gateway = spawn(join(programs, "hbgate"), flags(this.gatewayOptions),
      { env: environment, stdio: ["ignore", "pipe", "inherit"] });
    const lines = createInterface({ input: this.gateway.stdout });
    const address = await Promise.race([
      new Promise((resolve) => lines.once("line", (line) => resolve(/http:\S+/.exec(line)?.[0]))),
      new Promise((_, reject) => this.gateway.once("exit",
        (code) => reject(new Error(`hbgate ended with ${code} before it listened`)))),
    ]);
    assert(address, "hbgate's first line names its address");
    this.url = address;
    this.gatewayOptions.listen = new URL(address).host;
  }
  killGateway() {
    return stopped(this.gateway, "SIGKILL");
  }

  ready() {
    return eventually(async () => (await fetch(`${this.url}readyz`)).ok, "the monitor answers");
  }

  async ask(path, headers = {}) {
    const response = await fetch(`${this.url}api/heartbeat/${path}`, { headers });
    return response.json();
  }

  // Publishes events; returns when the monitor has read them.
  async send(events) {
    const response = await fetch(`${this.url}api/heartbeat/events`, {
      method: "POST",
      headers: { "Content-Type": "application/json", ...this.sign },
      body: JSON.stringify(events),
    });
    assert.equal(response.status, 202, await response.text());
  }

  // Events that differ in the agent's id, in batches that the gateway takes.
  async sendMany(events) {
    for (let at = 0; at < events.length; at += 1024) await this.send(events.slice(at, at + 1024));
  }

  async stop() {
    for (const process of [this.gateway, this.monitor]) {
      if (process) await stopped(process, "SIGKILL");
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export const registered = (agent_id, more = {}) => ({ kind: "register", agent_id, ...more });
export const active = (agent_id, more = {}) => ({ kind: "activity", agent_id, ...more });

export const browse = () => chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});

// A page of its own, as in a fresh window. What goes wrong in it is in `page.faults`.
export async function openPage(browser, url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  context.setDefaultTimeout(limitMs);
  const page = await context.newPage();
  page.faults = [];
  page.on("pageerror", (error) => page.faults.push(String(error)));
  page.on("console", (message) => {
    // Answers that are errors are in the console as well; those are what some tests are about.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) {
      page.faults.push(message.text());
    }
  });
  await page.goto(url);
  return page;
}

// Waits until the text of the first such element is as asked.
export function textIs(page, selector, form) {
  return page.waitForFunction(([where, source]) => {
    const node = document.querySelector(where);
    return node && node.checkVisibility() && new RegExp(source, "s").test(node.textContent);
  }, [selector, form.source], { polling: "raf" });
}

export const attentionFirst = "#attention-list li:first-child";

// The visible rows of the table, top down: their agents' ids.
export function agentsInTable(page) {
  return page.$$eval("#grid-body .row", (rows) => rows
    .sort((a, b) => Number(a.ariaRowIndex ?? a.dataset.index) - Number(b.ariaRowIndex ?? b.dataset.index))
    .map((row) => row.querySelector(".agent a").textContent));
}
