/* The list of messages: rows appear in their place, change where they stand, or go, and what is being read stays where it is. */
import { showMore } from "./clamp.js";
import { adopt, applyFrames, onFrame } from "./frames.js";
import { drawSelection, keepSelection } from "./selection.js";
import { status } from "./socket.js";
import { freshen } from "./times.js";
import { say } from "./words.js";

const ASK_APART_MS = 1000;
const ASK_EVERY_MS = 5000;
const COUNT_APART_MS = 8000;
const AT_TOP = 8;
const AHEAD = 800;

const found = () => document.getElementById("found");
const body = () => document.getElementById("history-rows");
const further = () => body()?.querySelector("[data-further]");
const position = () => Number(found()?.dataset.position ?? NaN);
export const rows = () => [...(body()?.querySelectorAll(":scope > tr[data-uuid]") ?? [])];
const rowOf = (uuid) => document.getElementById(`message-${uuid}`);
const news = new Set();

/* --- Asking: one question at a time, about one a second at most --- */
let asking = false;
let asksAgain = false;
let askedAt = 0;
let askTimer;

function ask() {
  if (asking) asksAgain = true;
  if (asking || askTimer || Number.isNaN(position())) return;
  // Everybody is told in the same moment: they need not all ask in it.
  askTimer = setTimeout(askNow, Math.max(20 + Math.random() * 180, askedAt + ASK_APART_MS - Date.now()));
}

async function askNow() {
  askTimer = undefined;
  const place = found();
  if (!place || document.hidden) return;
  const { query } = place.dataset;
  asking = true;
  askedAt = Date.now();
  try {
    const answer = await fetch(`/messages/changes/?since=${position()}${query && `&${query}`}`, { headers: { "X-Fonal": "frames" }, signal: AbortSignal.timeout(15000) });
    const text = await answer.text();
    // Another filter meanwhile: its rows are drawn later than this.
    if (place === found() && query === place.dataset.query && (answer.ok || answer.status === 401)) applyFrames(text);
  } catch {
    // The next question will tell.
  } finally {
    asking = false;
    if (asksAgain) ask();
    asksAgain = false;
  }
}

document.addEventListener("fonal:told", ({ detail }) => detail > position() && ask());
document.addEventListener("visibilitychange", () => !document.hidden && ask());

/* Where nobody tells: without the chat service, or while the socket is away. */
setInterval(() => {
  if (document.hidden || !found()) return;
  const { isConnected, position: told } = status();
  if (!isConnected || told > position()) ask();
  if (today() !== drawnOn && !isBeingRead()) loadAnew();
}, ASK_EVERY_MS);

// "Today" is another day after midnight.
const today = () => new Date().toLocaleDateString("en", { timeZone: document.body.dataset.zone });
let drawnOn = today();

/* --- Answers --- */
onFrame("live-history-position", (statement) => {
  found().dataset.position = statement.getAttribute("number");
  if (statement.hasAttribute("more")) ask();
});
onFrame("live-history-reload", () => loadAnew());
onFrame("live-history-gone", (statement) => leave([rowOf(statement.getAttribute("uuid"))]));
onFrame("live-history-threads", (statement) => {
  const [threads, kept] = ["conversations", "rows"].map((name) => new Set(statement.getAttribute(name).split(" ")));
  leave(rows().filter((row) => threads.has(row.dataset.conversation) && !kept.has(row.dataset.uuid)));
});
onFrame("live-history-names", (statement) => {
  const concerned = rows().filter((row) => row.dataset.conversation === statement.getAttribute("conversation"));
  if (!concerned.length) return;
  keepingSight(() => {
    for (const row of concerned) row.querySelector("[data-partner]").innerHTML = statement.innerHTML;
  });
});
onFrame("live-history-row", (statement) => {
  if (!body()) return loadAnew();
  const fresh = statement.querySelector("tr");
  const old = rowOf(fresh.dataset.uuid);
  if (old?.dataset.position === fresh.dataset.position) return redraw(old, fresh);
  insert(fresh, old);
  if (!old || statement.hasAttribute("new")) recount();
});

/* Only what can change: the row itself keeps focus, tick, menu, and what was unfolded in it. */
function redraw(old, fresh) {
  old.className = fresh.className;
  keepingSight(() => {
    [...old.cells].forEach((cell, index) => {
      if (!cell.matches(".pick, .text, .tools") && cell.innerHTML !== fresh.cells[index].innerHTML) cell.innerHTML = fresh.cells[index].innerHTML;
    });
  });
  freshen(old);
}

