// The sheet over everything: one screen for each state of a payment.
import { $, button, closePanel, config, h, icon, more, panel, symbol, t, time, toast } from "./base.js";
import { Refusal, post } from "./api.js";
import { decimal, money, parse, sign } from "./money.js";
import { sums } from "./order.js";
import { tone } from "./sound.js";
import { look } from "./scan.js";
import { gun, isPaymentCode } from "./charge.js";
import { ask, cancel, final, flow, leave, next, open, present, start, stateOf, stop } from "./pay.js";

let stopCamera = null, ticking = null, shown = "";
const sheet = () => $("#sheet");

const asking = {}; // the sheet before a payment exists: scan, cash
export const pay = (method, code) => {
  const total = sums().total;
  if (!total) return $("#amount").animate?.([{ transform: "translateX(-6px)" }, { transform: "translateX(6px)" }, { transform: "none" }], 160), toast(t("charge.zero"), "info");
  if (!navigator.onLine) return toast(t("net.offline"), "bad");
  if (code) return start("scan", { code });
  if (method === "scan" || method === "cash") {
    asking.method = method;
    return show();
  }
  start(method);
};

// The parts of a screen.
const head = (tone, name, title, amount, ...more) => [
  name && h("div.mark." + tone, { "aria-hidden": "true" }, icon(name)),
  h("h2.title", { tabIndex: -1, id: "sheet-title" }, title),
  amount != null && h("p.figure", null, money(amount)),
  ...more,
];
const text = (words) => words && h("p.text", null, words);
const small = (...words) => h("p.small", null, words.filter(Boolean).join(" · "));
const again = (i) => ({ method: i.method, run: () => { flow.now = null; i.method === "scan" || i.method === "cash" ? pay(i.method) : start(i.method); } });
const otherWay = () => button("primary.wide", "", t("do.other"), () => next());
const retry = (i, kind) => button(kind + ".wide", "", t("do.again"), () => again(i).run());
const leaveButton = () => button("plain.wide", "", t("do.later"), leave);
const cancelButton = (i) => button("plain.wide", "", t("do.cancel"), () => cancel(i));

const steps = (...list) => h("ol.progress", null, ...list.map(([state, name, words]) => h("li." + state, state === "now" ? { "aria-current": "step" } : null, icon(name), h("span", null, words))));

const clockLine = (i) => h("p.expires", null, h("span.dot.live", { "aria-hidden": "true" }), h("span", { id: "left" }));
const tick = () => {
  const e = $("#left"), until = flow.now?.p?.expires;
  if (!e || !until) return;
  const left = Math.max(0, Math.round((until - Date.now()) / 1000));
  e.textContent = t("qr.expires", `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`);
};

const prompt = (i) => i.card?.prompt && h("p.prompt", { role: "status" }, config.lang === "en" ? i.card.prompt.en : i.card.prompt.zh);
const methodName = (m) => t("method." + (["wechat", "alipay", "unionpay", "ecny", "card", "cash"].includes(m) ? m : "other"));

