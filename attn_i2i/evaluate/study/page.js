"use strict";
const study = JSON.parse(document.getElementById("study").textContent);
const part = (name) => document.getElementById(name);
const store = `attn_i2i-study-${study.study}`;

// A generator of random numbers by a seed (mulberry32), so that a page that is opened again shows the same order.
function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function shuffled(list, random) {
  const copy = [...list];
  for (let i = copy.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [copy[i], copy[j]] = [copy[j], copy[i]];
  }
  return copy;
}

// What one rater sees: pictures as evenly as they go, pairs of models too, sides by chance, control trials in between.
function plan(seed) {
  const random = generator(seed);
  const rounds = (count, list) => {
    const all = [];
    while (all.length < count) all.push(...shuffled(list, random));
    return all.slice(0, count);
  };
  const compared = study.practice + study.trials - Math.min(study.catch, study.trials - 1);
  const every = [...study.pictures.keys()]; // a list, because rounds go over it again and again
  const pictures = rounds(compared, every), pairs = rounds(compared, study.pairs);
  const make = (kind, picture, left, right, answer) => {
    const trial = { kind, picture: study.pictures[picture].stem, input: study.pictures[picture].input, left, right, answer };
    if (random() < 0.5) [trial.left, trial.right] = [right, left];
    return trial;
  };
  const output = (picture, model) => ({ file: study.pictures[picture].outputs[model], model: study.models[model] });
  const trials = pictures.map((picture, i) => make(
    i < study.practice ? "practice" : "trial", picture, output(picture, pairs[i][0]), output(picture, pairs[i][1])));
  const clear = every.filter((picture) => study.pictures[picture].spoilt);
  const catches = rounds(study.trials + study.practice - compared, clear).map((picture) => make(
    "catch", picture, output(picture, study.pictures[picture].whole), { file: study.pictures[picture].spoilt, model: null }));
  for (const each of catches) {
    each.answer = each.left.model === null ? "right" : "left";
    trials.splice(study.practice + Math.floor(random() * (trials.length - study.practice + 1)), 0, each);
  }
  return trials;
}

function remembered() {
  try { return JSON.parse(localStorage.getItem(store)); } catch { return null; }
}

function remember() {
  try { localStorage.setItem(store, JSON.stringify(state)); } catch { /* a private window: answers live in the page */ }
}

const fresh = () => {
  const [seed, a, b] = crypto.getRandomValues(new Uint32Array(3));
  return { seed, rater: [seed, a, b].map((n) => n.toString(16).padStart(8, "0")).join(""), started: new Date().toISOString(), answers: [] };
};
const state = remembered() ?? fresh();
const trials = plan(state.seed);
let shown = 0, timer = 0;

const load = (name, file) => {
  const image = part(name).querySelector("img");
  image.src = file;
  return image.decode();
};

// Shows the next trial. Nobody can answer, and no time runs, before all of its pictures are there.
async function ask() {
  if (state.answers.length >= trials.length) return finish();
  const trial = trials[state.answers.length];
  part("intro").hidden = true;
  part("trial").hidden = false;
  part("progress").textContent = `${state.answers.length + 1} of ${trials.length}${trial.kind === "practice" ? ", practice" : ""}`;
  clearTimeout(timer);
  part("trial").className = "loading";
  try {
    await Promise.all([load("input", trial.input), load("left", trial.left.file), load("right", trial.right.file)]);
  } catch {
    part("progress").textContent = "A picture could not be loaded. Open the page again: your answers are kept.";
    return;
  }
  part("trial").className = "";
  if (study.seconds) timer = setTimeout(() => part("trial").classList.add("late"), 1000 * study.seconds);
  const next = trials[state.answers.length + 1];
  if (next) for (const file of [next.input, next.left.file, next.right.file]) new Image().src = file;
  shown = performance.now();
}

function answer(choice) {
  if (part("trial").hidden || part("trial").className === "loading") return;
  const trial = trials[state.answers.length];
  state.answers.push({
    kind: trial.kind, picture: trial.picture, left: trial.left.model, right: trial.right.model,
    ...(trial.answer ? { answer: trial.answer } : {}), choice, milliseconds: Math.round(performance.now() - shown),
  });
  remember();
  document.activeElement?.blur();
  ask();
}

function finish() {
  for (const name of ["intro", "trial"]) part(name).hidden = true;
  part("end").hidden = false;
  const text = JSON.stringify({
    format: study.format, study: study.study, rater: state.rater, question: study.question, models: study.models,
    rule: { trials: trials.length, catch: study.catch, allowed: study.allowed },
    started: state.started, finished: new Date().toISOString(), answers: state.answers,
  }, null, 1);
  const link = part("download");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  link.download = `study-${study.study}-${state.rater}.json`;
  if (!study.post) { part("sent").textContent = "Please download your answers and send them back."; return; }
  part("sent").textContent = "Sending your answers …";
  fetch(study.post, { method: "POST", headers: { "Content-Type": "application/json" }, body: text })
    .then((reply) => { if (!reply.ok) throw new Error(reply.status); part("sent").textContent = "Your answers have been sent."; })
    .catch(() => { part("sent").textContent = "Your answers could not be sent: please download them and send them yourself."; });
}

part("title").textContent = part("question").textContent = study.question;
part("practice").textContent = study.practice ? `The first ${study.practice} ${study.practice > 1 ? "are" : "is"} for practice.` : "";
part("rule").textContent = study.catch
  ? `Among the pictures are ${study.catch} controls with an obvious answer. Who misses more than ${study.allowed} of them, or does not finish, is not counted.`
  : "Who does not finish is not counted.";
part("limit").textContent = study.seconds ? `The pictures vanish after ${study.seconds} seconds; answer then from memory.` : "";
part("start").textContent = state.answers.length ? "Go on" : "Start";
part("start").addEventListener("click", ask);
part("again").addEventListener("click", () => { try { localStorage.removeItem(store); } catch { /* nothing is kept there */ } location.reload(); });
for (const choice of ["left", "right", "unsure"]) part(choice).addEventListener("click", (event) => {
  if (event.detail < 2) answer(choice); // the second half of a double click says nothing of the next trial
});
const keys = { ArrowLeft: "left", ArrowRight: "right", ArrowDown: "unsure" };
document.addEventListener("keydown", (event) => {
  if (event.repeat || !(event.key in keys) || part("trial").hidden) return;
  event.preventDefault();
  answer(keys[event.key]);
});
