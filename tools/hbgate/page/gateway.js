// Requests to the gateway that this page came from, with the token where it asks for one.

// A worker is named by it.
let token = globalThis.sessionStorage ? sessionStorage.getItem("token") ?? "" : name;

export const tokenUsed = () => token;
export function useToken(text) {
  token = text.trim();
  sessionStorage.setItem("token", token);
}

export class Refused extends Error {
  constructor(status, body) {
    super(body?.error?.message ?? `the gateway answered with status ${status}`);
    this.status = status;
    this.code = body?.error?.code ?? "";
    this.body = body;
  }
}

// Without a limit on time: the caller's signal ends it.
export async function open(path, headers, signal) {
  if (token) headers.Authorization = `Bearer ${token}`;
  const response = await fetch(`api/heartbeat/${path}`,
    { headers, signal, cache: "no-store", credentials: "omit" });
  if (!response.ok) {
    throw new Refused(response.status, await response.json().catch(() => null));
  }
  return response;
}

const answerLimitMs = 10_000;

// The JSON of an answer. `parameters` that are "" or null are left out. Throws Refused, or what
// fetch throws.
export async function ask(path, parameters = {}, signal = null, limitMs = answerLimitMs) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== "" && value !== null) query.set(name, value);
  }
  const limit = AbortSignal.timeout(limitMs);
  const either = new AbortController();
  for (const one of [limit, signal]) {
    if (one?.aborted) either.abort();
    one?.addEventListener("abort", () => either.abort(), { once: true });
  }
  const text = query.toString();
  const response = await open(text ? `${path}?${text}` : path, { Accept: "application/json" },
    either.signal);
  return response.json();
}
