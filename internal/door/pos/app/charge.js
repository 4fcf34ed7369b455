// The charge screen: amount, keypad, quick amounts, item tiles, cart.
import { $, $$, button, closePanel, config, h, icon, keep, kept, more, panel, t, toast } from "./base.js";
import { decimal, exponent, money, parse, sign } from "./money.js";
import { get } from "./api.js";
import { catalogue, changed, clear, key, onOrder, order, priceOf, put, quick, sums } from "./order.js";

export const nameOf = (i) => (config.lang === "en" ? i.en || i.zh : i.zh || i.en);

const draw = () => {
  const s = sums(), whole = decimal(s.total, true), point = whole.indexOf("."), term = order.terms.at(-1);
  const amount = $("#amount");
  // What was not typed yet is grey.
  let solid = whole.length;
  if (point >= 0 && !s.items && !s.off && order.terms.length === 1) {
    const at = term.indexOf(".");
    solid = at < 0 ? point : point + term.length - at;
  }
  $(".digits", amount).replaceChildren(whole.slice(0, solid), h("span.rest", null, whole.slice(solid)));
  amount.dataset.long = whole.length > 9 ? (whole.length > 12 ? "2" : "1") : "";
  const parts = [];
  if (s.count) parts.push(t("charge.items", s.count, decimal(s.items, true)));
  if (s.typed && (s.count || order.terms.length > 1)) parts.push(order.terms.map((x) => x || "…").join(" + "));
  if (s.off) parts.push(t("charge.off", decimal(s.off, true)));
  $("#parts").textContent = parts.join(" · ");
  $("#note").classList.toggle("on", !!order.note);
  $("#note span").textContent = order.note || t("charge.note");
  $("#discount").classList.toggle("on", !!s.off);
  for (const b of $$("[data-pay]")) b.setAttribute("aria-disabled", String(!s.total || !navigator.onLine));
  drawCart(s);
  for (const tile of $$(".tile[data-id]")) {
    const n = order.lines.find((l) => String(l.item) === tile.dataset.id)?.quantity || 0;
    $(".many", tile).textContent = n ? "×" + n : "";
  }
};

const drawCart = (s) => {
  const line = (name, each, quantity, minus, plus) => h("li", null,
    h("span.what", null, h("b", null, name), h("b.sum", null, money(each * quantity))),
    h("span.count", null, button("soft.square", "minus", "", minus, { "aria-label": t("cart.fewer", name) }), h("output", null, String(quantity)), button("soft.square", "plus", "", plus, { "aria-label": t("cart.more", name) })));
  const lines = order.lines.map((l) => {
    const i = catalogue.byId.get(l.item) || { id: l.item, ...l };
    return line(nameOf(i), priceOf(l), l.quantity, () => put(i, -1), () => put(i, 1));
  });
  order.terms.forEach((term, at) => {
    const minor = parse(term || "0");
    if (minor > 0) lines.push(h("li", null, h("span.what", null, h("b", null, t("cart.typed")), h("b.sum", null, money(minor))),
      h("span.count", null, button("soft.square", "x", "", () => { order.terms.splice(at, 1); if (!order.terms.length) order.terms = [""]; changed(); }, { "aria-label": t("cart.remove") }))));
  });
  if (s.off) lines.push(h("li", null, h("span.what", null, h("b", null, t("charge.discount")), h("b.sum", null, money(-s.off)))));
  $("#lines").replaceChildren(...(lines.length ? lines : [h("li.empty", null, icon("shopping-cart"), h("span", null, t("cart.empty")))]));
  $("#due").textContent = money(s.total);
  $$("[data-cart-count]").forEach((e) => { e.textContent = s.count || ""; e.hidden = !s.count; });
};

// The tiles, by category and what is searched.
let category = "";
const drawTiles = () => {
  const wanted = $("#find").value.trim().toLowerCase(), all = catalogue.items;
  const groups = [...new Set(all.map((i) => i.category).filter(Boolean))];
  if (category && !groups.includes(category)) category = "";
  $("#groups").replaceChildren(...(groups.length > 1 ? ["", ...groups] : []).map((g) => h("button.chip", { type: "button", "aria-pressed": String(g === category), onclick: () => { category = g; drawTiles(); } }, g || t("items.all"))));
  const list = all.filter((i) => (!category || i.category === category) && (!wanted || [i.zh, i.en, i.barcode].some((s) => s.toLowerCase().includes(wanted))));
  const tiles = list.map((i) => h("button.tile", { type: "button", "data-id": String(i.id), "data-hue": String(Math.max(0, groups.indexOf(i.category)) % 6), disabled: i.state !== "on sale", onclick: () => put(i) },
    i.photo && h("img", { src: `/pos/api/items/${i.id}/photo/${i.photo}`, alt: "", loading: "lazy", width: 64, height: 64 }),
    h("b", null, nameOf(i)), h("span.price", null, money(i.price)), i.state !== "on sale" ? h("span.badge.warn", null, t("items.soldout")) : null, h("span.many", { "aria-hidden": "true" })));
  if (config.may.shop) tiles.push(h("button.tile.add", { type: "button", onclick: () => more().then((m) => m.itemsEditor()) }, icon(all.length ? "edit" : "plus"), h("span", null, t(all.length ? "items.edit" : "items.add"))));
  $("#tiles").replaceChildren(...(tiles.length ? tiles : [h("p.empty", null, icon("package"), h("span", null, t(wanted ? "items.nothing" : "items.none")))]));
  draw();
};

