"use strict";
const $ = (id) => document.getElementById(id);
const make = (kind, fields = {}, ...inner) => {
  const node = Object.assign(document.createElement(kind), fields);
  node.append(...inner);
  return node;
};
const say = (text) => { $("message").textContent = text; $("message").hidden = !text; };
const guarded = (action) => async (...given) => {
  try {
    await action(...given);
  } catch (error) {
    say(error.message);
  }
};
const megabytes = (count) => `${(count / 1e6).toFixed(1)} MB`;
let model = null, worker = null, picture = null, input = null, parts = null, shown = "output", busy = false, wanted = false;

// The worker: each question has a number, which its answer repeats.
const waiting = new Map();
let number = 0;
const ask = (question) => new Promise((answer, fail) => {
  number += 1;
  waiting.set(number, { answer, fail });
  worker.postMessage({ id: number, ...question }, question.source ? [question.source.buffer] : []);
});
const hear = ({ data }) => {
  if (data.progress) return progress(data.progress);
  const { answer, fail } = waiting.get(data.id);
  waiting.delete(data.id);
  if (data.error) fail(new Error(data.error));
  else answer(data.outputs);
};
const broken = (event) => {
  waiting.forEach(({ fail }) => fail(new Error(event.message || "The browser could not start the network. It may be too old.")));
  waiting.clear();
};
const progress = ({ name, done, total, running }) => {
  $("progress").hidden = false;
  if (running) {
    $("progress").removeAttribute("value");
    $("status").textContent = "The network runs.";
    return;
  }
  if (total >= done) Object.assign($("progress"), { max: total, value: done });
  $("status").textContent = `Loads ${name}: ${megabytes(done)}${total >= done ? ` of ${megabytes(total)}` : ""}.`;
};
const settled = (text) => { $("status").textContent = text; $("progress").hidden = true; };
const memory = /memory|alloc|RangeError|Array buffer|Invalid typed array|abort/i;

// Pictures in.
const take = guarded(async (file) => {
  if (!file) return;
  if (model) say("");  // else it says why there is none
  let image;
  try {
    image = await createImageBitmap(file, { premultiplyAlpha: "none" });
  } catch {
    throw new Error(`${file.name || "This"} is no picture that this browser can read: try PNG, JPEG or WebP.`);
  }
  picture = { image, name: file.name || "picture.png" };
  $("side").lastElementChild.textContent = `as it is (${image.width} × ${image.height})`;
  shown = "output";
  translate();
});
$("choose").addEventListener("click", () => $("file").click());
$("file").addEventListener("change", () => { take($("file").files[0]); $("file").value = ""; });
document.addEventListener("paste", (event) => {
  const file = [...event.clipboardData.files].find((each) => each.type.startsWith("image/"));
  if (file) { event.preventDefault(); take(file); }
  else if (event.clipboardData.files.length || event.clipboardData.types.length) say("What was pasted is no picture.");
});
["dragover", "dragleave", "drop"].forEach((kind) => document.addEventListener(kind, (event) => {
  event.preventDefault();
  $("drop").classList.toggle("over", kind === "dragover");
  if (kind === "drop") {
    if (event.dataTransfer.files.length) take(event.dataTransfer.files[0]);
    else say("What was dropped is no file: save the picture first, then drop it.");
  }
}));

// Through the network. A wish that comes while it runs is done afterwards; of several only the last.
const current = () => model.directions[Number($("direction").value)];
const sizeOf = ({ width, height }, { image_size: only }) => {
  if (only) return [only[1], only[0]];
  const most = Number($("side").value), scale = most ? Math.min(1, most / Math.max(width, height)) : 1;
  return [width, height].map((side) => Math.max(1, Math.round(side * scale)));
};
const pixelsAt = (image, width, height) => {
  const context = make("canvas", { width, height }).getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.drawImage(image, 0, 0, width, height);
  return context.getImageData(0, 0, width, height);
};
const labelOf = () => {
  const boxes = [...$("domains").querySelectorAll("input")];
  return boxes.length ? Float32Array.from(boxes, (box) => Number(box.checked)) : null;
};
const compute = async () => {
  const way = current(), { image, name } = picture;
  const [width, height] = sizeOf(image, way);
  const pixels = pixelsAt(image, width, height);
  const start = performance.now();
  const dims = [1, way.channels, height, width];
  const outputs = await ask({ file: way.file, source: tensorOf(pixels, way.channels), dims, label: labelOf() });
  const seconds = (performance.now() - start) / 1000;
  input = pixels;
  parts = partsOf(outputs);
  const full = width === image.width && height === image.height;
  $("about").textContent = `${name}, ${image.width} × ${image.height}.${full ? "" : ` The network gets ${width} × ${height}.`}`;
  settled(`Done in ${seconds.toFixed(seconds < 10 ? 1 : 0)} seconds.`);
  offer(image);
};
const translate = guarded(async () => {
  wanted = true;
  if (busy || !picture || !model) return;
  busy = true;
  let problem = null;
  while (wanted) {  // also after an error: what is wished by then may be another picture
    wanted = false;
    problem = await compute().then(() => null, (error) => error);
  }
  busy = false;
  if (!problem) return;
  settled(parts ? "The result below is of before." : "There is no result.");
  const large = memory.test(problem.message) && $("side").value !== "256";
  throw large ? new Error(`The picture takes more memory than this browser gives: choose a smaller longest side. (${problem.message})`) : problem;
});
$("direction").addEventListener("change", () => { say(""); describe(); translate(); });
$("side").addEventListener("change", () => { say(""); translate(); });

