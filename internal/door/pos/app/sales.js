// What was sold: the list with refund and void in place, and the day in figures.
import { $, bars, button, closePanel, config, dateTime, h, icon, keep, kept, panel, t, time, toast } from "./base.js";
import { Refusal, get, newKey, once, post } from "./api.js";
import { decimal, money, parse, sign } from "./money.js";
import { nameOf } from "./charge.js";
import { say, tone } from "./sound.js";
import { spoken } from "./money.js";
import { adopt, final } from "./pay.js";
import { printSlip, showReceipt } from "./print.js";

const badgeTones = { approved: "good", declined: "bad", unknown: "warn", reversing: "warn", waiting: "warn", created: "info", cancelling: "warn", sent: "warn", voiding: "warn", restoring: "warn", adjusting: "warn" };
const badge = (p) => {
  const refunded = p.refunded > 0;
  return h("span.badge." + (refunded ? "violet" : badgeTones[p.state] || "quiet"), null, t(refunded ? (p.refunded >= p.amount ? "short.refunded" : "short.part") : "short." + p.state));
};
const icons = { wechat: "brand-wechat", alipay: "brand-alipay", unionpay: "qrcode", ecny: "wallet", card: "credit-card", cash: "cash" };
const method = (p) => t("method." + (icons[p.method] ? p.method : "other"));

const list = { text: "", next: "", rows: [], loading: false };
export const loadSales = async (more) => {
  const box = $("#sales"), text = $("#seek").value.trim();
  if (!more) Object.assign(list, { text, next: "", rows: [] });
  let page;
  try {
    page = await get(`payments?text=${encodeURIComponent(text)}&cursor=${encodeURIComponent(list.next)}`);
  } catch (e) {
    if (!list.rows.length) box.replaceChildren(h("p.empty", null, icon("wifi-off"), h("span", null, e instanceof Refusal ? e.message : t("net.lost"))));
    return;
  }
  if (text !== $("#seek").value.trim()) return;
  list.rows.push(...page.payments);
  list.next = page.next;
  const seen = new Set(), rows = list.rows.filter((p) => !seen.has(p.id) && seen.add(p.id)).map((p) => h("li", null, h("button.row-button", { type: "button", onclick: () => detail(p.id) },
    h("span.disc", { "aria-hidden": "true" }, icon(icons[p.method] || "qrcode")), h("span", null, h("b", null, method(p)), h("small", null, [dateTime(p.created), p.card, p.note].filter(Boolean).join(" · "))),
    h("span.end", null, h("b", null, money(p.amount)), badge(p)))));
  if (!rows.length) return box.replaceChildren(h("p.empty", null, icon("receipt"), h("span", null, t(text ? "sales.nothing" : "sales.none"))));
  box.replaceChildren(h("ul.rows.card", null, ...rows), page.next ? button("soft.wide", "", t("sales.more"), () => loadSales(true)) : "");
};

export const detail = async (id) => {
  let p;
  try {
    p = await get("payments/" + id);
  } catch (e) {
    return toast(e instanceof Refusal ? e.message : t("net.lost"), "warn");
  }
  const row = (name, value) => value != null && value !== "" && h("div", null, h("dt", null, name), h("dd", null, value));
  const left = p.amount - p.refunded, took = p.state === "approved";
  panel(t("sales.detail"), h("p.figure", null, money(p.amount)), h("p.center", null, badge(p)), p.reason && p.state === "declined" && h("p.note.bad", null, icon("circle-x"), h("span", null, p.reason)),
    h("dl.facts", null, row(t("slip.method"), method(p)), row(t("slip.card"), p.card), row(t("slip.time"), dateTime(p.created)), row(t("slip.number"), h("span.mono", null, p.id)), row(t("sales.fee"), took && p.method !== "cash" ? money(p.fee) : ""), row(t("sales.arrival"), took ? p.arrival : ""),
      row(t("slip.refunded"), p.refunded ? money(p.refunded) : ""), row(t("charge.note"), p.note), row(t("sales.who"), p.by), ...(p.lines || []).map((l) => row(`${nameOf({ zh: l.name_zh, en: l.name_en }) || t("cart.typed")} × ${l.quantity}`, money(l.sum)))),
    p.steps?.length ? h("ol.steps", null, ...p.steps.map((s) => h("li." + s.tone, null, h("span", null, s.text), h("time", null, time(s.at))))) : null,
    h("div.actions", null,
      took && left > 0 && config.may.refund && button("soft", "receipt-refund", t("do.refund"), () => refund(p, left)),
      took && p.voidable && config.may.refund && button("soft", "arrow-back-up", t("do.void"), () => voidIt(p)),
      took && button("soft", "printer", t("do.print"), () => printSlip(p)), took && button("soft", "receipt", t("do.receipt"), () => showReceipt(p)),
      !final(p.state) && button("primary", "refresh", t("do.follow"), () => { closePanel(); adopt(p, true); })));
};

