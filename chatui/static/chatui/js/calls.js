/* The list of calls: it hears that something happened, asks what, and rows come, change and go where they stand. */
import { adopt, applyFrames, onFrame } from "./frames.js";
import { status } from "./socket.js";
import { freshen } from "./times.js";

const ASK_APART_MS = 1000;
const ASK_EVERY_MS = 5000;

const list = () => document.querySelector("[data-calls]");
const body = () => document.getElementById("call-rows");
const rows = () => [...(body()?.querySelectorAll("tr[data-uuid]") ?? [])];
const rowOf = (uuid) => document.getElementById(`call-${uuid}`);
const position = () => Number(list()?.dataset.position ?? NaN);
let asking = false;
let asksAgain = false;
let askedAt = 0;
let timer;

function ask() {
  if (asking) asksAgain = true;
  if (asking || timer || Number.isNaN(position())) return;
  // Everybody hears it in the same moment: they need not all ask in it.
  timer = setTimeout(askNow, Math.max(20 + Math.random() * 180, askedAt + ASK_APART_MS - Date.now()));
}

async function askNow() {
  timer = undefined;
  const place = list();
  if (!place || document.hidden) return;
  const { query } = place.dataset;
  asking = true;
  askedAt = Date.now();
  try {
    const answer = await fetch(`/call-logic/calls/changes/?since=${position()}${query && `&${query}`}`, { headers: { "X-Fonal": "frames" }, signal: AbortSignal.timeout(15000) });
    const text = await answer.text();
    // Another filter meanwhile: its rows are drawn later than this.
    if (place === list() && (answer.ok || answer.status === 401)) applyFrames(text);
  } catch {
    // The next question will tell.
  } finally {
    asking = false;
    if (asksAgain) ask();
    asksAgain = false;
  }
}

const loadAnew = () => window.htmx.ajax("GET", `/call-logic/calls/${list().dataset.query && `?${list().dataset.query}`}`, { target: "#calls", swap: "outerHTML" });

onFrame("live-calls-position", (statement) => {
  list().dataset.position = statement.getAttribute("number");
  if (statement.hasAttribute("more")) ask();
});
onFrame("live-calls-reload", loadAnew);
onFrame("live-calls-gone", (statement) => {
  const row = rowOf(statement.getAttribute("uuid"));
  if (!row) return;
  row.remove();
  if (!rows().length) loadAnew();
});
onFrame("live-calls-row", (statement) => {
  if (!body()) return loadAnew();
  const fresh = statement.querySelector("tr");
  const old = rowOf(fresh.dataset.uuid);
  if (old?.dataset.position === fresh.dataset.position) {
    if (old.innerHTML === fresh.innerHTML && old.className === fresh.className) return;
    const focused = old.contains(document.activeElement) && document.activeElement.getAttribute("href");
    old.replaceWith(fresh);
    if (focused) fresh.querySelector(`a[href="${focused}"]`)?.focus({ preventScroll: true });
  } else insert(fresh, old);
  adopt(fresh);
  freshen(fresh);
});

function insert(fresh, old) {
  const next = rows().find((row) => row !== old && row.dataset.position < fresh.dataset.position);
  // Outside of what is loaded: it comes with its page.
  if (!next && body().querySelector("[data-further]")) return old?.remove();
  if (next === rows()[0] && "later" in list().dataset) return;
  const box = body().closest(".table");
  const [top, height] = [box.scrollTop, box.scrollHeight];
  old?.remove();
  body().insertBefore(fresh, next ?? null);
  // What is being read stays where it is.
  if (top > 8) box.scrollTop = top + box.scrollHeight - height;
  if (!old) fresh.classList.add("arriving");
}

document.addEventListener("fonal:told", ({ detail }) => detail > position() && ask());
document.addEventListener("visibilitychange", () => !document.hidden && list() && ask());
setInterval(() => {
  if (document.hidden || !list()) return;
  const { isConnected, position: told } = status();
  if (!isConnected || told > position()) ask();
}, ASK_EVERY_MS);
