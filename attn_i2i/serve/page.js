"use strict";
const $ = (id) => document.getElementById(id);
const slots = [...document.querySelectorAll(".slot")];
const [under, over] = $("wipe").querySelectorAll("img");
const WORKING = ["waiting", "fetching", "running"];
const POLL_MS = 300;
let models = [], limits = {}, state = null, results = "", polling = false;

// The server's state as an answer tells it, unless an answer that was made later has come before it.
const update = async (answered) => {
  const answer = await (await answered).json();
  if (answer.number < newest) return;
  newest = answer.number;
  state = answer;
};

// Pictures in.
const send = async (file) => {
  if (file.size > limits.bytes) throw new Error(`${file.name} has ${megabytes(file.size)}: this page takes ${megabytes(limits.bytes)}.`);
  const headers = { "x-name": encodeURIComponent(file.name || "picture.png") };
  await update(request("/api/picture", { method: "POST", body: file, headers }));
  again = () => send(file);
  forget();
  const { name, width, height, note } = state.picture;
  $("about").textContent = `${name}, ${width} × ${height}. ${note}`;
  $("wipe").style.setProperty("--aspect", `${width} / ${height}`);
  $("wipe").parentElement.style.setProperty("--widest", `min(44rem, ${(75 * width / height).toFixed(1)}vh)`);
  const scale = Math.min(1, 1024 / Math.max(width, height));
  painter.reset(Math.round(width * scale), Math.round(height * scale));
  showState();
};
const take = guarded(async (file) => {
  if (!file) return;
  say("");
  if (!token) await open();
  await send(file).catch(async (error) => {
    if (error.status !== 410) throw error;
    await open();
    await send(file);
  });
});
$("choose").addEventListener("click", () => $("file").click());
$("file").addEventListener("change", () => { take($("file").files[0]); $("file").value = ""; });
document.addEventListener("paste", (event) => {
  const file = [...event.clipboardData.files].find((each) => each.type.startsWith("image/"));
  if (file) { event.preventDefault(); take(file); }
});
["dragover", "dragleave", "drop"].forEach((kind) => document.addEventListener(kind, (event) => {
  event.preventDefault();
  $("drop").classList.toggle("over", kind === "dragover");
  if (kind === "drop") take(event.dataTransfer.files[0]);
}));
makeCamera(take);

// Models.
const rowOf = (slot) => models.find((row) => row.name === slot.querySelector(".name").value.trim());
const describe = (slot) => {
  const row = rowOf(slot), select = slot.querySelector("select"), fieldset = slot.querySelector("fieldset");
  const size = row?.bytes ? `, ${megabytes(row.bytes)}` : "";
  slot.querySelector(".summary").textContent = row ? `${row.summary} (${row.here ? "on this machine" : `fetched when used, ${row.where}${size}`})` : "";
  const ways = Object.entries(row?.directions ?? {});
  select.replaceChildren(...ways.map(([value, task]) => make("option", { value, textContent: task === value ? value : `${task} (${value})` })));
  slot.querySelector(".direction").hidden = ways.length < 2;
  fieldset.replaceChildren(make("legend", { textContent: "Target labels" }), ...(row?.domains ?? []).map((name) =>
    make("label", { className: "check" }, make("input", { type: "checkbox", value: name }), name)));
  fieldset.hidden = !row?.domains?.length;
};
slots.forEach((slot) => slot.querySelector(".name").addEventListener("input", () => { describe(slot); showState(); }));
const wishOf = (slot, agreed = {}) => JSON.stringify({
  model: slot.querySelector(".name").value.trim(),
  direction: slot.querySelector("select").value || null,
  domain: [...slot.querySelectorAll("fieldset input:checked")].map((box) => box.value),
  ...agreed,
});
const translate = async (number, agreed) => {
  const slot = slots[number];
  const body = wishOf(slot, agreed);
  const path = `/api/translate/${number}`;
  const empty = !slot.querySelector(".name").value.trim();
  await update(ask(path, empty ? { method: "DELETE" } : { method: "POST", body }));
  showState();
  poll();
};
$("go").addEventListener("click", guarded(async () => {
  say("");
  for (const number of slots.keys()) await translate(number);
}));