// A refund's key is written down before it leaves, and sent again until it has an answer.
const refunds = () => kept("refunds", []);
export const resumeRefunds = () => refunds().forEach((r) => sendRefund(r).catch((e) => toast(e.message, "warn")));
const sendRefund = async (r, proof) => {
  const forget = () => keep("refunds", refunds().filter((x) => x.key !== r.key));
  try {
    const p = await once(`payments/${r.id}/refund`, { ...r, proof }, (e) => { if (proof && e.status === 429) throw e; }); // a wrong proof is not sent again and again
    forget();
    if (p.refund === "approved") {
      tone("note");
      say(t("say.refunded", spoken(r.amount)));
    }
    return p;
  } catch (e) {
    forget();
    throw e;
  }
};

const reasons = ["goods", "price", "twice", "wish", "else"];
const refund = (p, left) => {
  let why = reasons[0];
  const input = h("input", { inputMode: "decimal", autocomplete: "off", value: decimal(left), id: "refund-amount" });
  const ok = h("button.button.primary.wide", null, icon("receipt-refund"), h("span", null, t("refund.do")));
  const chips = h("div.choices", { role: "group", "aria-label": t("refund.why") }, ...reasons.map((r) => h("button.chip", { type: "button", "aria-pressed": String(r === why), "data-why": r, onclick: (e) => {
    why = r;
    for (const c of chips.children) c.setAttribute("aria-pressed", String(c === e.currentTarget));
  } }, t("refund.why." + r))));
  const go = (e) => {
    e.preventDefault();
    const amount = parse(input.value);
    if (!(amount > 0 && amount <= left)) return toast(t("refund.most", money(left)), "warn"), input.select();
    ok.disabled = true;
    giveBack(p, { key: newKey(), id: p.id, amount, reason: t("refund.why." + why) });
  };
  panel(t("do.refund"), h("form.stack", { onsubmit: go }, h("label.field", null, h("span", null, t("refund.amount")), h("span.input", null, h("span", { "aria-hidden": "true" }, sign()), input), h("small", null, t("refund.most", money(left)))), h("p", null, t("refund.why")), chips, ok));
};

const giveBack = async (p, r, proof) => {
  keep("refunds", [...refunds(), r]);
  panel(t("refund.title"), h("div.spinner", { "aria-hidden": "true" }), h("p.center", { role: "status" }, t("refund.running")));
  try {
    const after = await sendRefund(r, proof), done = after.refund === "approved", no = after.refund === "declined";
    panel(t("refund.title"), h("div.mark." + (done ? "violet" : no ? "bad" : "warn"), null, icon(done ? "check" : no ? "x" : "hourglass")), h("p.figure", null, money(r.amount)), h("p.center", { role: "alert" }, t(done ? (p.method === "cash" ? "refund.cash" : "refund.done") : no ? "refund.no" : "refund.pending") + (no && after.refundReason ? " · " + after.refundReason : "")),
      button("soft.wide", "receipt", t("sales.detail"), () => detail(p.id)), button("primary.wide", "", t("ok"), closePanel));
  } catch (err) {
    if (proofs.includes(err.name)) return askProof(p, r, proof && err.message);
    panel(t("refund.title"), h("div.mark.bad", null, icon("x")), h("p.center", { role: "alert" }, err instanceof Refusal ? err.message : t("net.lost")), button("soft.wide", "", t("sales.detail"), () => detail(p.id)));
  }
  loadSales();
};

