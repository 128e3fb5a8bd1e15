/* The list: rows move by themselves, and badges, drafts and typing are this person's own. */
import { adopt, isOutdated, onFrame } from "./frames.js";
import { noticeInbound } from "./notices.js";
import { heardRead, isReadHere, openConversation } from "./thread.js";
import { freshen } from "./times.js";
import { showUnread } from "./title.js";
import { me, say } from "./words.js";

const list = () => document.getElementById("list");
const rows = () => document.getElementById("rows");
const rowOf = (id) => document.getElementById(`row-${id}`);
const drafts = new Map(readDrafts());
const typists = new Map();
let countsTimer, countsAt = 0;

onFrame("live-row", (statement) => {
  const fresh = statement.querySelector("li");
  const old = rowOf(fresh.dataset.id);
  if (isOutdated(fresh, old)) return;
  const was = old && { ...old.dataset };
  const isNews = !was || Number(fresh.dataset.inbound) > Number(was.inbound);
  dress(fresh);
  if (rows()) place(fresh, old);
  freshen(fresh);
  if (isNews && unreadOf(fresh) > 0 && !("hidden" in fresh.dataset)) noticeInbound(fresh);
  if (!was || was.assignee !== fresh.dataset.assignee || was.waiting !== fresh.dataset.waiting || was.done !== fresh.dataset.done || was.hidden !== fresh.dataset.hidden) recount();
});

onFrame("live-read", (statement) => {
  const row = rowOf(statement.getAttribute("conversation"));
  const [id, read, unread] = ["conversation", "read", "unread"].map((name) => Number(statement.getAttribute(name)));
  heardRead(id, read);
  if (!row) return showUnread(id, unread);
  const others = row.dataset.readers.split(" ").filter((pair) => pair && !pair.startsWith(`${me}:`));
  row.dataset.readers = [...others, `${me}:${read}`].join(" ");
  dress(row);
});

onFrame("live-typing", (statement) => {
  const id = Number(statement.getAttribute("conversation"));
  const others = JSON.parse(statement.getAttribute("people")).filter((person) => person.id !== me);
  if (others.length) typists.set(id, others);
  else typists.delete(id);
  const row = rowOf(id);
  if (row) dress(row);
  const place = document.querySelector("#talk [data-typists]");
  if (place && openConversation() === id) place.textContent = typingText(others);
});

export function setDraft(id, text) {
  if (text.trim()) drafts.set(id, text);
  else drafts.delete(id);
  const row = rowOf(id);
  if (row) dress(row);
}

const typingText = (people) =>
  people.length === 0 ? "" : say(people.length > 1 ? "typingMany" : "typing", { name: people[0].name });

function unreadOf(row) {
  const mine = row.dataset.readers.split(" ").find((pair) => pair.startsWith(`${me}:`));
  return Math.max(0, Number(row.dataset.inbound) - Number(mine?.split(":")[1] ?? 0));
}

/* What only this person sees of a row that is otherwise the same for everyone. */
function dress(row) {
  const id = Number(row.dataset.id);
  const link = row.querySelector(".row");
  const unread = isReadHere(id) ? 0 : unreadOf(row);
  link.classList.toggle("unread", unread > 0);
  row.querySelector("[data-unread]").textContent = unread > 99 ? "99+" : unread || "";
  showUnread(id, "done" in row.dataset || "hidden" in row.dataset ? 0 : unread);
  const isOpen = openConversation() === id;
  if (isOpen) link.setAttribute("aria-current", "true");
  else link.removeAttribute("aria-current");
  link.classList.toggle("has-draft", drafts.has(id) && !isOpen);
  row.querySelector("[data-draft]").textContent = drafts.get(id) ?? "";
  link.classList.toggle("is-typing", typists.has(id));
  row.querySelector("[data-typing]").textContent = typingText(typists.get(id) ?? []);
}

function belongs(row) {
  const { view, text } = list().dataset;
  if (text) return false;
  // The contact is blocked.
  if ("hidden" in row.dataset) return false;
  if (view === "done") return "done" in row.dataset;
  if ("done" in row.dataset) return false;
  if (view === "mine") return Number(row.dataset.assignee) === me;
  if (view === "free") return !row.dataset.assignee;
  return view !== "waiting" || Boolean(row.dataset.waiting);
}