// Pictures out.
const isLive = () => shown === "output";
const result = () => pixelsOf(parts[shown], isLive() ? input : null, isLive() && $("keep").checked ? parts.mask.planes[0] : null, Number($("strength").value));
const put = (canvas, pixels) => {
  Object.assign(canvas, { width: pixels.width, height: pixels.height });
  canvas.getContext("2d").putImageData(pixels, 0, 0);
};
const draw = () => {
  if (!parts) return;
  put($("over"), result());
  $("over").setAttribute("aria-label", shown);
  $("right").textContent = shown;
  $("strength-shown").textContent = Number($("strength").value).toFixed(2);
  [...$("parts").children].forEach((button) => button.setAttribute("aria-pressed", button.textContent === shown));
};
const offer = ({ width, height }) => {
  if (!(shown in parts)) shown = "output";
  $("wipe").style.setProperty("--aspect", `${width} / ${height}`);
  $("shown").style.setProperty("--widest", `min(40rem, ${(75 * width / height).toFixed(1)}vh)`);
  $("parts").replaceChildren(...Object.keys(parts).map((textContent) =>
    make("button", { type: "button", textContent, onclick: () => { shown = textContent; draw(); } })));
  $("shown").hidden = false;
  put($("under"), input);
  draw();
};
["strength", "keep"].forEach((id) => $(id).addEventListener("input", () => { shown = "output"; draw(); }));

const move = () => $("wipe").style.setProperty("--at", `${$("wipe-at").value}%`);
const drag = (event) => {
  const area = $("wipe").getBoundingClientRect();
  $("wipe-at").value = Math.max(0, Math.min(100, 100 * (event.clientX - area.left) / area.width));
  move();
};
$("wipe").addEventListener("pointerdown", (event) => { $("wipe").setPointerCapture(event.pointerId); drag(event); });
$("wipe").addEventListener("pointermove", (event) => { if (event.buttons) drag(event); });
$("wipe-at").addEventListener("input", move);

// A network of one size has seen the picture squeezed: what is saved has the picture's proportions again.
const toSave = () => {
  const { width, height } = picture.image;
  if (!current().image_size || $("over").width / $("over").height === width / height) return $("over");
  const canvas = make("canvas", { width, height });
  canvas.getContext("2d").drawImage($("over"), 0, 0, width, height);
  return canvas;
};
$("download").addEventListener("click", guarded(async () => {
  const blob = await new Promise((done) => toSave().toBlob(done, "image/png"));
  if (!blob) throw new Error("The browser could not write the PNG.");
  const address = URL.createObjectURL(blob);
  make("a", { href: address, download: `${picture.name.replace(/\.[^.]*$/, "")}-${shown.replace(" ", "-")}.png` }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60000);  // the browser reads it meanwhile
}));

// What the folder holds.
const describe = () => {
  const way = current();
  $("settings").hidden = false;
  $("side-of").hidden = Boolean(way.image_size);
  $("keep-of").hidden = !way.outputs.includes("attention");
  if ($("keep-of").hidden) $("keep").checked = false;
  $("domains").hidden = !way.domains.length;
  $("domains").replaceChildren(make("legend", { textContent: "Target" }), ...way.domains.map((name, i) =>
    make("label", { className: "check" }, make("input", { type: "checkbox", checked: i === 0, onchange: () => translate() }), name)));
};
guarded(async () => {
  if (location.protocol === "file:") {
    settled("The page was opened as a file.");
    $("choose").disabled = true;
    throw new Error("Browsers do not let a page that was opened as a file read the network beside it. Serve its folder:\n  cd FOLDER && python3 -m http.server --bind 127.0.0.1 8000\nand open http://127.0.0.1:8000 here. Any web server will do.");
  }
  if (typeof WebAssembly !== "object") throw new Error("This browser has no WebAssembly, which the network needs.");
  const answer = await fetch("model.json");
  if (!answer.ok) throw new Error(`model.json is not in this page's folder (${answer.status}): export the page again.`);
  const told = await answer.json();
  document.title = told.title;
  $("title").textContent = told.title;
  $("origin").textContent = `Licence of the model: ${told.licence}. Run by onnxruntime-web ${told.runtime} (MIT).`;
  $("direction").replaceChildren(...told.directions.map(({ direction, task }, i) =>
    make("option", { value: i, textContent: task && task !== direction ? `${task} (${direction})` : direction })));
  $("direction-of").hidden = told.directions.length < 2;
  worker = Object.assign(new Worker("worker.js", { type: "module" }), { onmessage: hear, onerror: broken });
  model = told;
  describe();
  translate();  // a picture that was chosen before
  await ask({ file: current().file });
  if (!picture) settled("Ready: choose a picture.");
})();