function insert(fresh, old) {
  const next = rowAfter(fresh);
  // Outside of what is loaded: it comes with its page.
  if (next === undefined) return;
  const isRead = isBeingRead();
  const change = () => {
    old?.remove();
    body().insertBefore(fresh, next);
    freshen(fresh);
    showMore([fresh]);
  };
  if (isRead) keepingSight(change);
  else change();
  if (old) return;
  fresh.classList.add("arriving");
  if (isAbove(fresh)) news.add(fresh);
  drawPill();
  drawSelection();
}

/* The row it goes before; null at the list's end; undefined when its place is not loaded. */
function rowAfter(fresh) {
  const isLater = ({ dataset }) => (found().dataset.oldest ? dataset.position > fresh.dataset.position : dataset.position < fresh.dataset.position);
  const next = rows().find(isLater);
  if (next) return next === rows()[0] && new URLSearchParams(location.search).has("before") ? undefined : next;
  return further() ? undefined : null;
}

function leave(gone) {
  const going = gone.filter(Boolean);
  if (!going.length) return;
  keepingSight(() => going.forEach((row) => row.remove()), going);
  drawPill();
  drawSelection();
  recount();
  if (!rows().length) loadAnew();
}

/* --- What is being read --- */
function scroller() {
  let box = body();
  while (box && !/auto|scroll/.test(getComputedStyle(box).overflowY)) box = box.parentElement;
  return box ?? document.scrollingElement;
}

/* Where rows begin to be seen: below the heads, which stay. */
const edge = () => Math.max(scroller().getBoundingClientRect().top, body().closest("table").querySelector("th:last-child").getBoundingClientRect().bottom);
const isInSight = (row) => row.getBoundingClientRect().bottom > edge() && row.getBoundingClientRect().top < innerHeight;
const isAbove = (row) => row.getBoundingClientRect().bottom <= edge() + 1;
const isTouched = (part) => part?.contains(document.activeElement) || part?.contains(getSelection().isCollapsed ? null : getSelection().anchorNode);

function isBeingRead() {
  if (!body()) return false;
  const isPointedAt = matchMedia("(hover: hover)").matches && body().matches(":hover");
  return scroller().scrollTop > AT_TOP || isPointedAt || isTouched(body()) || Boolean(body().querySelector(":popover-open, [data-pick]:checked"));
}

/* The row under the pointer, else the one in focus, else the first in sight. */
export function rowInSight(except = []) {
  const candidates = [body().querySelector("tr[data-uuid]:hover"), document.activeElement?.closest?.("#history-rows > tr[data-uuid]"), rows().find((row) => isInSight(row) && !except.includes(row))];
  return candidates.find((row) => row && !except.includes(row) && isInSight(row));
}

function keepingSight(change, going) {
  const anchor = rowInSight(going);
  const before = anchor?.getBoundingClientRect().top;
  change();
  if (anchor?.isConnected) scrollBy(anchor.getBoundingClientRect().top - before);
}

export function scrollBy(distance) {
  if (Math.abs(distance) < 1) return;
  const box = scroller();
  const wanted = Math.max(0, box.scrollTop + distance);
  box.scrollTop = wanted;
  if (wanted - box.scrollTop < 1) return;
  // A short list can't be scrolled: it is made longer until somebody goes to its top.
  const end = body().getBoundingClientRect().bottom - box.getBoundingClientRect().top + box.scrollTop;
  box.style.paddingBlockEnd = `${Math.ceil(wanted + box.clientHeight - end)}px`;
  box.scrollTop = wanted;
}

/* --- "2 new" --- */
function drawPill() {
  const pill = found()?.querySelector("[data-news]");
  if (!pill) return;
  for (const row of news) if (!row.isConnected || !isAbove(row)) news.delete(row);
  pill.hidden = !news.size;
  pill.querySelector("[data-label]").textContent = say("newMessages", { n: news.size });
}

document.addEventListener("scroll", ({ target }) => {
  if (!body() || target !== scroller()) return;
  if (target.scrollTop < AT_TOP) target.style.paddingBlockEnd = "";
  drawPill();
  fetchAhead();
}, { capture: true, passive: true });
document.addEventListener("click", ({ target }) => {
  if (target.closest?.("[data-news] button")) scroller().scrollTo({ top: 0, behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "instant" : "smooth" });
});

/* --- Pages --- */
// What happened while a page was on its way may lack in it, and was not put there: it is told again.
let pageAsked = null;
/* Before its end is in sight; htmx itself would ask only then. */
function fetchAhead() {
  const next = further();
  if (!next || "asked" in next.dataset || next.getBoundingClientRect().top > innerHeight + AHEAD) return;
  next.dataset.asked = "";
  window.htmx.trigger(next, "intersect");
}
document.addEventListener("htmx:before:request", ({ target }) => {
  if (target.matches?.("[data-further]")) pageAsked = { further: target, position: position() };
});
document.addEventListener("htmx:after:swap", () => {
  if (!found()) return;
  // Other parts of the page are replaced meanwhile, too.
  if (pageAsked && !pageAsked.further.isConnected) {
    if (position() > pageAsked.position) {
      found().dataset.position = pageAsked.position;
      ask();
    }
    pageAsked = null;
  }
  drawRows();
});

