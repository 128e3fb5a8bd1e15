/* Downloads: starting one, and its card on every page while it is made. All tabs of a person agree. */
import { closeDialog } from "./dialog.js";
import { adopt, applyFrames, onFrame } from "./frames.js";
import { post } from "./post.js";
import { toast } from "./toast.js";
import { me, say } from "./words.js";

const ASK_EVERY_MS = 2000;
const KEPT = `fonal.exports.${me}`;
const FOLDED = `fonal.exports-folded.${me}`;
const CLOSED = `fonal.exports-closed.${me}`;
const MOST = 50;
const CANCELLED_STAYS_MS = 5000;
const tray = document.getElementById("exports-tray");
// On the page of downloads they are in its list instead.
const list = document.querySelector("[data-exports-page]");
const cards = () => [...document.querySelectorAll("[data-export]")];
const cardsOf = (id) => cards().filter((card) => card.dataset.export === id);
const isOver = (card) => !("unfinished" in card.dataset);

/* --- Which cards are shown: the same in all tabs, and after a reload --- */
const read = (key, storage = localStorage) => {
  try {
    return JSON.parse(storage.getItem(key)) ?? [];
  } catch {
    return [];
  }
};
const write = (key, ids, storage = localStorage) => storage.setItem(key, JSON.stringify(ids.slice(-MOST)));
const kept = () => read(KEPT);
// A tab that slept through it is told later, and must not bring it back.
const isClosed = (id) => read(CLOSED).includes(id);
const remember = (id) => kept().includes(id) || write(KEPT, [...kept(), id]);
const forget = (id) => write(KEPT, kept().filter((one) => one !== id));

function takeOut(id) {
  tray?.querySelector(`[data-export="${id}"]`)?.remove();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-close-export]");
  if (!button) return;
  const { export: id } = button.closest("[data-export]").dataset;
  putAway(id);
  // Not at once: the link that was clicked must still be followed.
  setTimeout(() => takeOut(id));
});

function putAway(id) {
  forget(id);
  write(CLOSED, [...read(CLOSED), id]);
}
addEventListener("storage", ({ key }) => {
  if (key !== KEPT) return;
  const ids = kept();
  for (const card of tray?.querySelectorAll("[data-export]") ?? []) if (isOver(card) && !ids.includes(card.dataset.export)) card.remove();
});

/* --- Out of the way while it is made: only in this tab, and back when there is something to be done --- */
document.addEventListener("click", (event) => {
  const card = event.target.closest?.("[data-fold-export]")?.closest("[data-export]");
  if (!card) return;
  write(FOLDED, [...read(FOLDED, sessionStorage), card.dataset.export], sessionStorage);
  fold();
});

function fold() {
  const folded = read(FOLDED, sessionStorage);
  for (const card of tray?.querySelectorAll("[data-export]") ?? []) card.hidden = !isOver(card) && folded.includes(card.dataset.export);
}

/* --- Of a cancelled one nothing is left to be done --- */
function leaveSoon(id) {
  setTimeout(() => {
    const card = tray.querySelector(`[data-export="${id}"]`);
    // Nor is it taken from under a hand.
    if (card?.matches(":focus-within, :has(a:hover)")) return leaveSoon(id);
    if (card) leave(card);
  }, CANCELLED_STAYS_MS);
}

function leave(card) {
  putAway(card.dataset.export);
  card.remove();
}

/* --- How far it has got --- */
onFrame("live-export", (statement) => show(statement.querySelector("[data-export]")));

function show(fresh) {
  if (!tray || !fresh) return;
  const { export: id } = fresh.dataset;
  const known = cardsOf(id);
  for (const old of known) bring(old, fresh);
  const place = list ?? tray;
  if (!place.querySelector(`[data-export="${id}"]`) && !(place === tray && isClosed(id))) {
    const card = adopt(fresh.cloneNode(true));
    card.classList.add("arriving");
    if (!isOver(card)) for (const old of tray.querySelectorAll(".cancelled")) leave(old);
    place.prepend(card);
  }
  if (place === tray && !isClosed(id)) remember(id);
  if (fresh.dataset.status === "cancelled") leaveSoon(id);
  fold();
  askWhileUnfinished();
}

/* An answer may be older than what a frame has told meanwhile: progress never runs backwards. */
function bring(old, fresh) {
  if (isOver(old)) return;
  if (isOver(fresh)) return old.replaceWith(adopt(fresh.cloneNode(true)));
  if (Number(fresh.dataset.done) < Number(old.dataset.done)) return;
  if (old.dataset.status !== fresh.dataset.status) return old.replaceWith(adopt(fresh.cloneNode(true)));
  old.dataset.done = fresh.dataset.done;
  old.querySelector("[data-figures]").textContent = fresh.querySelector("[data-figures]").textContent;
  const [bar, told] = [old, fresh].map((card) => card.querySelector("progress"));
  bar.max = told.max;
  // Without a value it says that nobody knows yet.
  if (told.hasAttribute("value")) bar.value = told.value;
}

/* --- Where no socket tells it --- */
let asking;

function askWhileUnfinished() {
  const isWaiting = cards().some((card) => !isOver(card));
  if (isWaiting) asking ??= setInterval(ask, ASK_EVERY_MS);
  else asking = clearInterval(asking);
}

async function ask() {
  if (window.fonal?.status().isConnected) return;
  const waiting = cards().filter((card) => !isOver(card)).map((card) => card.dataset.export);
  if (waiting.length) await askAbout(waiting);
  askWhileUnfinished();
}

/* Returns what is still known of these. */
async function askAbout(ids) {
  try {
    const answer = await fetch(`${tray.dataset.address}?${new URLSearchParams({ of: ids.join(",") })}`, { headers: { "X-Fonal": "frames" } });
    if (answer.status === 401) return location.reload();
    if (answer.ok) applyFrames(await answer.text());
  } catch {
    // The next question will tell.
  }
}

/* What became of those that were on their way on the page before this one. */
async function recall() {
  if (!tray || list) return;
  const here = [...tray.querySelectorAll("[data-export]")].map((card) => card.dataset.export);
  for (const id of here) remember(id);
  fold();
  const missing = kept().filter((id) => !here.includes(id));
  if (!missing.length) return askWhileUnfinished();
  await askAbout(missing);
  for (const id of missing) if (!cardsOf(id).length) forget(id);
  askWhileUnfinished();
}

/* --- Starting one --- */
onFrame("live-download", (statement) => location.assign(statement.getAttribute("href")));

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("[data-export-new]")) return;
  event.preventDefault();
  if (form.dataset.busy) return;
  form.dataset.busy = "true";
  form.querySelector("button.primary").setAttribute("aria-disabled", "true");
  try {
    const answer = await post(form.action, new FormData(form, event.submitter), { timeout: 60000 });
    const text = await answer.text();
    if (answer.ok || answer.status === 401) {
      if (answer.ok) closeDialog();
      applyFrames(text);
    } else if (answer.status === 409 || answer.status === 422) {
      replace(form.closest("#export-new"), text);
    } else toast(say("noAnswer"), { bad: true });
  } catch {
    toast(say("noAnswer"), { bad: true });
  } finally {
    delete form.dataset.busy;
    form.querySelector("button.primary")?.removeAttribute("aria-disabled");
  }
});

function replace(sheet, text) {
  const template = document.createElement("template");
  template.innerHTML = text;
  const fresh = template.content.querySelector("#export-new");
  sheet.replaceWith(adopt(fresh));
  fresh.querySelector("[role=alert], .export button")?.scrollIntoView({ block: "nearest" });
  askWhileUnfinished();
}

recall();
