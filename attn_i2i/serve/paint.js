"use strict";
// A mask painted with a brush: `canvas` lies over the picture, `painted` hears of every stroke that has ended.
const makePainter = (canvas, painted) => {
  const context = canvas.getContext("2d");
  let last = null, drawn = false;
  const place = (event) => {
    const area = canvas.getBoundingClientRect();
    return { x: (event.clientX - area.left) * canvas.width / area.width, y: (event.clientY - area.top) * canvas.height / area.height };
  };
  const line = (from, to) => {
    const area = canvas.getBoundingClientRect();
    context.globalCompositeOperation = painter.erase ? "destination-out" : "source-over";
    context.strokeStyle = "#12d6a3";
    context.lineCap = context.lineJoin = "round";
    context.lineWidth = painter.size * canvas.width / area.width;
    context.beginPath();
    context.moveTo(from.x, from.y);
    context.lineTo(to.x, to.y);
    context.stroke();
    drawn = true;
  };
  const end = () => {
    if (last) painted();
    last = null;
  };
  canvas.addEventListener("pointerdown", (event) => {
    event.stopPropagation();
    canvas.setPointerCapture(event.pointerId);
    last = place(event);
    line(last, last);
  });
  canvas.addEventListener("pointermove", (event) => {
    event.stopPropagation();
    if (!last) return;
    // A browser reports several places at once: all of them make the stroke smooth.
    (event.getCoalescedEvents?.() ?? [event]).forEach((each) => {
      const next = place(each);
      line(last, next);
      last = next;
    });
  });
  canvas.addEventListener("pointerup", end);
  canvas.addEventListener("pointercancel", end);
  const painter = {
    size: 24,
    erase: false,
    reset(width, height) {
      canvas.width = width;
      canvas.height = height;
      drawn = false;
    },
    // White where it was painted, on black, as a PNG; null where nothing was painted.
    async mask() {
      if (!drawn) return null;
      const copy = document.createElement("canvas");
      copy.width = canvas.width;
      copy.height = canvas.height;
      const on = copy.getContext("2d");
      on.drawImage(canvas, 0, 0);
      on.globalCompositeOperation = "source-in";
      on.fillStyle = "#fff";
      on.fillRect(0, 0, copy.width, copy.height);
      on.globalCompositeOperation = "destination-over";
      on.fillStyle = "#000";
      on.fillRect(0, 0, copy.width, copy.height);
      return new Promise((done) => copy.toBlob(done, "image/png"));
    },
  };
  return painter;
};
