// What happens meanwhile: one stream of events for this device, and asking every two
// seconds while there is none.
import { kept, keep } from "./base.js";
import { net } from "./api.js";

let source, since = 0, beat = 0;
const listeners = [];
export const onEvent = (f) => listeners.push(f);
export const streaming = () => source?.readyState === 1 && Date.now() - beat < 40000;

const hear = (e) => {
  beat = Date.now();
  const seq = Number(e.lastEventId) || 0;
  if (seq && seq <= since) return; // older than what we know
  if (seq) since = seq;
  let body = {};
  try { body = JSON.parse(e.data); } catch { return; }
  listeners.forEach((f) => f(body.kind || e.type, body.body || body, seq));
};

export const kinds = ["created", "sent", "waiting", "approved", "declined", "unknown", "reversing", "reversed", "cancelling", "cancelled", "expired", "voiding", "voided", "refunding", "refunded", "handed"];
export const listen = (after) => {
  if (after != null) since = after;
  source?.close();
  source = new EventSource("/pos/api/events?after=" + since);
  source.onopen = () => { beat = Date.now(); changed(); };
  source.onerror = () => changed();
  source.onmessage = hear;
  source.addEventListener("beat", () => { beat = Date.now(); });
  for (const k of kinds) source.addEventListener("payment." + k, hear);
  for (const k of ["sent", "approved", "declined", "unknown"]) source.addEventListener("refund." + k, hear);
  source.addEventListener("card.prompt", hear);
};
const changed = () => net.listen.forEach((f) => f());

document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible" && source && !streaming()) listen();
});
addEventListener("online", () => { if (source) listen(); changed(); });
addEventListener("offline", changed);

// Every runs f in a rhythm, which may change, until it says false.
export const every = (pause, f) => {
  let on = true;
  (async () => {
    while (on) {
      await new Promise((done) => setTimeout(done, pause()));
      if (on && (await f()) === false) return;
    }
  })();
  return () => { on = false; };
};
