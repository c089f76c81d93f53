"use strict";
// The server, and what every part of the page needs: messages, elements, numbers of bytes.
let token = null, again = null, renewing = null, newest = 0;

const say = (text) => { $("message").textContent = text; $("message").hidden = !text; };
const make = (kind, fields = {}, ...inner) => {
  const node = Object.assign(document.createElement(kind), fields);
  node.append(...inner);
  return node;
};
const megabytes = (bytes) => bytes < 1e5 ? "less than 0.1 MB" : `${(bytes / 1e6).toPrecision(3)} MB`;

// A page that was idle for long is not remembered by the server: `again` sends its picture once more.
const request = async (path, options = {}) => {
  let answer;
  try {
    answer = await fetch(path, { ...options, headers: { "x-session": token ?? "new", ...options.headers } });
  } catch {
    throw new Error("The server does not answer: is it still running?");
  }
  if (answer.ok) return answer;
  const text = await answer.json().then((told) => told.error).catch(() => `The server answered ${answer.status}.`);
  throw Object.assign(new Error(text), { status: answer.status });
};
const open = async () => {
  const headers = { "x-session": "new" };
  token = (await (await request("/api/session", { method: "POST", headers })).json()).token;
  newest = 0;
};
// All requests that are refused at once share one renewal; those that come meanwhile wait for it.
const renew = () => {
  renewing ??= open().then(() => again()).finally(() => { renewing = null; });
  return renewing;
};
const ask = async (path, options) => {
  await renewing?.catch(() => {});
  const used = token;
  try {
    return await request(path, options);
  } catch (error) {
    if (error.status !== 410 || !again) throw error;
    if (renewing || token === used) await renew();
    throw new Error(`${error.message} They were sent again: translate again.`);
  }
};
const guarded = (action) => async (...given) => {
  try {
    await action(...given);
  } catch (error) {
    say(error.message);
  }
};
