// A photo is sent as soon as it is chosen; without this the button does it.
document.addEventListener("change", (e) => {
  if (e.target.matches("input[type=file][data-send]") && e.target.files.length) e.target.form.requestSubmit();
});
