// The life of a payment as this device sees it. What was begun is written down before the
// first request leaves, and stays until it has an end, whatever happens to the page.
import { config, keep, kept, t, toast } from "./base.js";
import { Refusal, get, newKey, once, post } from "./api.js";
import { money, spoken } from "./money.js";
import { cart, clear, order, sums } from "./order.js";
import { prime, say, tone, wake } from "./sound.js";
import { every, kinds, onEvent, streaming } from "./live.js";

export const flow = { now: null, open: kept("open", []), show: () => {}, tray: () => {}, done: () => {} };
const save = () => keep("open", flow.open.map(({ trying, card, asking, asked, cancelling, ...rest }) => rest));

// How far a payment has come: what was heard late never takes it back.
const ranks = { created: 1, sent: 2, waiting: 2, unknown: 3, cancelling: 4, reversing: 5, approved: 8, declined: 8, cancelled: 9, expired: 9, reversed: 9, refused: 9, handed: 9, voiding: 10, voided: 11 };
export const final = (s) => (ranks[s] || 0) >= 8;
export const stateOf = (i) => i.refused ? "refused" : i.handed ? "handed" : i.p?.state || (i.card ? (i.card.state === "present" ? "present" : "sent") : "creating");

// Start begins a payment of the order at hand.
export const start = (method, { code, tendered } = {}) => {
  prime();
  wake(true);
  const intent = { key: newKey(), method, amount: sums().total, cart: cart(), note: order.note, tendered, at: Date.now() };
  if (code) keep("code." + intent.key, code, sessionStorage); // a code is money: it goes with the tab
  flow.open.push(intent);
  save();
  flow.now = intent;
  flow.show();
  send(intent);
};

const send = async (intent) => {
  const { key, method, amount, cart, note, tendered } = intent, code = kept("code." + key, null, sessionStorage);
  if (method === "scan" && !code) return lookFor(intent);
  try {
    const first = await once(method === "card" ? "card" : "payments", { key, method, amount, cart, note, tendered, code: code || undefined }, () => {
      intent.trying = true;
      if (flow.now === intent) flow.show();
    });
    method === "card" ? follow(intent, first) : apply(intent, first);
  } catch (e) {
    if (e.status !== 401 || !intent.trying) refuse(intent, e); // else it may have been made: it goes on after the sign-in
  }
};

// follow hears from the card terminal until there is a payment, or it says why there is none.
const follow = async (intent, c) => {
  for (;;) {
    if (c.id) return apply(intent, c);
    if (c.state === "refused") return refuse(intent, { name: "terminal", message: c.reason });
    const same = intent.card?.state === c.state && intent.card?.prompt?.en === c.prompt?.en;
    Object.assign(intent, { card: c, trying: false });
    if (flow.now === intent) flow.show(same);
    try {
      c = await get(`card/${intent.key}?seen=${c.seq}`, { patience: 30000 });
    } catch (e) {
      if (e instanceof Refusal && !e.ours) return refuse(intent, e);
      await new Promise((done) => setTimeout(done, 1000));
    }
    if (c === intent.card) await new Promise((done) => setTimeout(done, 500));
  }
};

// present taps a sandbox's card on the terminal; stop ends what no card was presented for.
export const present = (intent, card) => post(`card/${intent.key}/present`, { card }).catch((e) => toast(e.message, "warn"));
export const stop = (intent) => post(`card/${intent.key}/stop`).catch((e) => toast(e instanceof Refusal ? e.message : t("net.lost"), "warn"));

// lookFor resumes a payment whose code went with its tab: the server knows whether it came.
const lookFor = async (intent) => {
  for (;;) {
    try {
      return apply(intent, await get("begun/" + intent.key));
    } catch (e) {
      if (e instanceof Refusal && e.status === 404 && Date.now() - intent.at > 90000) return refuse(intent, { name: "not_sent", message: t("state.notsent") });
      if (e instanceof Refusal && !e.ours && e.status !== 404) return refuse(intent, e);
    }
    await new Promise((done) => setTimeout(done, 3000));
  }
};

// refuse ends an intent of which the server made no payment.
const refuse = (intent, e) => {
  intent.refused = { name: e.name, message: e.message };
  tone("bad");
  finish(intent);
  document.dispatchEvent(new CustomEvent("refused", { detail: e.name }));
};

const finish = (intent) => {
  flow.open = flow.open.filter((i) => i !== intent);
  keep("code." + intent.key, null, sessionStorage);
  save();
  if (!flow.open.length && flow.now !== intent) wake(false);
  if (flow.now === intent) flow.show();
  flow.tray();
};

// apply takes what the server says about an intent's payment.
export const apply = (intent, p) => {
  const before = stateOf(intent);
  if (intent.refused || intent.handed || ((ranks[p.state] || 0) < (ranks[before] || 0) && !(before === "approved" && p.state === "reversing"))) return;
  const same = before === p.state && intent.p?.refunded === p.refunded;
  Object.assign(intent, { p, id: p.id, trying: false });
  if (p.holder && config.device && p.holder !== config.device && !final(p.state)) return handed(intent, p);
  if (!same) announce(intent, p, before);
  if (final(p.state)) return finish(intent);
  save();
  if (flow.now === intent) flow.show(same);
  flow.tray();
};

