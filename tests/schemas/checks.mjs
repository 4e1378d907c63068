// What checks of a contract have in common: the project's files, and a count of what is not equal.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../../", import.meta.url));
export const text = (path) => readFileSync(root + path, "utf8");
export const sorted = (values) => [...new Set(values)].sort();

let checks = 0;
export const failures = [];
export function equal(what, is, expected) {
  checks += 1;
  const [got, wanted] = [is, expected].map((value) => JSON.stringify(value));
  if (got !== wanted) failures.push(`${what}: got ${got}, expected ${wanted}`);
}

// Exit code 1 where something was not equal.
export function report() {
  for (const failure of failures) console.log(`FAILED ${failure}`);
  console.log(`${checks} checks; ${failures.length} failed`);
  process.exitCode = failures.length === 0 ? 0 : 1;
}
