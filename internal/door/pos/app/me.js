// Mine: who works here, the shift, voice, look, printer, and the items for those who may change them.
import { $, button, closePanel, config, dateTime, field, h, icon, keep, kept, panel, t, toast } from "./base.js";
import { Refusal, call, get, post } from "./api.js";
import { decimal, money, parse, sign } from "./money.js";
import { catalogue } from "./order.js";
import { loadItems, nameOf } from "./charge.js";
import { test, voice } from "./sound.js";
import { refresh, setVoice, state } from "./state.js";
import { takeOver } from "./handover.js";

const trouble = (e) => toast(e instanceof Refusal ? e.message : t("net.lost"), "warn");

const choice = (label, options, chosen, set) => h("fieldset.choice", null, h("legend", null, label), h("div.segments", null, ...options.map(([value, text]) => h("label", null, h("input", { type: "radio", name: label, checked: value === chosen, onchange: () => set(value) }), h("span", null, text)))));

const setTheme = (theme) => {
  document.documentElement.dataset.theme = theme;
  fetch("/pos?theme=" + theme, { redirect: "manual" }).catch(() => {}); // the cookie, for the next page
};
export const drawMe = () => {
  const d = state.data, s = d.shift, theme = document.documentElement.dataset.theme;
  const row = (name, value) => h("div", null, h("dt", null, name), h("dd", null, value || "—"));
  $("#me").replaceChildren(
    h("section.card", null, h("h2", null, t("shift.title")), s ? h("dl.facts", null, row(t("shift.by"), s.by), row(t("shift.since"), dateTime(s.opened)), row(t("shift.float"), money(s.float)), row(t("shift.expected"), money(s.expected))) : h("p.hint", null, t("shift.none")),
      config.may.count && button(s ? "soft.wide" : "primary.wide", "cash", t(s ? "shift.close" : "shift.open"), s ? askClose : askOpen)),
    h("section.card", null, h("h2", null, t("me.who")), h("dl.facts", null, row(t("me.name"), d.name), row(t("me.place"), d.place), row(t("me.device"), d.deviceName)),
      h("div.actions", null, button("soft", "devices", t("handover.take"), () => takeOver()), d.switchTo && h("a.button.soft", { href: d.switchTo }, icon("users"), h("span", null, t("me.switch"))),
        h("a.button.soft", { href: "/learn" }, icon("school"), h("span", null, t("me.learn"))))),
    h("section.card", null, h("h2", null, t("me.look")),
      choice(t("me.language"), [["zh-CN", t("me.zh")], ["en", t("me.en")]], config.lang, (l) => location.assign("/pos?lang=" + l)),
      choice(t("me.theme"), [["system", t("me.system")], ["light", t("me.light")], ["dark", t("me.dark")]], theme, setTheme),
      choice(t("me.voice"), [["on", t("voice.on")], ["off", t("voice.off")]], voice.on() ? "on" : "off", (v) => setVoice(v === "on")),
      button("soft.wide", "volume", t("voice.test"), () => toast(t(test() ? "voice.tested" : "voice.missing"), "info")), h("p.hint", null, t("voice.hint")),
      choice(t("me.printer"), [["browser", t("me.browser")], ["escpos", t("me.escpos")]], kept("printer", "browser"), (v) => keep("printer", v))),
    config.may.shop ? h("section.card", null, h("h2", null, t("items.title")), h("p.hint", null, t("items.hint", catalogue.items.length)), button("soft.wide", "edit", t("items.edit"), editItems)) : "");
};

const cashForm = (title, label, does, before, send) => {
  const input = h("input", { inputMode: "decimal", autocomplete: "off", autofocus: true, required: true });
  panel(title, before, h("form.stack", { onsubmit: async (e) => {
    e.preventDefault();
    const v = parse(input.value);
    if (!(v >= 0)) return input.focus();
    try { await send(v); } catch (err) { trouble(err); }
  } }, h("label.field", null, h("span", null, label), h("span.input", null, h("span", { "aria-hidden": "true" }, sign()), input)), h("button.button.primary.wide", null, does)));
};
const askOpen = () => cashForm(t("shift.open"), t("shift.count.open"), t("shift.open"), h("p.hint", null, t("shift.open.hint")), async (v) => {
  await post("shift/open", { float: v });
  closePanel();
  toast(t("shift.opened"), "good");
  refresh();
});
const askClose = async () => {
  let s;
  try { s = await get("shift"); } catch (e) { return trouble(e); }
  cashForm(t("shift.close"), t("shift.count.close"), t("shift.close"), totals(s), async (v) => {
    const done = await post("shift/close", { counted: v }), d = done.difference;
    panel(t("shift.closed"), totals(done), h("dl.facts", null, h("div", null, h("dt", null, t("shift.counted")), h("dd", null, money(done.counted))), h("div." + (d ? "bad" : "good"), null, h("dt", null, t("shift.difference")), h("dd", null, d ? money(d) : t("shift.exact")))),
      button("soft.wide", "printer", t("do.print"), () => { $("#slip").replaceChildren(h("h2", null, state.data.place), h("p", null, t("shift.closed")), totals(done)); print(); }), button("primary.wide", "", t("ok"), closePanel));
    refresh();
  });
};
const totals = (s) => h("dl.facts", null, ...s.totals.map((m) => h("div", null, h("dt", null, `${t("method." + m.method)} × ${m.count}`), h("dd", null, money(m.taken - m.refunded)))), h("div", null, h("dt", null, t("shift.float")), h("dd", null, money(s.float))), h("div.sum", null, h("dt", null, t("shift.expected")), h("dd", null, money(s.expected))));

