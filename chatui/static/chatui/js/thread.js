/* The open thread: bubbles arrive in their place, the end stays in sight, what was seen is read. */
import { adopt, isOutdated, onFrame } from "./frames.js";
import { post } from "./post.js";
import { look } from "./socket.js";
import { dayKey, dayName, freshen, isElsewhere } from "./times.js";
import { setTitle } from "./title.js";
import { me, say } from "./words.js";

const NEAR_END = 100;
const GIVES_WAY_AT = 56;
const GROUPED_WITHIN_MS = 5 * 60 * 1000;
const LONGEST = 300;
const ENTRY = ".message, .note, .event";

const talk = () => document.getElementById("talk");
const thread = () => document.getElementById("thread");
let news = 0;
let present = [];
let readTimer;

export const openConversation = () => Number(talk()?.dataset.conversation ?? 0);
export const isAtEnd = () => !thread() || (!hasNewerPages() && thread().scrollHeight - thread().scrollTop - thread().clientHeight <= NEAR_END);
/* Reading under my eyes now: its row need not flash as unread. */
export const isReadHere = (id) => id === openConversation() && isInFront() && isAtEnd() && !("keptUnread" in talk().dataset);
/* Marked as unread on purpose: it stays so until something new comes, or it is opened again. */
export const heardRead = (id, read) => id === openConversation() && talk().toggleAttribute("data-kept-unread", read < Number(talk().dataset.read));
const isInFront = () => !document.hidden && document.hasFocus();
const hasNewerPages = () => Boolean(thread()?.querySelector("[data-edge=newer]"));

export function toEnd(behavior = "instant") {
  thread()?.scrollTo({ top: thread().scrollHeight, behavior });
  news = 0;
  drawPill();
}

/* Put an entry where it stands in time; the same id again takes the place of the old one. */
export function placeEntry(fresh) {
  const old = document.getElementById(fresh.id);
  const wasAtEnd = isAtEnd() && !pointed();
  if (old?.matches(".target")) keepPointedOut(old, fresh);
  if (old?.dataset.position === fresh.dataset.position) {
    old.replaceWith(fresh);
  } else {
    old?.remove();
    if (!old && hasNewerPages()) return countNews(fresh);
    thread().insertBefore(fresh, entryAfter(fresh));
    if (!old) fresh.classList.add("arriving");
  }
  adopt(fresh);
  freshen(fresh);
  tidy();
  if (wasAtEnd || fresh.dataset.author === String(me)) toEnd();
  else if (!old) countNews(fresh);
  center();
}

onFrame("live-entry", (statement) => {
  if (Number(statement.getAttribute("conversation")) !== openConversation() || !thread()) return;
  const fresh = statement.firstElementChild;
  if (isOutdated(fresh, document.getElementById(fresh.id))) return;
  const { dataset } = talk();
  dataset.inbound = Math.max(Number(dataset.inbound), Number(statement.getAttribute("inbound") ?? 0));
  for (const field of document.querySelectorAll("#head [data-seen]")) field.value = dataset.inbound;
  dataset.newest = Math.max(Number(dataset.newest), Number(fresh.dataset.pk ?? 0));
  placeEntry(fresh);
  if (fresh.matches(".message.in")) talk().removeAttribute("data-kept-unread");
  markRead();
});

onFrame("live-gone", (statement) => {
  document.getElementById(statement.getAttribute("entry"))?.remove();
  if (thread()) tidy();
});

/* What the customer was not told after all was not promised. */
onFrame("live-promise", (statement) => {
  if (Number(statement.getAttribute("conversation")) !== openConversation() || !thread()) return;
  const shown = thread().querySelectorAll(".promise:is([data-state=open], [data-state=overdue])");
  for (const promise of shown) if (promise.id !== statement.getAttribute("open")) promise.remove();
  tidy();
});

onFrame("live-head", (statement) => {
  const head = document.getElementById("head");
  if (!head || Number(statement.getAttribute("conversation")) !== openConversation()) return;
  const fresh = statement.firstElementChild;
  if (isOutdated(fresh, head)) return;
  // Nothing new: a button that has the focus keeps it.
  if (head.dataset.shows === fresh.dataset.shows) return;
  head.replaceWith(fresh);
  adopt(fresh);
  drawPresence();
});

onFrame("live-foot", (statement) => {
  const banner = document.getElementById("banner");
  if (banner && Number(statement.getAttribute("conversation")) === openConversation()) banner.innerHTML = statement.innerHTML;
});

onFrame("live-presence", (statement) => {
  if (Number(statement.getAttribute("conversation")) !== openConversation()) return;
  present = JSON.parse(statement.getAttribute("people")).filter((person) => person.id !== me);
  drawPresence();
});

