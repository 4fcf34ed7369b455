// The few things that pages do by themselves: drawers and dialogs open when htmx has filled
// them, toasts come and go, "/" goes to the search. All names of htmx's events are here.
const find = (id) => document.getElementById(id);

function toast(text, tone) {
  const box = find("toasts");
  if (!box) return;
  const item = document.createElement("div");
  item.className = "toast " + tone;
  if (tone === "bad") item.setAttribute("role", "alert");
  const p = document.createElement("p");
  p.textContent = text;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "plain";
  button.dataset.dismiss = "";
  button.setAttribute("aria-label", box.dataset.close || "");
  button.textContent = "×";
  item.append(p, button);
  box.append(item);
  later(item);
}

// A good toast leaves by itself; a bad one waits to be read.
function later(item) {
  if (!item.classList.contains("bad")) setTimeout(() => item.remove(), 6000);
}

function opened(dialog) {
  if (dialog && dialog.tagName === "DIALOG" && !dialog.open && dialog.childElementCount) dialog.showModal();
}

document.addEventListener("htmx:afterSwap", (e) => {
  const target = e.detail.target;
  if (!target) return;
  opened(target.closest("dialog"));
  if (target.id === "toasts" && target.lastElementChild) later(target.lastElementChild);
});
document.addEventListener("htmx:sendError", () => toast(find("toasts").dataset.offline, "bad"));
document.addEventListener("htmx:timeout", () => toast(find("toasts").dataset.broken, "bad"));
document.addEventListener("htmx:beforeRequest", (e) => e.detail.elt.setAttribute("aria-busy", "true"));
document.addEventListener("htmx:afterRequest", (e) => e.detail.elt.removeAttribute("aria-busy"));
// A server's event: a page shows the toast that HX-Trigger: {"toast": {"text", "tone"}} names.
document.addEventListener("toast", (e) => toast(e.detail.text, e.detail.tone || "good"));
document.addEventListener("shut", () => document.querySelectorAll("dialog[open]").forEach((d) => d.close()));

document.addEventListener("click", (e) => {
  const shut = e.target.closest("[data-shut]");
  if (shut) shut.closest("dialog").close();
  const dismiss = e.target.closest("[data-dismiss]");
  if (dismiss) dismiss.parentElement.remove();
  if (e.target.tagName === "DIALOG" && !e.target.hasAttribute("data-firm")) e.target.close(); // the backdrop
  const row = e.target.closest("tr[data-open]");
  if (row && !e.target.closest("a, button, input, label")) row.querySelector("a[hx-get]").click();
  const copy = e.target.closest("[data-copy]");
  if (copy && navigator.clipboard) navigator.clipboard.writeText(copy.dataset.copy).then(() => copy.classList.add("done"));
  if (e.target.closest("[data-print]")) print();
  const key = e.target.closest("[data-passkey]");
  if (key) import(key.dataset.passkey).then((m) => m.ask(key));
});
document.querySelectorAll("dialog").forEach((d) => d.addEventListener("close", () => d.replaceChildren()));

document.addEventListener("change", (e) => {
  if (e.target.matches("[data-submit]")) e.target.form.requestSubmit();
});

document.addEventListener("keydown", (e) => {
  if (e.key !== "/" || e.ctrlKey || e.metaKey || e.altKey || e.target.closest("input, textarea, select, dialog")) return;
  const box = document.querySelector("[data-search]");
  if (box) {
    e.preventDefault();
    box.focus();
  }
});
