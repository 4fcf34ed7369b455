// The cardholder's name on the screen. The pad is loaded when it is wanted.
import { button, config, h, icon, panel, closePanel, t, toast } from "./base.js";
import { call } from "./api.js";
import { money } from "./money.js";
import { flow } from "./pay.js";

export const askSignature = async (intent) => {
  const canvas = h("canvas.signpad", { "aria-label": t("sign.label") }), d = panel(t("sign.title"), h("p.figure", null, money(intent.p.amount)), canvas,
    h("div.two", null, button("soft", "refresh", t("sign.clear"), () => pad?.clear()), button("primary", "check", t("sign.done"), () => done())));
  d.classList.add("wide");
  d.addEventListener("close", () => d.classList.remove("wide"), { once: true });
  const box = canvas.getBoundingClientRect(), scale = Math.min(2, window.devicePixelRatio || 1);
  canvas.width = box.width * scale;
  canvas.height = box.height * scale;
  canvas.getContext("2d").scale(scale, scale);
  let pad;
  try {
    const { default: Pad } = await import(config.pad);
    pad = new Pad(canvas, { penColor: "#0b1020", backgroundColor: "#ffffff" });
  } catch {
    return toast(t("net.lost"), "warn");
  }
  const done = async () => {
    if (pad.isEmpty()) return toast(t("sign.empty"), "warn");
    try {
      await call("POST", `payments/${intent.p.id}/signature`, bitmap(canvas), { type: "image/x-portable-bitmap" });
      intent.p = { ...intent.p, signed: true };
      closePanel();
      flow.show(true);
      toast(t("sign.kept"), "good");
    } catch (e) {
      toast(e.message || t("net.lost"), "warn");
    }
  };
};

// bitmap is what was drawn as a portable bitmap of 320 by 120 points, as terminals send it.
export const bitmap = (canvas, width = 320, height = 120) => {
  const small = h("canvas", { width, height }), c = small.getContext("2d", { willReadFrequently: true }), fit = Math.min(width / canvas.width, height / canvas.height);
  c.fillStyle = "#fff";
  c.fillRect(0, 0, width, height);
  c.drawImage(canvas, (width - canvas.width * fit) / 2, (height - canvas.height * fit) / 2, canvas.width * fit, canvas.height * fit);
  const points = c.getImageData(0, 0, width, height).data, row = width / 8, out = new Uint8Array(row * height);
  for (let n = 0; n < width * height; n++) if (points[n * 4] < 170) out[Math.floor(n / width) * row + ((n % width) >> 3)] |= 128 >> (n % width & 7);
  return new Blob([`P4\n${width} ${height}\n`, out]);
};
