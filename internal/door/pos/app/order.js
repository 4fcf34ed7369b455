// The order at hand: what was typed, the items in the cart, discount and note. Arithmetic as
// the server's, in whole minor units; the server's opinion counts.
import { kept, keep } from "./base.js";
import { exponent, most, parse } from "./money.js";

export const order = Object.assign({ terms: [""], lines: [], percent: 0, off: 0, note: "" }, kept("order"));
export const catalogue = { items: [], byId: new Map(), loaded: false };
const orderListeners = [];
export const onOrder = (f) => orderListeners.push(f);
export const changed = () => {
  keep("order", order);
  orderListeners.forEach((f) => f());
};

export const typed = () => order.terms.reduce((sum, term) => sum + (parse(term || "0") || 0), 0);
export const priceOf = (line) => catalogue.byId.get(line.item)?.price ?? line.price;
export const sums = () => {
  const items = order.lines.reduce((sum, l) => sum + priceOf(l) * l.quantity, 0), sum = items + typed();
  const off = Math.floor((sum * order.percent + 5000) / 10000) + order.off; // half up, as the server
  return { items, typed: typed(), sum, off: Math.min(off, sum), total: Math.max(0, sum - off), count: order.lines.reduce((n, l) => n + l.quantity, 0) };
};

// Key takes one key of the keypad: a digit, "00", ".", "+", "back" or "clear". False: it does not fit.
export const key = (k) => {
  const last = order.terms.length - 1, term = order.terms[last], point = term.indexOf(".");
  let next = term;
  if (k === "clear") return clear(), true;
  if (k === "back") {
    if (term) next = term.slice(0, -1);
    else if (last) order.terms.pop(), (next = null);
  } else if (k === "+") {
    if (!parse(term || "0")) return false;
    order.terms.push("");
    next = null;
  } else if (k === ".") {
    if (point >= 0 || !exponent()) return false;
    next = (term || "0") + ".";
  } else {
    if (point >= 0 && term.length - point - 1 + k.length > exponent()) {
      if (k.length === 1 || term.length - point > exponent()) return false;
      k = k[0];
    }
    next = term === "0" ? k.replace(/^0+(?=\d)/, "") : term || k !== "00" ? term + k : "0";
  }
  if (next !== null) {
    order.terms[last] = next;
    if (sums().sum > most) {
      order.terms[last] = term;
      return false;
    }
  }
  changed();
  return true;
};

// Quick adds an amount: alone when nothing was typed, else as one more term.
export const quick = (minor) => {
  if (sums().sum + minor > most) return false;
  const text = String(minor / 10 ** exponent()); // whole units only
  if (order.terms.at(-1)) order.terms.push(text);
  else order.terms[order.terms.length - 1] = text;
  changed();
  return true;
};

export const put = (item, n = 1) => {
  const line = order.lines.find((l) => l.item === item.id);
  if (line) line.quantity = Math.max(0, Math.min(9999, line.quantity + n));
  else if (n > 0) order.lines.push({ item: item.id, quantity: n, price: item.price, zh: item.zh, en: item.en });
  order.lines = order.lines.filter((l) => l.quantity > 0);
  changed();
};

export const clear = () => {
  Object.assign(order, { terms: [""], lines: [], percent: 0, off: 0, note: "" });
  changed();
};

// The cart as the server wants it.
export const cart = () => ({
  lines: [...order.lines.map(({ item, quantity }) => ({ item, quantity })),
    ...order.terms.map((term) => parse(term || "0")).filter((minor) => minor > 0).map((amount) => ({ amount, quantity: 1 }))],
  percent: order.percent, off: order.off,
});