// askProof asks whoever refunds much to show again that it is he, in the ways that he has. Nothing was given back yet.
const proofs = ["step_up_needed", "step_up_stale", "proof_refused", "pin_refused", "passkey_refused", "halfway_expired", "proof_missing", "account_locked", "too_often"];
const askProof = async (p, r, wrong) => {
  let ways;
  try {
    ways = await get(`payments/${r.id}/proof`);
  } catch (e) {
    ways = { means: [], wrong: e instanceof Refusal ? e.message : t("net.lost") };
  }
  const typed = ways.means.filter((m) => m !== "passkey"), finger = typed.length < ways.means.length;
  const input = h("input", { type: "password", inputMode: "numeric", autocomplete: "off", maxLength: 12, autofocus: !finger, required: true, id: "proof" });
  let means = typed[0];
  wrong ||= ways.wrong;
  panel(t("refund.prove"), wrong && h("p.note.bad", { role: "alert" }, icon("circle-x"), h("span", null, wrong)), h("p", null, t(ways.means.length || ways.wrong ? "refund.prove.text" : "refund.prove.none", money(r.amount))),
    finger && button("primary.wide", "fingerprint", t("proof.passkey"), () => byPasskey(p, r, ways.lib)),
    means && h("form.stack", { onsubmit: (e) => { e.preventDefault(); giveBack(p, r, { means, code: input.value }); } },
      typed.length > 1 && h("fieldset.choice", null, h("legend", null, t("refund.prove")), h("div.segments", null, ...typed.map((m) => h("label", null, h("input", { type: "radio", name: "means", checked: m === means, onchange: () => { means = m; } }), h("span", null, t("proof." + m)))))),
      h("label.field", null, h("span", null, t(typed.length > 1 ? "proof.code" : "proof." + means)), h("span.input", null, input)), h("button.button." + (finger ? "soft" : "primary") + ".wide", null, t("refund.do"))),
    !ways.means.length && !ways.wrong && h("a.button.primary.wide", { href: "/security" }, icon("shield-lock"), h("span", null, t("refund.prove.set"))));
};

// byPasskey asks the browser for one. The library that puts the question is loaded once it is wanted.
const byPasskey = async (p, r, lib) => {
  let proof;
  try {
    if (!window.SimpleWebAuthnBrowser) await new Promise((done, failed) => document.head.append(Object.assign(document.createElement("script"), { src: lib, onload: done, onerror: failed })));
    const q = await post(`payments/${r.id}/proof`);
    proof = { means: "passkey", ticket: q.ticket, answer: await SimpleWebAuthnBrowser.startAuthentication({ optionsJSON: q.options }) };
  } catch (e) {
    return askProof(p, r, e instanceof Refusal ? e.message : t("proof.broken"));
  }
  giveBack(p, r, proof);
};

const voidIt = (p) => panel(t("do.void"), h("p.center", null, t("void.sure", money(p.amount))), button("primary.wide", "arrow-back-up", t("do.void"), async () => {
  try {
    const after = await post(`payments/${p.id}/void`);
    toast(t("short." + after.state), after.state === "voided" ? "good" : "warn");
  } catch (e) {
    toast(e instanceof Refusal ? e.message : t("net.lost"), "warn");
  }
  detail(p.id);
  loadSales();
}));

export const loadToday = async () => {
  const box = $("#figures");
  let d;
  try {
    d = await get("today");
  } catch (e) {
    return box.replaceChildren(h("p.empty", null, icon("wifi-off"), h("span", null, e instanceof Refusal ? e.message : t("net.lost"))));
  }
  const figure = (name, value, more) => h("div.card.figure-card", null, h("span", null, name), h("b", null, value), more && h("small", null, more));
  const net = d.taken - d.refunded;
  box.replaceChildren(h("div.grid", null, figure(t("today.taken"), money(d.taken), t("today.count", d.count)), figure(t("today.net"), money(net), d.refunded ? t("today.refunded", money(d.refunded)) : ""), figure(t("today.each"), d.count ? money(Math.round(d.taken / d.count)) : "—", d.open ? t("today.open", d.open) : "")),
    h("section.card", null, h("h2", null, t("today.hours")), d.count ? bars(d.hours.map((value, i) => ({ value, label: i % 6 === 0 ? String(i) : "" })), t("today.hours.label", d.hours.map((v, i) => (v ? `${i}:00 ${money(v)}` : "")).filter(Boolean).join(", "))) : h("p.empty", null, icon("chart-bar"), h("span", null, t("today.none")))),
    d.methods.length ? h("section.card", null, h("h2", null, t("today.methods")), h("ul.rows", null, ...d.methods.map((m) => h("li.split", null, h("span.disc", { "aria-hidden": "true" }, icon(icons[m.method] || "qrcode")), h("span", null, h("b", null, method(m)), h("small", null, t("today.count", m.count))), h("b", null, money(m.taken)))))) : "");
};