// What the server is doing, asked for as long as it does anything.
const poll = guarded(async () => {
  if (polling) return;
  polling = true;
  try {
    while (state.slots.some((slot) => WORKING.includes(slot.state))) {
      await new Promise((done) => setTimeout(done, POLL_MS));
      await update(ask("/api/state"));
      showState();
    }
  } finally {
    polling = false;
  }
});
const stateLine = (slot, number) => {
  if (slot.state === "waiting") return [slot.ahead ? `Waits for ${slot.ahead} before it.` : "Waits.", make("progress")];
  if (slot.state === "running") return ["The network runs.", make("progress")];
  if (slot.state === "fetching") {
    const bar = make("progress");
    if (slot.total) Object.assign(bar, { max: slot.total, value: slot.done });
    const of = slot.total ? ` of ${megabytes(slot.total)}` : "";
    return [slot.done ? `Fetched ${megabytes(slot.done)}${of}.` : "Looks for its files.", bar];
  }
  if (slot.state === "failed") {
    const parts = [make("p", { className: "failed", textContent: slot.message })];
    const agree = (text, agreed) => make("button", { type: "button", textContent: text, onclick: guarded(() => translate(number, agreed)) });
    if (slot.asks === "licence") parts.push(agree("Accept this licence", { accept_license: true, fetch: true }));
    if (slot.asks === "fetch") parts.push(agree("Fetch it", { fetch: true }));
    return parts;
  }
  const bare = slot.state === "done" && !slot.masks && !state.mask && ($("keep").checked || $("binary").checked);
  const notes = [slot.note, bare ? "This network has no mask: keeping the background changes nothing here, unless you paint one." : ""];
  return notes.filter(Boolean).map((textContent) => make("p", { className: "soft", textContent }));
};
const labelOf = (number) => state.slots[1].parts.length && state.slots[0].model === state.slots[1].model ? `${state.slots[number].model} (${number + 1})` : state.slots[number].model;
const showState = () => {
  if (!state) return;
  $("go").disabled = !state.picture || !slots[0].querySelector(".name").value.trim() && !slots[1].querySelector(".name").value.trim();
  slots.forEach((slot, number) => {
    const line = JSON.stringify([state.slots[number], state.mask, $("keep").checked, $("binary").checked]);
    const place = slot.querySelector(".state");
    if (place.dataset.line === line) return;
    place.dataset.line = line;
    place.replaceChildren(...stateLine(state.slots[number], number));
  });
  $("shown").hidden = !state.picture;
  $("empty").hidden = !!state.picture;
  $("mask-note").hidden = !state.mask;
  $("download").disabled = !state.slots.some((slot) => slot.parts.length);
  const now = JSON.stringify(state.slots.map((slot) => [slot.state, slot.model, slot.parts]));
  if (now !== results) {
    results = now;
    forget();
    offer();
  }
};

// Pictures out. What the settings do not change is fetched once.
const cache = new Map();
const LIVE = /\/(output|mask|overlay)$/;
let maskNumber = 0;
const forget = () => {
  cache.forEach((address) => URL.revokeObjectURL(address));
  cache.clear();
};
const settings = () => {
  const query = new URLSearchParams({ strength: $("strength").value });
  if ($("keep").checked) query.set("keep_background", "1");
  if ($("binary").checked) query.set("threshold", $("threshold").value);
  return query;
};
const addressOf = async (key, side) => {
  const query = key === "input" ? new URLSearchParams() : settings();
  const path = key === "input" ? "/api/input" : `/api/part/${key}`;
  if (side) query.set("side", side);
  const name = LIVE.test(key) ? `${path}?${query}#${maskNumber}` : `${path}#${side ?? ""}`;
  if (!cache.has(name)) {
    const address = URL.createObjectURL(await (await ask(`${path}?${query}`)).blob());
    if (LIVE.test(key)) [...cache.keys()].filter((old) => old.startsWith(`${path}?`) && old.includes("side=") === !!side).forEach((old) => {
      URL.revokeObjectURL(cache.get(old));
      cache.delete(old);
    });
    cache.set(name, address);
  }
  return cache.get(name);
};
const titleOf = (part) => part.replace("-", " ").replace("background", "background mask");
const offer = () => {
  const done = [0, 1].filter((number) => state.slots[number].parts.length);
  const options = () => [make("option", { value: "input", textContent: "input" }), ...done.flatMap((number) =>
    state.slots[number].parts.filter((part) => part !== "input").map((part) =>
      make("option", { value: `${number}/${part}`, textContent: `${labelOf(number)}: ${titleOf(part)}` })))];
  const keys = done.map((number) => `${number}/output`);
  [$("left"), $("right")].forEach((select) => select.replaceChildren(...options()));
  $("left").value = keys.length === 2 ? keys[0] : "input";
  $("right").value = keys.at(-1) ?? "input";
  $("parts-of").hidden = !done.length;
  $("parts").replaceChildren(...done.flatMap((number) => [
    make("h3", { textContent: labelOf(number) }),
    make("div", { className: "parts" }, ...state.slots[number].parts.filter((part) => part !== "input").map((part) => {
      const button = make("button", { type: "button", onclick: () => { $("right").value = button.dataset.key; refresh(); } },
        make("img", { alt: "" }), titleOf(part));
      button.dataset.key = `${number}/${part}`;
      return button;
    })),
  ]));
  refresh();
};
let wanted = 0, drawn = 0, drawing = false;
const put = async (image, key, side) => {
  image.src = await addressOf(key, side);
  await image.decode().catch(() => {});  // another picture may have taken its place
};
let trouble = "";  // what drawing said: it takes back no other message
// One request at a time for each picture: a slider that moves on is followed, not queued.
const refresh = guarded(async () => {
  wanted += 1;
  if (drawing || !state?.picture) return;
  drawing = true;
  try {
    while (drawn !== wanted) {
      const aim = wanted;
      under.alt = $("left").selectedOptions[0]?.textContent ?? "input";
      over.alt = $("right").selectedOptions[0]?.textContent ?? "input";
      await Promise.all([put(under, $("left").value || "input"), put(over, $("right").value || "input")]);
      if (aim === wanted) for (const button of document.querySelectorAll(".parts button")) {
        const image = button.querySelector("img");
        if (LIVE.test(button.dataset.key) || !image.src) await put(image, button.dataset.key, 160);
        if (aim !== wanted) break;
      }
      drawn = aim;
    }
    if ($("message").textContent === trouble) say("");
    trouble = "";
  } catch (error) {
    drawn = wanted;
    trouble = error.message;
    throw error;
  } finally {
    drawing = false;
  }
});
["strength", "threshold", "keep", "binary"].forEach((id) => $(id).addEventListener("input", () => {
  $("threshold").disabled = !$("binary").checked;
  ["strength", "threshold"].forEach((name) => { $(`${name}-shown`).textContent = Number($(name).value).toFixed(2); });
  showState();
  refresh();
}));
[$("left"), $("right")].forEach((select) => select.addEventListener("change", refresh));

