// Asks the browser for a passkey: a button names where the question comes from (data-ask),
// and its form takes the answer and is sent.
function load(src) {
  if (globalThis.SimpleWebAuthnBrowser) return Promise.resolve(globalThis.SimpleWebAuthnBrowser);
  return new Promise((done, fail) => {
    const s = document.createElement("script");
    s.src = src;
    s.onload = () => done(globalThis.SimpleWebAuthnBrowser);
    s.onerror = () => fail(new Error("script"));
    document.head.append(s);
  });
}

function tell(button, text) {
  const box = button.closest("form").querySelector("[data-passkey-said]");
  if (box) {
    box.textContent = text;
    box.hidden = !text;
  }
}

export async function ask(button) {
  const form = button.closest("form");
  if (button.getAttribute("aria-busy") === "true") return;
  tell(button, "");
  button.setAttribute("aria-busy", "true");
  try {
    if (!globalThis.PublicKeyCredential) {
      tell(button, button.dataset.none);
      return;
    }
    const lib = await load(button.dataset.lib);
    const body = new URLSearchParams({ action: button.dataset.action || "", object: button.dataset.object || "" });
    const res = await fetch(button.dataset.ask, { method: "POST", headers: { Accept: "application/json" }, body });
    const q = await res.json();
    if (!res.ok) {
      tell(button, q.message);
      return;
    }
    const make = button.dataset.mode === "new" ? lib.startRegistration : lib.startAuthentication;
    const answer = await make({ optionsJSON: q.options });
    form.querySelector("[name=proof_ticket]").value = q.ticket;
    form.querySelector("[name=proof_answer]").value = JSON.stringify(answer);
    const means = form.querySelector("[name=proof_means]");
    if (means && means.tagName === "SELECT") means.disabled = true;
    const by = form.querySelector("[data-by-passkey]");
    if (by) by.disabled = false;
    form.querySelectorAll("[data-not-passkey]").forEach((e) => { e.required = false; });
    form.requestSubmit();
  } catch (e) {
    tell(button, button.dataset.refused);
  } finally {
    button.removeAttribute("aria-busy");
  }
}