function drawRows() {
  const seen = new Set();
  for (const row of rows()) {
    if (seen.has(row.id)) row.remove();
    seen.add(row.id);
  }
  freshen(found() ?? document);
  showMore(rows());
  drawSelection();
  drawPill();
}

/* The list as it is now, without the rest of the page: what somebody types into the filter stays. */
let isLoading = false;
async function loadAnew() {
  const place = found();
  if (isLoading || !place) return;
  isLoading = true;
  try {
    const answer = await fetch(`/messages/?${place.dataset.query}`, { headers: { "HX-Request": "true" } });
    if (answer.status === 401) return location.reload();
    const template = document.createElement("template");
    template.innerHTML = await answer.text();
    const fresh = template.content.getElementById("found");
    if (!fresh || place !== found()) return;
    const whereTo = placeToReturnTo();
    keepSelection(() => place.replaceWith(fresh));
    adopt(fresh);
    drawnOn = today();
    drawRows();
    recount();
    await returnTo(whereTo);
  } catch {
    // It is tried again with the next news.
  } finally {
    isLoading = false;
  }
}

/* --- How many there are --- */
let countTimer;
let countedAt = 0;
function recount() {
  if (countTimer || !document.getElementById("count")) return;
  countTimer = setTimeout(() => {
    countTimer = undefined;
    countedAt = Date.now();
    if (found() && document.getElementById("count")) window.htmx.ajax("GET", `/messages/count/?${found().dataset.query}`, { target: "#count", swap: "outerHTML" });
  }, Math.max(300, countedAt + COUNT_APART_MS - Date.now()));
}

/* --- Back from a thread: the list stands where it was left --- */
const KEY = "fonal.history";
const MOST_PAGES = 40;
let lastTouched = null;
document.addEventListener("pointerdown", ({ target }) => (lastTouched = target.closest?.("#history-rows > tr[data-uuid]") ?? lastTouched), true);
document.addEventListener("focusin", ({ target }) => (lastTouched = target.closest?.("#history-rows > tr[data-uuid]") ?? lastTouched));

function placeToReturnTo() {
  if (!body() || !rows().length) return null;
  const row = lastTouched?.isConnected && isInSight(lastTouched) ? lastTouched : rowInSight();
  return row ? { uuid: row.dataset.uuid, position: row.dataset.position, top: row.getBoundingClientRect().top, isScrolled: scroller().scrollTop > AT_TOP } : null;
}

export async function returnTo(place) {
  if (!place) return;
  const isPassed = (row) => (found().dataset.oldest ? row.dataset.position >= place.position : row.dataset.position <= place.position);
  for (let page = 0; place.isScrolled && page < MOST_PAGES && further() && !rows().some(isPassed); page += 1) {
    await window.htmx.ajax("GET", further().getAttribute("hx-get"), { target: further(), swap: "outerHTML" });
  }
  const row = rowOf(place.uuid) ?? rows().find(isPassed);
  if (!row) return;
  if (place.isScrolled) scroller().scrollTop += row.getBoundingClientRect().top - place.top;
  if (document.activeElement === document.body) row.focus({ preventScroll: true });
}

const address = () => location.pathname + location.search;
addEventListener("pagehide", () => {
  const place = placeToReturnTo();
  if (place) sessionStorage.setItem(KEY, JSON.stringify({ ...place, address: address() }));
});
function comeBack() {
  const place = JSON.parse(sessionStorage.getItem(KEY) ?? "null");
  const { type } = performance.getEntriesByType("navigation")[0] ?? {};
  if (place?.address === address() && ["back_forward", "reload"].includes(type)) returnTo(place);
}

if (found()) {
  drawRows();
  document.fonts?.ready.then(() => showMore(rows()));
  comeBack();
}

/* --- Opening the thread --- */
const isControl = (target) => target.closest("a, button, input, [popover]");
document.addEventListener("dblclick", ({ target }) => {
  const row = target.closest?.("#history-rows > tr[data-uuid]");
  if (row && !isControl(target)) row.querySelector("[data-open]").click();
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.ctrlKey || event.metaKey || !event.target.matches?.("#history-rows > tr[data-uuid]")) return;
  event.preventDefault();
  event.target.querySelector("[data-open]").click();
});
