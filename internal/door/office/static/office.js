// While a file is written, the page says how far it has come. The download itself is the
// browser's own; this only asks, and stops when the file is there.
const wait = (ms) => new Promise((done) => setTimeout(done, ms));

document.addEventListener("click", (e) => {
  const link = e.target.closest("[data-progress] a[download]");
  if (link) follow(link.closest("[data-progress]"));
});

async function follow(box) {
  const status = box.querySelector("[role=status]");
  if (box.dataset.following) return;
  box.dataset.following = "1";
  const say = (text, p) => {
    status.textContent = text.replace("{rows}", p.rows.toLocaleString()).replace("{percent}", p.percent ? " · " + p.percent + "%" : "");
  };
  for (let quiet = 0; quiet < 240; quiet++) {
    await wait(quiet < 4 ? 250 : 1000);
    let p;
    try {
      const r = await fetch(box.dataset.progress, { headers: { Accept: "application/json" } });
      if (!r.ok) break;
      p = await r.json();
    } catch {
      break;
    }
    if (p.failed) {
      status.textContent = document.getElementById("toasts").dataset.broken;
      break;
    }
    if (p.done) {
      say(box.dataset.done, p);
      break;
    }
    say(box.dataset.busy, p);
  }
  delete box.dataset.following;
}
