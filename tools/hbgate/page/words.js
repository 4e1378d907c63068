// How things are said: times, numbers, states.

const whole = new Intl.NumberFormat();
export const number = (n) => whole.format(n);
export const many = (n, one, more = `${one}s`) => `${number(n)} ${n === 1 ? one : more}`;

// 42 s, 4 min 05 s, 3 h 12 min, 5 d 3 h
export function duration(ms) {
  const s = Math.floor(Math.max(0, ms) / 1000);
  if (s < 60) return `${s} s`;
  const min = Math.floor(s / 60);
  if (min < 60) return `${min} min ${String(s % 60).padStart(2, "0")} s`;
  const h = Math.floor(min / 60);
  if (h < 48) return `${h} h ${min % 60} min`;
  return `${number(Math.floor(h / 24))} d ${h % 24} h`;
}

// Short ones with a decimal: limits may be parts of a second.
export const precise = (ms) => (ms < 10_000 ? `${number(Math.round(ms / 100) / 10)} s` : duration(ms));

const clockForm = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };

// Local time, with the date where that is not today's.
export function moment(epochMs) {
  const at = new Date(epochMs), today = new Date();
  const time = at.toLocaleTimeString(undefined, clockForm);
  if (at.toDateString() === today.toDateString()) return time;
  const form = { day: "numeric", month: "short" };
  if (at.getFullYear() !== today.getFullYear()) form.year = "numeric";
  return `${at.toLocaleDateString(undefined, form)}, ${time}`;
}

// Characters that would make one id look like another (they turn the direction of text around, have
// no width, or are blank) are shown by number. Not so what shapes its neighbours as it should: inside
// an emoji, or a joiner after a letter of a script that joins its letters.
const plain = /^[ -~]*$/;
const emoji = String.raw`\p{Extended_Pictographic}\p{Emoji_Modifier}?[\ufe0e\ufe0f]?`;
const joining = ["Arabic", "Syriac", "Mongolian", "Devanagari", "Bengali", "Gurmukhi", "Gujarati",
  "Oriya", "Tamil", "Telugu", "Kannada", "Malayalam", "Sinhala", "Khmer"]
  .map((script) => String.raw`\p{Script=${script}}`).join("");
const unseen = String.raw`[\p{Cc}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800\ufff9-\ufffb\u{1d159}]`;
const shaping = String.raw`${emoji}(?:\u200d${emoji})*|[0-9#*]\ufe0f\u20e3|(?!${unseen})[${joining}][\u200c\u200d]`;
const notable = new RegExp(`(${shaping})|${unseen}`, "gu");
export function visible(text) {
  if (plain.test(text)) return text;
  return text.replace(notable, (found, kept) => kept
    ?? `‹U+${found.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}›`);
}

export const runKey = (run) => `${run.agent_id}\n${run.run_id}`;
export const runAddress = (run) =>
  `#/agent/${encodeURIComponent(run.agent_id)}?run=${encodeURIComponent(run.run_id)}`;

export function stateOf(run) {
  if (!run.stale) return run.status;
  return run.status === "idle" ? "stale, idle" : "stale";
}

// From when a run counts as near its deadline.
export const nearFraction = 0.8;

// Which deadline has used up most of its time, `passed` ms after the row was read:
// {which, fraction, in_ms}. A stale run has only its timeout left.
export function deadlineOf(run, passed) {
  const left = (inMs) => Math.max(0, inMs - passed);
  const used = (forMs, inMs) => Math.min(1, (forMs + passed) / Math.max(1, forMs + inMs));
  const timeout = { which: "timeout", fraction: used(run.running_for_ms, run.timeout_in_ms),
    in_ms: left(run.timeout_in_ms) };
  if (run.stale) return timeout;
  const stale = { which: "stale", fraction: used(run.idle_for_ms, run.stale_in_ms),
    in_ms: left(run.stale_in_ms) };
  return timeout.fraction > stale.fraction ? timeout : stale;
}

// The monitor decides when something is stale: a deadline that has passed here is only due.
export function deadlineText(deadline) {
  return deadline.in_ms > 0 ? `${deadline.which} in ${duration(deadline.in_ms)}`
    : `${deadline.which} due now`;
}

export const kindWords = {
  stale: "Stale", timeout: "Timed out", resolved: "Resolved", storm: "Storm", capacity: "Full",
};
