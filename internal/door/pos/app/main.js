// The beginning: what was kept is shown at once, then the server is asked.
import { $, $$, kept, more, t } from "./base.js";
import { net } from "./api.js";
import { listen, streaming } from "./live.js";
import { prime, voice } from "./sound.js";
import { loadItems, startCharge } from "./charge.js";
import { preload } from "./scan.js";
import { adopt, flow, next, startPayments, stateOf } from "./pay.js";
import { pay, startSheet } from "./sheet.js";
import { drawState, refresh, setVoice, state } from "./state.js";

const drawNet = () => {
  const off = !navigator.onLine, weak = !off && (net.weak || (state.live && !streaming()));
  const dot = $("#online"), now = off ? "off" : weak ? "weak" : "on";
  if (dot.dataset.now === now) return;
  dot.dataset.now = now;
  $("span:last-child", dot).textContent = t("net." + now);
  const banner = $("#banner");
  banner.hidden = now === "on";
  banner.dataset.now = now;
  $("span", banner).textContent = now === "on" ? "" : t(off ? "net.offline" : "net.slow");
};

const openSales = () => more().then((m) => m.loadSales());
const tabs = { sales: openSales, today: () => more().then((m) => m.loadToday()), me: () => more().then((m) => { m.drawMe(); refresh(); }) };
const goTo = (tab) => {
  $("#pos").dataset.tab = tab;
  for (const b of $$("[data-go]")) b.dataset.go === tab ? b.setAttribute("aria-current", "page") : b.removeAttribute("aria-current");
  tabs[tab]?.();
};

startSheet();
startCharge(pay, (e) => {
  if (flow.now && stateOf(flow.now) === "approved" && !e.target.closest("button, input")) next();
});
for (const b of $$("[data-go]")) b.addEventListener("click", () => goTo(b.dataset.go));
$("#voice").addEventListener("click", () => { prime(); setVoice(!voice.on()); });
$("#seek").addEventListener("input", () => { clearTimeout(goTo.wait); goTo.wait = setTimeout(openSales, 250); });
setVoice(voice.on());
net.listen.push(drawNet);
addEventListener("online", () => { drawNet(); refresh(); loadItems(); }); // much may have become of things meanwhile
addEventListener("offline", drawNet);
document.addEventListener("refused", (e) => { if (["price_changed", "item_sold_out", "item_unknown"].includes(e.detail)) loadItems(); });
document.addEventListener("changed", () => {
  const load = tabs[$("#pos").dataset.tab];
  if (load && load !== tabs.me) { clearTimeout(goTo.late); goTo.late = setTimeout(load, 400); }
});

state.data = kept("state", {});
drawState();
goTo("charge");
startPayments();
document.documentElement.dataset.ready = Math.round(performance.now());

refresh().then(() => {
  listen(state.data.seq);
  setTimeout(() => { state.live = true; drawNet(); }, 5000);
  for (const p of state.data.pending || []) adopt(p);
  const code = new URLSearchParams(location.search).get("take");
  if (code) {
    history.replaceState(null, "", "/pos");
    more().then((m) => m.takeOver(code));
  }
});
loadItems();
if (kept("refunds", []).length) more().then((m) => m.resumeRefunds());
else setTimeout(() => more().catch(() => {}), 3000);
setTimeout(preload, 12000);
setInterval(drawNet, 3000);
drawNet();
if ("serviceWorker" in navigator) addEventListener("load", () => navigator.serviceWorker.register("/pos/sw.js", { scope: "/pos" }).catch(() => {}));