// The items: a list, and a form of one.
const editItems = () => panel(t("items.title"), button("primary.wide", "plus", t("items.add"), () => editItem({ zh: "", en: "", price: 0, barcode: "", category: "", state: "on sale", place: 0 })),
  h("ul.rows", null, ...(catalogue.all || []).map((i) => h("li", null, h("button.row-button", { type: "button", onclick: () => editItem(i) }, i.photo ? h("img.disc", { src: `/pos/api/items/${i.id}/photo/${i.photo}`, alt: "" }) : h("span.disc", null, icon("package")), h("span", null, h("b", null, nameOf(i)), h("small", null, [i.category, i.barcode].filter(Boolean).join(" · "))), h("span.end", null, h("b", null, money(i.price)), i.state !== "on sale" && h("span.badge.quiet", null, t(i.state === "hidden" ? "items.hidden" : "items.soldout"))))))));
export const itemsEditor = () => editItems();

const editItem = (i) => {
  const text = (name, value, props) => h("input", { name, value, autocomplete: "off", ...props });
  const photo = h("input", { type: "file", accept: "image/jpeg,image/png", name: "photo" });
  const save = async (e) => {
    e.preventDefault();
    const f = new FormData(e.target), price = parse(f.get("price"));
    if (!(price > 0)) return e.target.price.focus();
    const body = { zh: f.get("zh"), en: f.get("en"), price, barcode: f.get("barcode"), category: f.get("category"), state: f.get("state"), place: i.place };
    try {
      const saved = i.id ? await call("PUT", "items/" + i.id, body) : await post("items", body);
      if (photo.files[0]) await call("PUT", `items/${saved.id}/photo`, await smaller(photo.files[0]), { type: "image/jpeg" });
      await loadItems();
      drawMe();
      editItems();
      toast(t("items.saved"), "good");
    } catch (err) { trouble(err); }
  };
  panel(t(i.id ? "items.change" : "items.add"), h("form.stack", { onsubmit: save }, field(t("items.zh"), { name: "zh", value: i.zh, maxLength: 40, autofocus: true }), field(t("items.en"), { name: "en", value: i.en, maxLength: 40 }),
    field(t("items.price"), { name: "price", value: i.price ? decimal(i.price) : "", inputMode: "decimal", required: true }), field(t("items.category"), { name: "category", value: i.category, maxLength: 20 }),
    field(t("items.barcode"), { name: "barcode", value: i.barcode, maxLength: 32, inputMode: "numeric" }, t("items.barcode.hint")),
    h("label.field", null, h("span", null, t("items.state")), h("span.input", null, h("select", { name: "state" }, ...[["on sale", "items.onsale"], ["sold out", "items.soldout"], ["hidden", "items.hidden"]].map(([v, k]) => h("option", { value: v, selected: v === i.state }, t(k)))))),
    h("label.field", null, h("span", null, t("items.photo")), h("span.input", null, photo), h("small", null, t("items.photo.hint"))),
    h("button.button.primary.wide", null, t("items.save"))));
};

// A phone's photo is made smaller before it is sent; the server makes its own of it anyway.
const smaller = async (file) => {
  try {
    const p = await createImageBitmap(file), side = Math.min(p.width, p.height), n = Math.min(side, 960), c = h("canvas", { width: n, height: n });
    c.getContext("2d").drawImage(p, (p.width - side) / 2, (p.height - side) / 2, side, side, 0, 0, n, n);
    return await new Promise((done) => c.toBlob(done, "image/jpeg", 0.9));
  } catch {
    return file;
  }
};

state.drawn = drawMe;
