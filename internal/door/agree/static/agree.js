// The signature: a pad on the canvas, whose picture goes into the form when it is sent.
for (const form of document.querySelectorAll("form[data-signing]")) {
  const canvas = form.querySelector("canvas[data-pad]");
  const field = form.elements.drawing;
  const lib = await import(canvas.dataset.lib);
  const Pad = lib.default || lib.SignaturePad;
  const pad = new Pad(canvas, { penColor: "#111827", minWidth: 1.2, maxWidth: 3.2 });
  // Points are counted in pixels of the canvas: it is as wide as it is shown, times the screen's density.
  const fit = () => {
    const k = Math.min(globalThis.devicePixelRatio || 1, 2);
    const box = canvas.getBoundingClientRect();
    if (!box.width || Math.round(box.width * k) === canvas.width) return;
    const old = pad.toData();
    canvas.width = Math.round(box.width * k);
    canvas.height = Math.round(box.height * k);
    canvas.getContext("2d").scale(k, k);
    pad.clear();
    if (old.length) pad.fromData(old);
  };
  fit();
  addEventListener("resize", fit);
  form.querySelector("[data-clear]").addEventListener("click", () => pad.clear());
  form.addEventListener("submit", () => { field.value = pad.isEmpty() ? "" : pad.toDataURL("image/png"); }, { capture: true });
}
