// What every other part uses: the page's configuration, words, elements.
export const config = JSON.parse(document.getElementById("config").textContent);

// A text of the catalogue, its %s and %d filled in order.
export const t = (key, ...args) => (config.texts[key] ?? `\u27e6${key}\u27e7`).replace(/%[sd]/g, () => args.shift());

export const $ = (selector, inside = document) => inside.querySelector(selector);
export const $$ = (selector, inside = document) => [...inside.querySelectorAll(selector)];

// An element: h("button.key.big", {onclick, "aria-label"}, "text", other…). Empty children are left out.
export const h = (spec, props, ...kids) => {
  const [tag, ...classes] = spec.split(".");
  const e = document.createElement(tag || "div");
  if (classes.length) e.className = classes.join(" ");
  for (const [name, value] of Object.entries(props || {})) {
    if (value == null || value === false) continue;
    if (name.startsWith("on")) e.addEventListener(name.slice(2), value);
    else if (name in e && typeof value !== "string") e[name] = value;
    else e.setAttribute(name, value === true ? "" : value);
  }
  e.append(...kids.flat().filter((k) => k != null && k !== false && k !== ""));
  return e;
};

const svg = (name, attributes) => {
  const e = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v);
  return e;
};

export const icon = (name) => {
  const s = svg("svg", { class: "icon", "aria-hidden": "true" });
  s.append(svg("use", { href: config.icons + "#" + name }));
  return s;
};

// A QR symbol that the server drew: {size, path}, with its quiet margin.
export const symbol = (q, label) => {
  const s = svg("svg", { class: "symbol", viewBox: `-4 -4 ${q.size + 8} ${q.size + 8}`, role: "img", "aria-label": label, "shape-rendering": "crispEdges" });
  s.append(svg("rect", { x: -4, y: -4, width: q.size + 8, height: q.size + 8, fill: "#fff" }), svg("path", { d: q.path, fill: "#0b1020" }));
  return s;
};

// Bars of a chart: values with labels, the highest as high as there is room.
export const bars = (list, label) => {
  const top = Math.max(1, ...list.map((b) => b.value)), s = svg("svg", { class: "bars", viewBox: `0 0 ${list.length * 20} 120`, role: "img", "aria-label": label });
  list.forEach((b, i) => {
    const height = b.value ? Math.max(3, (96 * b.value) / top) : 1;
    s.append(svg("rect", { x: i * 20 + 3, y: 100 - height, width: 14, height, rx: 3, class: b.value ? "on" : "" }));
    if (b.label) {
      const text = svg("text", { x: i * 20 + 10, y: 116, "text-anchor": "middle" });
      text.textContent = b.label;
      s.append(text);
    }
  });
  return s;
};

export const button = (kind, name, text, onclick, props) => h("button.button." + kind, { type: "button", onclick, ...props }, name && icon(name), h("span", null, text));

// What is kept in this browser. It may be full, or forbidden: then things live as long as the page.
const memory = {};
export const keep = (key, value, where = localStorage) => {
  memory[key] = value;
  try {
    value == null ? where.removeItem("pos." + key) : where.setItem("pos." + key, JSON.stringify(value));
  } catch {}
};
export const kept = (key, otherwise, where = localStorage) => {
  try {
    const text = where.getItem("pos." + key);
    if (text != null) return JSON.parse(text);
  } catch {}
  return memory[key] ?? otherwise;
};

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

export const time = (ms) => new Intl.DateTimeFormat(config.lang, { hour: "2-digit", minute: "2-digit", hour12: false, timeZone: config.zone || undefined }).format(ms);
export const dateTime = (ms) => new Intl.DateTimeFormat(config.lang, { month: "numeric", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false, timeZone: config.zone || undefined }).format(ms);

let toastTimer;
export const toast = (text, tone = "info") => {
  const box = $("#toasts");
  box.replaceChildren(h("p.toast." + tone, null, icon({ good: "circle-check", bad: "circle-x", warn: "alert-triangle" }[tone] || "info-circle"), h("span", null, text)));
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => box.replaceChildren(), 6000);
};

// A dialog of its own for everything that is no payment.
export const panel = (title, ...content) => {
  const d = $("#panel"), head = h("h2", { id: "panel-title", tabIndex: -1 }, title);
  d.replaceChildren(h("header.panel-head", null, head, h("button.button.plain.square", { type: "button", "aria-label": t("close"), onclick: () => d.close() }, icon("x"))), h("div.panel-body", null, ...content));
  if (!d.open) d.showModal();
  (d.querySelector("[autofocus]") || head).focus();
  return d;
};
export const closePanel = () => $("#panel").close();

// One labelled input.
export const field = (label, props, hint) => h("label.field", null, h("span", null, label), h("span.input", null, h("input", props)), hint && h("small", null, hint));

// The parts that nobody needs to take the first payment come later.
export const more = () => import(config.more);
