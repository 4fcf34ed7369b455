// The server: every call is JSON, every failure tells whose turn it is.

// Refusal is an answer that says no; Lost means that nobody knows whether the request arrived.
export class Refusal extends Error {
  constructor(status, body) {
    super(body.message || body.error || String(status));
    this.status = status;
    this.name = body.error || "internal";
  }
  get ours() { return this.status >= 500 || this.status === 429; } // to be asked again
}
export class Lost extends Error {}

export const net = { weak: false, listen: [] };
const report = (weak) => {
  if (net.weak === weak) return;
  net.weak = weak;
  net.listen.forEach((f) => f());
};

export const call = async (method, path, body, { patience = 20000, type } = {}) => {
  const began = performance.now();
  let r;
  try {
    r = await fetch("/pos/api/" + path, {
      method, signal: AbortSignal.timeout(patience), cache: "no-store", redirect: "error",
      headers: { Accept: "application/json", ...(body != null && { "Content-Type": type || "application/json" }) },
      body: body == null ? undefined : type ? body : JSON.stringify(body),
    });
    const text = await r.text();
    report(performance.now() - began > 3000 && method === "GET");
    const answer = text ? JSON.parse(text) : {};
    if (r.ok) return answer;
    if (r.status === 401) location.assign((answer.error === "pin_needed" ? "/switch" : "/signin") + "?next=/pos");
    throw new Refusal(r.status, answer);
  } catch (e) {
    if (e instanceof Refusal) throw e;
    if (r && r.ok === false) throw new Refusal(r.status, {});
    report(navigator.onLine);
    throw new Lost(String(e));
  }
};
export const get = (path, o) => call("GET", path, null, o);
export const post = (path, body = {}, o) => call("POST", path, body, o);

// Once sends the same body under the same key until there is an answer: 0.5, 1, 2, 4, 8, 8… seconds apart.
export const once = async (path, body, trying = () => {}) => {
  for (let pause = 500; ; pause = Math.min(8000, pause * 2)) {
    try {
      return await post(path, body, { patience: 40000 });
    } catch (e) {
      if (e instanceof Refusal && !e.ours) throw e;
      trying(e);
    }
    await Promise.race([new Promise((done) => setTimeout(done, pause)), new Promise((done) => addEventListener("online", done, { once: true }))]);
  }
};

export const newKey = () => {
  const b = crypto.getRandomValues(new Uint8Array(16));
  return [...b].map((v) => v.toString(16).padStart(2, "0")).join("");
};