export const loadItems = async () => {
  const take = (items) => {
    catalogue.items = items.filter((i) => i.state !== "hidden");
    catalogue.all = items;
    catalogue.byId = new Map(items.map((i) => [i.id, i]));
    drawTiles();
  };
  if (!catalogue.loaded) take(kept("items", []));
  try {
    const { items } = await get("items");
    keep("items", items);
    catalogue.loaded = true;
    take(items);
  } catch {}
};

const askNote = () => {
  const input = h("input", { maxLength: 60, value: order.note, autofocus: true, placeholder: t("note.hint") });
  const done = () => { order.note = input.value.trim(); changed(); closePanel(); };
  panel(t("charge.note"), h("form.stack", { onsubmit: (e) => { e.preventDefault(); done(); } }, h("label.field", null, h("span", null, t("note.label")), h("span.input", null, input)), h("button.button.primary.wide", null, t("ok"))));
};

const askDiscount = () => {
  const set = (percent, off) => { Object.assign(order, { percent, off }); changed(); closePanel(); };
  const input = h("input", { inputMode: "decimal", autocomplete: "off" });
  panel(t("charge.discount"),
    h("div.choices", null, ...[500, 1000, 1200, 2000, 3000, 5000].map((p) => button(order.percent === p ? "primary" : "soft", "", t("discount.rate", config.lang === "en" ? p / 100 + "%" : (10000 - p) / 1000), () => set(p, 0), { "aria-pressed": String(order.percent === p) }))),
    h("form.stack", { onsubmit: (e) => { e.preventDefault(); const v = parse(input.value); v > 0 ? set(0, v) : input.focus(); } }, h("label.field", null, h("span", null, t("discount.amount", sign())), h("span.input", null, input)), h("button.button.primary.wide", null, t("discount.take"))),
    button("plain.wide", "", t("discount.none"), () => set(0, 0)));
};

// A scanner gun types fast and ends with Enter; people do neither.
let burst = "", burstAt = 0;
export const gun = { take: null }; // what the open sheet does with a code; null: items and payment codes
export const isPaymentCode = (s) => /^\d{16,24}$/.test(s) || /^[A-Za-z0-9+/=]{40,}$/.test(s);

export const scanned = (code, pay) => {
  const item = catalogue.items.find((i) => i.barcode && i.barcode === code);
  if (item) return put(item), toast(t("scan.added", nameOf(item)), "good");
  if (isPaymentCode(code) && sums().total) return pay("scan", code);
  toast(t(isPaymentCode(code) ? "scan.amount" : "scan.unknown", code.slice(0, 14)), "warn");
};

const keys = { Backspace: "back", Delete: "clear", ",": "." };
const paying = { F1: "scan", F2: "code", F3: "card", F4: "cash" };
export const startCharge = (pay, next) => {
  onOrder(draw);
  // A key is taken when it is touched, not when it is let go.
  const press = (b) => {
    const fits = b.dataset.quick ? quick(Number(b.dataset.quick) * 10 ** exponent()) : key(b.dataset.key);
    if (!fits) b.animate?.([{ transform: "translateX(-3px)" }, { transform: "translateX(3px)" }, { transform: "none" }], 120);
  };
  for (const b of $$("[data-key],[data-quick]")) {
    let touched = 0;
    b.addEventListener("pointerdown", (e) => { if (e.button === 0) { touched = performance.now(); press(b); } });
    b.addEventListener("click", () => { if (performance.now() - touched > 1000 || !touched) press(b); touched = 0; });
  }
  for (const b of $$("[data-pay]")) b.addEventListener("click", () => pay(b.dataset.pay));
  $("#note").addEventListener("click", askNote);
  $("#discount").addEventListener("click", askDiscount);
  $("#empty").addEventListener("click", clear);
  $("#find").addEventListener("input", drawTiles);
  document.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || e.isComposing) return;
    const writing = e.target.closest("input, textarea, select"), sheet = document.querySelector("dialog[open]");
    if (paying[e.key] && !sheet) return e.preventDefault(), pay(paying[e.key]);
    if (writing) return;
    const now = performance.now();
    if (e.key.length === 1) {
      burst = now - burstAt < 60 ? burst + e.key : e.key;
      burstAt = now;
    } else if (e.key === "Enter" && burst.length >= 6 && now - burstAt < 120) {
      const code = burst;
      burst = "";
      e.preventDefault();
      if (gun.take) return gun.take(code);
      if (sheet) return;
      for (let i = 0; i < code.length; i++) if (/[\d.+]/.test(code[i])) key("back"); // its digits went into the amount
      return scanned(code, pay);
    }
    if (sheet) return e.key === "Enter" && next(e);
    if ($("#pos").dataset.tab !== "charge" || (e.key === "Enter" && e.target.closest("button, a"))) return;
    const k = keys[e.key] || e.key;
    if (/^([0-9]|\.|\+|back|clear)$/.test(k)) e.preventDefault(), key(k);
    else if (e.key === "/") e.preventDefault(), $("#find").focus();
    else if (e.key === "Enter" && sums().total) e.preventDefault(), pay("scan");
  });
  addEventListener("online", draw);
  addEventListener("offline", draw);
  drawTiles();
};