function drawPresence() {
  const place = document.querySelector("#head [data-presence]");
  place?.replaceChildren(
    ...present.slice(0, 4).map(({ id, name }) => {
      const face = document.createElement("span");
      face.className = `avatar tint-${id % 6}`;
      face.textContent = name[0]?.toUpperCase() ?? "?";
      face.title = say("watching", { name });
      face.setAttribute("role", "img");
      face.setAttribute("aria-label", face.title);
      return face;
    }),
  );
}

function entryAfter(fresh) {
  const entries = thread().querySelectorAll(ENTRY);
  for (let index = entries.length - 1; index >= 0; index -= 1) {
    if (entries[index].dataset.position <= fresh.dataset.position) return entries[index].nextSibling;
  }
  return entries[0] ?? thread().querySelector("[data-edge=newer]");
}

/* Day lines and grouping, worked out anew from what stands there: the twin of items_of() in views/chat.py. */
export function tidy() {
  const box = thread();
  const days = new Map();
  // A page that came in brings its own lines: one a day stays.
  for (const line of box.querySelectorAll(".day")) days.has(line.dataset.day) ? line.remove() : days.set(line.dataset.day, line);
  const used = new Set();
  let previous = null;
  for (const entry of box.querySelectorAll(ENTRY)) {
    const day = dayKey(new Date(Number(entry.dataset.at)));
    const isFirstOfDay = day !== previous?.day;
    if (isFirstOfDay) used.add(day) && putDayLine(box, entry, day, days);
    const grouped = previous && !isFirstOfDay && previous.entry.nextElementSibling === entry && belongTogether(previous.entry, entry);
    toggle(entry, "more", grouped);
    toggle(entry, "turn", previous && !isFirstOfDay && !grouped);
    if (previous) toggle(previous.entry, "followed", grouped);
    previous = { entry, day };
  }
  if (previous) toggle(previous.entry, "followed", false);
  for (const [day, line] of days) if (!used.has(day)) line.remove();
  passDays();
}

const toggle = (entry, name, on) => entry.classList.toggle(name, Boolean(on));

function putDayLine(box, entry, day, days) {
  const line = days.get(day) ?? Object.assign(document.createElement("span"), { className: "day" });
  // The server wrote it in the company's zone, and perhaps yesterday.
  line.textContent = dayName(new Date(Number(entry.dataset.at)));
  line.dataset.day = day;
  days.set(day, line);
  const before = entry.previousElementSibling?.matches("[data-fresh]") ? entry.previousElementSibling : entry;
  if (before.previousElementSibling !== line) box.insertBefore(line, before);
}

const isPlain = (entry) => entry.matches(".message:not(.failed, .unconfirmed, .pending)");

function belongTogether(one, other) {
  return isPlain(one) && isPlain(other) && one.dataset.by === other.dataset.by && other.dataset.at - one.dataset.at < GROUPED_WITHIN_MS;
}

/* Of the day lines that are stuck at the top only the last one shows. */
function passDays() {
  const top = thread().getBoundingClientRect().top;
  const lines = [...thread().querySelectorAll(".day")];
  const places = lines.map((line) => line.getBoundingClientRect().top - top);
  // It gives way already when the next one comes near.
  lines.forEach((line, index) => line.classList.toggle("passed", places[index + 1] <= GIVES_WAY_AT));
}

function countNews(entry) {
  if (entry.matches(".message.in, .note, .event.call")) news += 1;
  drawPill();
}

function drawPill() {
  const pill = talk()?.querySelector("[data-to-end]");
  if (!pill) return;
  pill.hidden = isAtEnd();
  pill.querySelector("[data-label]").textContent = news ? say("newMessages", { n: news }) : say("toTheEnd");
}

/* Seen, at the end, in front: read. */
function markRead() {
  const { inbound, read, urls } = talk()?.dataset ?? {};
  if (!urls || Number(inbound) <= Number(read) || !isInFront() || !isAtEnd() || readTimer) return;
  readTimer = setTimeout(async () => {
    readTimer = undefined;
    const here = talk();
    const upto = here?.dataset.inbound;
    if (!upto || !isInFront() || Number(upto) <= Number(here.dataset.read)) return;
    here.dataset.read = upto;
    await post(JSON.parse(here.dataset.urls).read, { upto }).catch(() => (here.dataset.read = read));
  }, 250);
}

