// Paper: the browser's printer, or a file of printer commands. Else a code that the customer scans.
import { $, button, config, dateTime, h, icon, kept, panel, symbol, t, toast } from "./base.js";
import { get } from "./api.js";
import { money } from "./money.js";
import { nameOf } from "./charge.js";

export const printSlip = async (p) => {
  if (kept("printer", "browser") === "escpos") {
    const a = h("a", { href: `/pos/api/payments/${p.id}/escpos`, download: p.id + ".bin" });
    document.body.append(a);
    a.click();
    return a.remove();
  }
  let full = p;
  try { full = await get("payments/" + p.id); } catch {}
  const row = (name, value) => value && h("tr", null, h("th", { scope: "row" }, name), h("td", null, value));
  $("#slip").replaceChildren(h("h2", null, $("#place").textContent), h("p", null, t("slip.title")), h("p.big", null, money(full.amount)),
    h("table", null, h("tbody", null, ...(full.lines || []).map((l) => row(`${nameOf({ zh: l.name_zh, en: l.name_en }) || t("cart.typed")} × ${l.quantity}`, money(l.sum))),
      row(t("slip.method"), t("method." + full.method)), row(t("slip.state"), t("short." + full.state)), row(t("slip.time"), dateTime(full.created)), row(t("slip.number"), full.id), row(t("slip.card"), full.card),
      full.refunded ? row(t("slip.refunded"), money(full.refunded)) : null, full.note && row(t("charge.note"), full.note))), full.receipt && full.receiptSymbol ? symbol(full.receiptSymbol, t("receipt.label")) : null);
  print();
};

export const showReceipt = async (p) => {
  let r;
  try {
    r = await get(`payments/${p.id}/receipt`);
  } catch (e) {
    return toast(e.message || t("net.lost"), "warn");
  }
  panel(t("do.receipt"), h("div.center", null, symbol(r.symbol, t("receipt.label")), h("p", null, t("receipt.scan")), h("p.mono", null, r.link)),
    button("soft.wide", "copy", t("receipt.copy"), () => navigator.clipboard?.writeText(r.link).then(() => toast(t("receipt.copied"), "good"), () => {})),
    navigator.share && button("plain.wide", "send", t("receipt.share"), () => navigator.share({ url: r.link }).catch(() => {})));
};
