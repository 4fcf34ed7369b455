// Asks every two seconds whether somebody has taken the code that this device shows.
const box = document.querySelector("[data-pairing]");
const until = Number(box.dataset.pairing) * 1000;

async function look() {
  if (Date.now() > until) {
    location.reload();
    return;
  }
  if (!document.hidden) {
    try {
      const res = await fetch("/pair/state", { method: "POST", headers: { Accept: "application/json" } });
      const said = await res.json();
      if (res.ok && said.paired) {
        location.replace(said.next);
        return;
      }
      if (res.status === 422) {
        location.reload();
        return;
      }
    } catch {
      // the network is gone for a moment: ask again
    }
  }
  setTimeout(look, 2000);
}
setTimeout(look, 2000);
