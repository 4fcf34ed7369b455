// Amounts are whole minor units. Nothing here knows floats.
import { config } from "./base.js";

export const exponent = () => config.exponent ?? 2;
export const sign = () => config.sign ?? "¥";
const unit = () => 10 ** exponent();

// 4650 → "46.50", with separators "1,046.50".
export const decimal = (minor, grouped) => {
  const n = exponent(), s = String(Math.abs(minor)).padStart(n + 1, "0"), cut = s.length - n;
  const whole = grouped ? s.slice(0, cut).replace(/\B(?=(\d{3})+$)/g, ",") : s.slice(0, cut);
  return (minor < 0 ? "−" : "") + whole + (n ? "." + s.slice(cut) : "");
};
export const money = (minor) => (minor < 0 ? "−" : "") + sign() + decimal(Math.abs(minor), true);

// "46.5" → 4650; NaN for what is no amount.
export const parse = (text) => {
  const m = /^(\d{0,9})(?:\.(\d*))?$/.exec(text.trim().replace(/,/g, ""));
  if (!m || (!m[1] && !m[2]) || (m[2] || "").length > exponent()) return NaN;
  return Number(m[1] || 0) * unit() + Number((m[2] || "").padEnd(exponent(), "0") || 0);
};

// What is said aloud: "46.5", "100".
export const spoken = (minor) => decimal(minor).replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "");

// The largest amount of one payment that fits the screen.
export const most = 999999999;
