"use strict";
// Two pictures in `box`, one over the other: the range input `slider`, or a finger, says where the upper one begins.
const makeWipe = (box, slider) => {
  const move = () => box.style.setProperty("--at", `${slider.value}%`);
  const drag = (event) => {
    const area = box.getBoundingClientRect();
    slider.value = Math.max(0, Math.min(100, 100 * (event.clientX - area.left) / area.width));
    move();
  };
  box.addEventListener("pointerdown", (event) => { box.setPointerCapture(event.pointerId); drag(event); });
  box.addEventListener("pointermove", (event) => { if (event.buttons) drag(event); });
  slider.addEventListener("input", move);
  move();
};