// Each screen: [tone, content, buttons].
const screens = {
  creating: (i) => ["plain", [...head("quiet", "", t("state.creating"), i.amount), h("div.spinner", { "aria-hidden": "true" }), text(i.trying ? t("state.trying") : "")], i.trying ? [leaveButton()] : []],
  present: (i) => ["plain", [...head("quiet", "credit-card", t("state.card"), i.amount), prompt(i), i.card.cards?.length && text(t("card.present")),
    i.card.cards?.length && h("div.choices.cards", null, ...i.card.cards.map((c) => button("soft", "", config.lang === "en" ? c.en : c.zh, () => present(i, c.name))))], [button("plain.wide", "", t("do.cancel"), () => stop(i))]],
  sent: (i) => ["plain", [...head("quiet", "", t("state.sent"), i.amount), h("div.spinner", { "aria-hidden": "true" }), prompt(i)], [leaveButton()]],
  created: (i) => ["plain", [...head("quiet", "", t("state.qr"), i.p.amount), i.p.symbol && symbol(i.p.symbol, t("qr.label")), text(t("qr.with")), i.p.expires && clockLine(i)],
    [button("soft.wide", "devices", t("do.handover"), () => more().then((m) => m.handOver(i))), cancelButton(i)]],
  waiting: (i) => ["warm", [...head("warn", "lock", t("state.waiting"), i.p.amount, text(t("state.waiting.text")))],
    [button("soft.wide", "devices", t("do.handover"), () => more().then((m) => m.handOver(i))), leaveButton(), cancelButton(i)]],
  cancelling: (i) => ["warm", [...head("warn", "hourglass", t("state.cancelling"), i.amount, text(t("state.cancelling.text")))], [leaveButton()]],
  approved: (i) => {
    const p = i.p, partial = p.partial;
    return ["green", [...head("good", "check", t("state.approved"), p.amount,
      small(p.arrival, p.fee != null && !partial && p.method !== "cash" && t("approved.fee", money(p.fee)), methodName(p.method)), h("p.small.mono", null, p.id)),
      p.change != null && h("p.change", null, h("span", null, t("cash.change")), h("b", null, money(p.change))),
      p.sign && !p.signed && h("p.note.warn", null, icon("signature"), h("span", null, t("sign.wanted")))],
      [h("div.three", null,
        button("glass", "printer", t("do.print"), () => more().then((m) => m.printSlip(p))), button("glass", "receipt", t("do.receipt"), () => more().then((m) => m.showReceipt(p))),
        p.method === "card" ? button("glass", "signature", t(p.signed ? "do.signed" : "do.sign"), () => more().then((m) => m.askSignature(i)), { disabled: !!p.signed }) : button("glass", "receipt-refund", t("do.refund"), () => more().then((m) => m.detail(p.id)))),
      button("white.wide", "", t("do.next"), next)]];
  },
  declined: (i) => ["rose", [...head("bad", "x", t("state.declined"), i.amount, text(i.p.reason || t("state.declined.text")), small(i.p.code && t("declined.code", i.p.code), i.p.id))], [otherWay(), retry(i, "soft"), button("plain.wide", "", t("do.stop"), next)]],
  refused: (i) => ["rose", [...head("bad", "x", t("state.refused"), i.amount, text(i.refused.message))], [otherWay(), retry(i, "soft"), button("plain.wide", "", t("do.stop"), next)]],
  unknown: (i) => ["warm", [...head("warn", "hourglass", t("state.unknown"), i.amount, text(t("state.unknown.text"))), steps(["done", "circle-check", t("step.sent")], ["now", "refresh", t("step.asking")], ["next", "arrow-back-up", t("step.reverse")])],
    [button("soft.wide", "refresh", t("do.ask"), () => ask(i)), leaveButton()]],
  reversing: (i) => ["warm", [...head("warn", "arrow-back-up", t("state.reversing"), i.amount, text(t("state.reversing.text"))), steps(["done", "circle-check", t("step.sent")], ["done", "circle-check", t("step.asked")], ["now", "refresh", t("step.reversing")])],
    [button("soft.wide", "refresh", t("do.ask"), () => ask(i)), leaveButton()]],
  reversed: (i) => ["calm", [...head("quiet", "arrow-back-up", t("state.reversed"), i.amount, text(t("state.reversed.text")), small(i.p.id))], [button("primary.wide", "", t("do.restart"), next)]],
  cancelled: (i) => ["calm", [...head("quiet", "arrow-back-up", t("state.cancelled"), i.amount, text(t("state.cancelled.text")), small(i.p.id))], [button("primary.wide", "", t("do.restart"), next)]],
  expired: (i) => ["calm", [...head("quiet", "clock", t("state.expired"), i.amount, text(t("state.cancelled.text")), small(i.p.id))], [button("primary.wide", "", t("do.restart"), next)]],
  voided: (i) => ["calm", [...head("quiet", "receipt-refund", t("state.voided"), i.amount, small(i.p.id))], [button("primary.wide", "", t("do.next"), next)]],
  scan: () => {
    const gunField = h("input", { id: "gun", autocomplete: "off", inputMode: "numeric", placeholder: t("scan.gun"), "aria-label": t("scan.gun") });
    const take = (code) => {
      code = code.replace(/\s/g, "");
      if (!isPaymentCode(code)) return toast(t("scan.wrong"), "warn");
      if (asking.method !== "scan") return;
      asking.method = null;
      tone("tick");
      start("scan", { code });
    };
    gun.take = take;
    const video = h("video", { muted: true, playsInline: true, "aria-hidden": "true" }), why = h("p.nocamera", { hidden: true });
    stopCamera = look(video, take, (reason) => { why.hidden = false; why.replaceChildren(icon("camera"), h("span", null, t("camera." + reason))); });
    return ["plain", [...head("quiet", "", t("state.scan"), sums().total), h("div.viewer", null, video, h("div.frame", { "aria-hidden": "true" }), why), text(t("scan.hold")),
      h("form.gunline", { onsubmit: (e) => { e.preventDefault(); take(gunField.value); } }, h("span.input", null, gunField), h("button.button.soft.square", { "aria-label": t("scan.charge") }, icon("arrow-right")))],
      [button("plain.wide", "", t("do.cancel"), shut)]];
  },
  cash: () => {
    const total = sums().total, input = h("input", { id: "tendered", inputMode: "decimal", autocomplete: "off", "aria-describedby": "change" }), change = h("output.change", { id: "change" });
    const draw = () => {
      const given = input.value.trim() ? parse(input.value) : total, enough = given >= total;
      change.className = "change " + (enough ? "" : "short");
      change.replaceChildren(h("span", null, t(enough ? "cash.change" : "cash.short")), h("b", null, Number.isNaN(given) ? "—" : money(Math.abs(given - total))));
      ok.disabled = !enough;
      return enough ? given : null;
    };
    const unit = (n) => n * 10 ** (config.exponent ?? 2);
    const notes = [...new Set([1, 5, 10, 20, 50, 100].map((n) => Math.ceil(total / unit(n)) * unit(n)))].filter((n) => n > total).slice(0, 4);
    const done = () => { const given = draw(); if (given != null) { asking.method = null; start("cash", { tendered: given }); } };
    const ok = button("primary.wide", "cash", t("cash.take"), done);
    input.addEventListener("input", draw);
    const body = [...head("quiet", "", t("state.cash"), total), h("form.stack", { onsubmit: (e) => { e.preventDefault(); done(); } },
      h("label.field", null, h("span", null, t("cash.given")), h("span.input", null, h("span", { "aria-hidden": "true" }, sign()), input)),
      h("div.choices", null, ...[total, ...notes].map((n) => button("soft", "", n === total ? t("cash.exact") : money(n), () => { input.value = decimal(n); draw(); })))), change];
    draw();
    return ["plain", body, [ok, button("plain.wide", "", t("do.cancel"), shut)]];
  },
};

