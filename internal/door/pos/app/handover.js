// One payment, two devices: this one shows six digits and a code, the other takes over.
import { button, config, h, panel, closePanel, symbol, t, toast } from "./base.js";
import { Refusal, post } from "./api.js";
import { adopt } from "./pay.js";

export const handOver = async (intent) => {
  let o;
  try {
    o = await post(`payments/${intent.id}/handover`);
  } catch (e) {
    return toast(e instanceof Refusal ? e.message : t("net.lost"), "warn");
  }
  panel(t("do.handover"), h("div.center", null, h("p.digits6", { "aria-label": o.code.split("").join(" ") }, o.code.slice(0, 3) + " " + o.code.slice(3)), symbol(o.symbol, t("handover.label")), h("p", null, t("handover.how"))));
};

export const takeOver = (code = "") => {
  const input = h("input", { inputMode: "numeric", maxLength: 7, autocomplete: "one-time-code", value: code, autofocus: true });
  const take = async (e) => {
    e?.preventDefault();
    try {
      const p = await post("takeover", { code: input.value.replace(/\D/g, "") });
      closePanel();
      adopt(p, true);
    } catch (err) {
      toast(err instanceof Refusal ? err.message : t("net.lost"), "warn");
      input.select();
    }
  };
  panel(t("handover.take"), h("form.stack", { onsubmit: take }, h("label.field", null, h("span", null, t("handover.code")), h("span.input", null, input)), h("button.button.primary.wide", null, t("handover.take"))));
  if (code) take();
};
