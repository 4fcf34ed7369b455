// The one script of customers' pages: it asks what became of a payment, ever less often,
// and shows the page anew when something has. Without it everything works by hand.
const print = document.querySelector("[data-print]");
if (print) {
  print.hidden = false;
  print.addEventListener("click", () => window.print());
}

const watch = document.querySelector("[data-watch]");
if (watch) {
  const { watch: address, was, then } = watch.dataset;
  let pause = 1500, asked = 0, timer = 0;
  const ask = async () => {
    clearTimeout(timer);
    if (document.hidden) return; // asked again when somebody looks
    asked++;
    try {
      const answer = await fetch(address, { headers: { Accept: "application/json" }, cache: "no-store" });
      if (answer.ok) {
        const { state } = await answer.json();
        if (state !== was) return then ? location.replace(then) : location.reload();
      }
    } catch { /* no network: the next try tells */ }
    pause = Math.min(pause * 1.15, 15000);
    if (asked < 240) timer = setTimeout(ask, pause);
  };
  timer = setTimeout(ask, pause);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) ask(); });
}

const left = document.querySelector("[data-left]");
if (left) {
  const until = Date.now() + 1000 * Number(left.dataset.left), words = left.textContent;
  const clock = /\d+:\d\d/;
  const tick = () => {
    const s = Math.max(0, Math.round((until - Date.now()) / 1000));
    left.textContent = words.replace(clock, `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`);
    if (s > 0) setTimeout(tick, 1000);
  };
  tick();
}