/* At most 300 entries in the page: the far end goes, and can be asked for again. */
function trim(grewAtTop) {
  const entries = [...thread().querySelectorAll(ENTRY)];
  if (entries.length <= LONGEST) return;
  const surplus = grewAtTop ? entries.slice(LONGEST) : entries.slice(0, entries.length - LONGEST);
  const kept = entries.filter((entry) => !surplus.includes(entry) && entry.dataset.pk);
  const [edge, query, pk] = grewAtTop ? ["newer", "after", kept.at(-1)?.dataset.pk] : ["older", "before", kept[0]?.dataset.pk];
  thread().querySelector(`[data-edge=${edge}]`)?.remove();
  for (const entry of surplus) entry.remove();
  if (!pk) return;
  const marker = document.createElement("span");
  marker.className = "page-edge";
  marker.dataset.edge = edge;
  for (const [name, value] of Object.entries({ "hx-get": `/conversations/${openConversation()}/entries/?${query}=${pk}`, "hx-trigger": "intersect root:#thread rootMargin:'600px 0px' once", "hx-swap": "outerHTML" })) marker.setAttribute(name, value);
  if (grewAtTop) thread().append(marker);
  else thread().prepend(marker);
  adopt(marker);
}

/* --- The message that a search led to: in the middle, whatever is loaded around it, until the person acts --- */
let isHeld = false;
const pointed = () => thread()?.querySelector(".message.target");
const center = () => isHeld && pointed()?.scrollIntoView({ block: "center" });

function pointOut(message) {
  message.classList.add("target");
  isHeld = true;
  center();
}

/* Its tick may change; what was found in it stays marked. */
function keepPointedOut(old, fresh) {
  fresh.classList.add("target");
  fresh.querySelector(".bubble").replaceWith(old.querySelector(".bubble"));
}

for (const name of ["wheel", "touchmove"]) addEventListener(name, () => (isHeld = false), { passive: true });
for (const name of ["pointerdown", "keydown"]) {
  addEventListener(name, () => {
    isHeld = false;
    pointed()?.classList.replace("target", "was-target");
  });
}
document.fonts?.ready.then(center);

/* A thread has come onto the screen. */
function begin() {
  news = 0;
  present = [];
  const { conversation, position, title, target } = talk()?.dataset ?? {};
  document.getElementById("app").toggleAttribute("data-open", Boolean(conversation));
  look(Number(conversation ?? 0), position === undefined ? undefined : Number(position));
  setTitle(title && `${title} · Fonal`);
  if (!thread()) return;
  freshen(talk());
  if (isElsewhere) tidy();
  const marked = target && document.getElementById(target);
  const firstNew = document.getElementById("fresh");
  isHeld = false;
  if (marked) pointOut(marked);
  else if (firstNew) {
    toEnd();
    if (firstNew.offsetTop < thread().scrollTop + thread().offsetTop) firstNew.scrollIntoView({ block: "start" });
  } else toEnd();
  drawPill();
  thread().addEventListener("scroll", () => {
    if (isAtEnd()) {
      news = 0;
      markRead();
    }
    drawPill();
    passDays();
  }, { passive: true });
  thread().classList.add("lively");
  passDays();
  markRead();
}

let heldFromBottom = null;
document.addEventListener("htmx:before:swap", ({ target }) => {
  if (target?.matches?.("[data-edge]") && thread()) heldFromBottom = { edge: target.dataset.edge, gap: thread().scrollHeight - thread().scrollTop, top: thread().scrollTop };
});
document.addEventListener("htmx:after:swap", () => {
  if (heldFromBottom && thread()) {
    const { edge, gap, top } = heldFromBottom;
    heldFromBottom = null;
    tidy();
    thread().scrollTop = edge === "older" ? thread().scrollHeight - gap : top;
    const before = thread().scrollHeight - thread().scrollTop;
    trim(edge === "older");
    if (edge !== "older") thread().scrollTop = thread().scrollHeight - before;
    freshen(thread());
    center();
    drawPill();
  }
});

let begun = null;
function beginIfNew() {
  if (begun === talk()) return;
  begun = talk();
  begin();
  document.dispatchEvent(new CustomEvent("fonal:thread"));
}
new MutationObserver(beginIfNew).observe(document.getElementById("app") ?? document.body, { childList: true });
queueMicrotask(beginIfNew);

document.addEventListener("click", async ({ target }) => {
  if (!target.closest("[data-to-end] button")) return;
  if (!hasNewerPages()) return toEnd("smooth");
  // The end is not loaded: draw the thread anew from there.
  window.htmx.ajax("GET", `/conversations/${openConversation()}/`, { target: "#talk", swap: "outerHTML" });
});
for (const name of ["focus", "visibilitychange"]) addEventListener(name, markRead, true);
new ResizeObserver(() => {
  if (!thread()) return;
  center();
  drawPill();
}).observe(document.body);

// Back and forward: only the thread changes, the list stays where it is.
document.addEventListener("htmx:before:history:restore", (event) => {
  event.preventDefault();
  const path = event.detail.path;
  if (!talk() || !(path === "/" || path.startsWith("/conversations/") || path.startsWith("/?"))) return location.reload();
  if (path.startsWith("/conversations/")) window.htmx.ajax("GET", path, { target: "#talk", swap: "outerHTML" });
  else location.reload();
});

