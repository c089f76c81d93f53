// Runs the graphs, one message at a time, so that the page stays alive meanwhile.
import * as ort from "./onnxruntime-web.js";

const sessions = new Map();
let ready = false;

// A file of the page's folder, with word of how much of it is here.
const bytes = async (name, tell) => {
  let answer;
  try {
    answer = await fetch(name);
  } catch {
    throw new Error(`${name} cannot be read: is the server of this page still running?`);
  }
  if (!answer.ok) throw new Error(`${name} is not in this page's folder (${answer.status}): export the page again.`);
  const total = Number(answer.headers.get("content-length"));
  const chunks = [];
  let done = 0;
  for (const reader = answer.body.getReader(); ;) {
    const { done: ended, value } = await reader.read();
    if (ended) break;
    chunks.push(value);
    done += value.length;
    tell({ name, done, total });
  }
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
};

const prepare = async (tell) => {
  if (ready) return;
  ort.env.wasm.wasmBinary = (await bytes("onnxruntime-web.wasm", tell)).buffer;
  // Threads share memory, which browsers allow only where the server asks for isolation (COOP and COEP).
  ort.env.wasm.numThreads = self.crossOriginIsolated ? Math.min(4, navigator.hardwareConcurrency) : 1;
  ready = true;
};

const open = async (file, tell) => {
  await prepare(tell);
  if (!sessions.has(file)) sessions.set(file, await ort.InferenceSession.create(await bytes(file, tell), { executionProviders: ["wasm"] }));
  return sessions.get(file);
};

const run = async ({ file, source, dims, label }, tell) => {
  const session = await open(file, tell);
  tell({ running: true });
  const feeds = { source: new ort.Tensor("float32", source, dims) };
  if (label) feeds.domain = new ort.Tensor("float32", label, [1, label.length]);
  const answer = await session.run(feeds);
  return Object.fromEntries(session.outputNames.map((name) => [name, { dims: [...answer[name].dims], data: answer[name].data }]));
};

let last = Promise.resolve();
self.onmessage = ({ data }) => {
  const tell = (progress) => self.postMessage({ id: data.id, progress });
  last = last.then(async () => {
    try {
      const outputs = data.source ? await run(data, tell) : (await open(data.file, tell), null);
      self.postMessage({ id: data.id, outputs });
    } catch (error) {
      self.postMessage({ id: data.id, error: error?.message ?? String(error) });
    }
  });
};
