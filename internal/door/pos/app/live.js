// What happens meanwhile: one stream of events for this device, and asking every two
// seconds while there is none.
import { get, net } from "./api.js";

let source, since = 0, reconnect;
const eventListeners = [];
export const onEvent = (f) => eventListeners.push(f);
export const streaming = () => source?.readyState === 1;

const hear = (e) => {
  const seq = Number(e.lastEventId) || 0;
  if (seq && seq <= since) return; // older than what we know
  if (seq) since = seq;
  let told;
  try { told = JSON.parse(e.data); } catch { return; }
  eventListeners.forEach((f) => f(told.type, told.data || {}));
};

export const kinds = ["created", "sent", "waiting", "approved", "declined", "unknown", "reversing", "reversed", "cancelling", "cancelled", "expired", "voiding", "voided"];
export const listen = (after) => {
  if (after != null) since = after;
  source?.close();
  source = new EventSource("/pos/api/events?last_event_id=" + since);
  source.onopen = netChanged;
  source.onerror = () => {
    netChanged();
    if (source.readyState !== 2) return; // the browser tries again by itself
    clearTimeout(reconnect);
    reconnect = setTimeout(async () => {
      try { since = (await get("state")).seq; } catch {}
      listen();
    }, 4000);
  };
  for (const k of kinds) source.addEventListener("payment." + k, hear);
  for (const k of ["approved", "declined", "unknown"]) source.addEventListener("refund." + k, hear);
};
const netChanged = () => net.listen.forEach((f) => f());

document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible" && source && !streaming()) listen();
});
addEventListener("online", () => { if (source) listen(); netChanged(); });
addEventListener("offline", netChanged);

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