function place(fresh, old) {
  // In a search the hits stay as they were found, only drawn anew.
  if (list().dataset.text) {
    if (old && "hidden" in fresh.dataset) leave(old);
    else if (old) adopt(swap(old, fresh));
    return;
  }
  if (!belongs(fresh)) return leave(old);
  const hadFocus = old?.contains(document.activeElement);
  keepingSight(() => {
    rows().querySelector("[data-empty]")?.remove();
    const next = nextOf(fresh);
    // Below what is loaded: it comes with its page.
    if (!old && next?.matches(".more")) return;
    old?.remove();
    rows().insertBefore(fresh, next);
    adopt(fresh);
  });
  if (hadFocus) fresh.querySelector(".row").focus({ preventScroll: true });
}

/* The last one to leave makes room for the words of an empty list. */
function leave(old) {
  if (!old) return;
  keepingSight(() => old.remove());
  // The rows alone: the menu of views above them may be open.
  if (!rows().childElementCount) window.htmx.ajax("GET", `/conversations/rows/?${list().dataset.query}`, { target: "#rows", select: "#rows", swap: "outerHTML" });
}

function nextOf(fresh) {
  const longest = list().dataset.sort === "waiting";
  const key = (row) => Number(longest ? row.dataset.waiting || Infinity : row.dataset.order);
  const late = overdueSince(fresh);
  const comesAfter = (row) => {
    const itsLate = overdueSince(row);
    // Whom we promised to call back before now stand first, the longest overdue at the top.
    if (late !== itsLate) return late < itsLate;
    return longest ? key(row) > key(fresh) : key(row) < key(fresh);
  };
  for (const row of rows().children) if (row.id !== fresh.id && (!row.dataset.id || comesAfter(row))) return row;
  return null;
}

function overdueSince(row) {
  const promised = Number(row.dataset.promised ?? Infinity);
  return promised <= Date.now() ? promised : Infinity;
}

function swap(old, fresh) {
  old.replaceWith(fresh);
  return fresh;
}

/* A row that moves above must not push away the one under the eye or the mouse. */
function keepingSight(change) {
  const box = rows();
  const top = box.scrollTop;
  if (top < 8) return change();
  const anchor = [...box.children].find((row) => row.offsetTop + row.offsetHeight > top + box.offsetTop);
  const before = anchor?.getBoundingClientRect().top;
  change();
  if (anchor?.isConnected) box.scrollTop += anchor.getBoundingClientRect().top - before;
}

/* The counts come from the server's own query: soon after a change, then at most every eight seconds. */
function recount() {
  if (countsTimer || !list()) return;
  const wait = Math.max(300, countsAt + 8000 - Date.now()) * (0.8 + Math.random() * 0.4);
  countsTimer = setTimeout(async () => {
    countsTimer = undefined;
    countsAt = Date.now();
    const { countsUrl, query } = list()?.dataset ?? {};
    const answer = countsUrl && (await fetch(`${countsUrl}?${query}`).catch(() => null));
    if (!answer?.ok) return;
    for (const [view, n] of Object.entries(await answer.json())) {
      const place = document.querySelector(`[data-count=${view}]`);
      if (place) place.textContent = n;
    }
  }, wait);
}

function readDrafts() {
  const texts = document.getElementById("drafts")?.content.querySelector("script")?.textContent;
  return Object.entries(JSON.parse(texts || "{}") || {}).map(([id, text]) => [Number(id), text]);
}

function dressAll() {
  const seen = new Set();
  for (const row of [...(rows()?.querySelectorAll("li[data-id]") ?? [])]) {
    // A row that moved up while its page was on the way comes twice.
    if (seen.has(row.id)) row.remove();
    else dress(row);
    seen.add(row.id);
  }
  freshen(list() ?? document);
}

dressAll();
document.addEventListener("htmx:after:swap", dressAll);
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details[data-menu][open]")) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("submit", (event) => event.target.matches("[data-search]") && event.preventDefault());
