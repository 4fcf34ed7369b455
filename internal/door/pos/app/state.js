// What the server knows of this device and whoever works at it.
import { $, config, icon, keep, t } from "./base.js";
import { get } from "./api.js";
import { voice } from "./sound.js";

export const state = { data: {}, drawn: null };

export const setVoice = (on) => {
  voice.set(on);
  const b = $("#voice");
  b.replaceChildren(icon(on ? "volume" : "volume-off"));
  b.setAttribute("aria-label", t(on ? "voice.mute" : "voice.unmute"));
};

export const refresh = async () => {
  try {
    state.data = await get("state");
    keep("state", state.data);
  } catch {}
  drawState();
};
export const drawState = () => {
  const d = state.data;
  Object.assign(config, { may: d.may || {}, device: d.device, exponent: d.exponent ?? 2, sign: d.sign || "¥", zone: d.zone, signFrom: d.signFrom });
  $("#place").textContent = d.place || t("name");
  $("#who").textContent = [d.shift ? t("shift.on") : d.name ? t("shift.off") : "", d.name].filter(Boolean).join(" · ");
  state.drawn?.();
};