// The mask.
const sendMask = guarded(async (body) => {
  await update(ask("/api/mask", { method: "PUT", body: body ?? "" }));
  maskNumber += 1;
  showState();
  refresh();
});
const painter = makePainter($("canvas"), async () => sendMask(await painter.mask()));
$("paint").addEventListener("click", () => {
  const on = $("paint").getAttribute("aria-pressed") !== "true";
  $("paint").setAttribute("aria-pressed", on);
  $("tools").hidden = $("canvas").hidden = !on;
});
document.querySelectorAll("[name=tool]").forEach((tool) => tool.addEventListener("change", () => { painter.erase = tool.value === "eraser" && tool.checked; }));
$("size").addEventListener("input", () => { painter.size = Number($("size").value); });
$("clear").addEventListener("click", () => {
  painter.reset($("canvas").width, $("canvas").height);
  sendMask(null);
});
$("mask-choose").addEventListener("click", () => $("mask-file").click());
$("mask-file").addEventListener("change", () => {
  painter.reset($("canvas").width, $("canvas").height);
  sendMask($("mask-file").files[0]);
  $("mask-file").value = "";
});

$("download").addEventListener("click", guarded(async () => {
  const address = URL.createObjectURL(await (await ask(`/api/download?${settings()}`)).blob());
  make("a", { href: address, download: `${state.picture.name.replace(/\.[^.]*$/, "")}-translated.zip` }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60000);  // the browser reads it meanwhile
}));

makeWipe($("wipe"), $("wipe-at"));
guarded(async () => {
  await open();
  ({ models, limits } = await (await request("/api/models")).json());
  $("limits").textContent = `Up to ${(limits.pixels / 1e6).toPrecision(2)} megapixels, ${Math.round(limits.bytes / 2 ** 20)} MB.`;
  $("names").replaceChildren(...models.map((row) => make("option", { value: row.name, label: row.here ? row.name : `${row.name} (fetched when used)` })));
  const { samples } = await (await request("/api/samples")).json();
  const field = slots[0].querySelector(".name");
  // A sample brings the model of such pictures, until somebody chooses another one.
  const suit = ({ model, direction }) => {
    const chosen = field.value && !samples.some((sample) => sample.model === field.value);
    if (chosen || !models.some((row) => row.name === model)) return;
    field.value = model;
    describe(slots[0]);
    slots[0].querySelector("select").value = direction;
  };
  samples.slice(0, 1).forEach(suit);
  if (!field.value && models.length) {
    field.value = models[0].name;
    describe(slots[0]);
  }
  $("samples-title").hidden = !samples.length;
  $("samples").replaceChildren(...samples.map((sample) => {
    const { name } = sample;
    const path = `/api/samples/${encodeURIComponent(name)}`;
    const load = guarded(async () => {
      suit(sample);
      await take(new File([await (await request(path)).blob()], name, { type: "image/png" }));
    });
    return make("button", { type: "button", title: name, onclick: load }, make("img", { src: path, alt: name, loading: "lazy" }));
  }));
})();