const shut = () => {
  asking.method = null;
  show();
};

// Show draws the sheet as things stand. quiet: the state is the same, so nobody's focus moves.
export const show = (quiet) => {
  const i = flow.now, d = sheet(), name = i ? (i.cancelling && !final(stateOf(i)) ? "cancelling" : stateOf(i)) : asking.method;
  if (stopCamera && name !== "scan") stopCamera(), (stopCamera = null), (gun.take = null);
  if (!name || name === "handed") {
    clearInterval(ticking);
    shown = "";
    if (d.open) d.close();
    return;
  }
  if (!i && shown === name) return; // a question stays as it is
  const [tone, content, actions] = (screens[name] || screens.sent)(i);
  const was = shown;
  shown = (i?.key || i?.id || "") + name;
  d.dataset.state = name;
  d.dataset.tone = tone;
  $(".sheet-body", d).replaceChildren(...content.filter(Boolean));
  $(".sheet-foot", d).replaceChildren(...actions.filter(Boolean));
  if (!d.open) d.showModal();
  if (shown !== was || !quiet) {
    const focus = $("#tendered", d) || (name === "scan" && matchMedia("(pointer: fine)").matches && $("#gun", d)) || $("#sheet-title", d);
    if (shown !== was || !d.contains(document.activeElement)) focus.focus({ preventScroll: true });
  }
  if (i && final(name) && shown !== was) {
    const say = [$("#sheet-title", d), $(".figure", d), $(".text", d)].filter(Boolean).map((e) => e.textContent).join(" ");
    $("#alert").textContent = say;
  } else if (shown !== was) {
    $("#alert").textContent = "";
  }
  clearInterval(ticking);
  tick();
  ticking = setInterval(tick, 1000);
};

// The tray: what is open and not on the screen.
export const tray = () => {
  const waiting = flow.open.filter((i) => i !== flow.now), chip = $("#tray");
  chip.hidden = !waiting.length;
  const words = t(waiting.length === 1 ? "tray.one" : "tray.many", waiting.length);
  $("span", chip).textContent = words;
  $("b", chip).textContent = waiting.length;
  chip.setAttribute("aria-label", words);
};
const openTray = () => panel(t("tray.title"), h("ul.rows", null, ...flow.open.map((i) => h("li", null, h("button.row-button", { type: "button", onclick: () => { closePanel(); open(i); } },
  h("span", null, h("b", null, money(i.amount)), h("small", null, `${methodName(i.p?.method || i.method)} · ${time(i.at)}`)), h("span.badge." + (stateOf(i) === "created" ? "info" : "warn"), null, t("short." + stateOf(i))))))), h("p.hint", null, t("tray.hint")));

export const startSheet = () => {
  Object.assign(flow, { show, tray });
  const d = sheet();
  d.addEventListener("cancel", (e) => {
    e.preventDefault(); // a payment is not dismissed
    if (!flow.now) shut();
  });
  $("#tray").addEventListener("click", openTray);
};
