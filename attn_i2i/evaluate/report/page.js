"use strict";
const pictures = JSON.parse(document.getElementById("pictures").textContent);
const rows = JSON.parse(document.getElementById("rows").textContent);
const show = (image) => { if (!image.src) image.src = pictures[image.dataset.picture]; };
document.querySelectorAll("details").forEach((part) => part.addEventListener("toggle", () => {
  if (part.open) part.querySelectorAll("img[data-picture]").forEach(show);
}));
document.querySelectorAll("img[data-picture]").forEach((image) => { if (!image.closest("details")) show(image); });

const wipe = document.getElementById("wipe");
if (wipe) {
  const model = document.getElementById("wipe-model"), picture = document.getElementById("wipe-picture");
  const slider = document.getElementById("wipe-at"), [under, over] = wipe.querySelectorAll("img");
  const draw = () => {
    const row = rows[picture.value];
    under.src = pictures[row.input];
    over.src = pictures[row.outputs[model.value]];
    over.alt = `output of ${model.selectedOptions[0].textContent}`;
  };
  [model, picture].forEach((choice) => choice.addEventListener("change", draw));
  document.querySelectorAll("button.open").forEach((button) => button.addEventListener("click", () => {
    [picture.value, model.value] = [button.dataset.row, button.dataset.model];
    draw();
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    wipe.scrollIntoView({ block: "center", behavior: still ? "auto" : "smooth" });
    slider.focus({ preventScroll: true });
  }));
  draw();
  makeWipe(wipe, slider);
}