const handed = (intent, p) => {
  intent.handed = true;
  toast(t("handover.gone", p.holderName || ""), "info");
  if (flow.now === intent) flow.now = null;
  clear();
  finish(intent);
  flow.show();
};

const announce = (intent, p, before) => {
  const amount = spoken(p.amount), away = flow.now !== intent;
  if (p.state === "approved") {
    tone("good");
    say(t(p.method === "cash" ? "say.cash" : "say.received", amount));
    if (away) toast(t("tray.received", money(p.amount)), "good");
    flow.done();
  } else if (p.state === "declined" || p.state === "expired") {
    tone("bad");
    if (away) toast(t("tray.nothing", money(p.amount)), "bad");
  } else if (p.state === "waiting" && before !== "waiting") {
    tone("note");
    say(t("say.password"));
  } else if (p.state === "unknown") {
    tone("note");
  } else if (p.state === "reversed" || p.state === "cancelled") {
    if (away) toast(t("tray.reversed", money(p.amount)), "info");
  }
};

// Ask has the server look again, now.
export const ask = async (intent, how = "refresh") => {
  if (!intent.id) return;
  try {
    apply(intent, how === "get" ? await get("payments/" + intent.id) : await post(`payments/${intent.id}/${how}`));
  } catch (e) {
    if (how !== "get" && flow.now === intent) toast(e instanceof Refusal ? e.message : t("net.lost"), "warn");
  }
};

// Cancel asks the server: it ends cancelled, or approved when the customer was faster.
export const cancel = async (intent) => {
  intent.cancelling = true;
  flow.show();
  await ask(intent, "cancel");
  intent.cancelling = false;
  if (flow.now === intent) flow.show();
};

// Leave lets the payment go on without this screen.
export const leave = () => {
  flow.now = null;
  clear();
  flow.show();
  flow.tray();
};

// Next puts the sheet away; only what was paid for clears the order.
export const next = () => {
  const i = flow.now;
  if (!i) return;
  if (["approved", "voided"].includes(stateOf(i))) clear();
  flow.now = null;
  if (!flow.open.length) wake(false);
  flow.show();
  flow.tray();
};

export const open = (intent) => {
  flow.now = intent;
  wake(true);
  flow.show();
  if (!final(stateOf(intent))) ask(intent, "get");
};

// Adopt makes a payment that began elsewhere this device's.
export const adopt = (p, visible) => {
  let intent = flow.open.find((i) => i.id === p.id);
  if (!intent) {
    intent = { key: "", method: p.method, amount: p.amount, id: p.id, at: p.created, p };
    if (!final(p.state)) flow.open.push(intent);
    save();
  }
  visible ? open(intent) : flow.tray();
};

// Pauses between questions in milliseconds, by what is waited for and how long already.
const pause = (i) => {
  const age = Date.now() - i.at;
  switch (stateOf(i)) {
    case "waiting": return streaming() ? 5000 : age < 30000 ? 2000 : 5000;
    case "created": return streaming() ? 10000 : 2000;
    default: return streaming() ? 5000 : 2000;
  }
};

// quietly asks without telling anybody that it failed: it asks again.
const quietly = async (i) => {
  try {
    apply(i, await get("payments/" + i.id));
  } catch {}
};

const stateOfKind = (kind) => (kind.startsWith("payment.") && kinds.includes(kind.slice(8)) ? kind.slice(8) : "");

export const startPayments = () => {
  for (const i of flow.open) i.id ? ask(i, "get") : send(i);
  if (flow.open.length) { // the one that was on the screen is there again
    flow.now = flow.open.at(-1);
    flow.show();
  }
  flow.tray();
  onEvent(async (kind, body) => {
    const i = flow.open.find((x) => x.id && x.id === body.payment) || (flow.now?.id && flow.now.id === body.payment ? flow.now : null);
    document.dispatchEvent(new CustomEvent("changed", { detail: { kind, body } }));
    if (!i) return;
    const state = stateOfKind(kind);
    if (state) apply(i, { ...i.p, state, code: body.code || i.p?.code, method: body.method || i.p?.method, amount: i.p?.amount ?? i.amount, partial: true });
    ask(i, "get");
    if (flow.now === i && final(stateOf(i))) get("payments/" + i.id).then((p) => { i.p = p; flow.show(true); }, () => {});
  });
  every(() => 500, async () => {
    const now = Date.now();
    for (const i of flow.open) {
      if (!i.id || i.asking || now - (i.asked || i.at) < pause(i)) continue;
      i.asked = now;
      i.asking = true;
      quietly(i).finally(() => { i.asking = false; });
    }
  });
};
