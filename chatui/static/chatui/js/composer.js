/* Writing: the bubble stands there at once, nothing typed is ever lost, and nothing goes out twice. */
import { asItGoesOut, replaceText, showCost } from "./cost.js";
import { applyFrames, onFrame } from "./frames.js";
import { setDraft } from "./list.js";
import { newUuid, post } from "./post.js";
import { unaccent } from "./segments.js";
import { tellTyping } from "./socket.js";
import { openConversation, placeEntry, tidy } from "./thread.js";
import { clock } from "./times.js";
import { toast } from "./toast.js";
import { me, say } from "./words.js";

const DRAFT_AFTER_MS = 500;
const SURELY_SAVED_MS = 10000;
const TYPING_EVERY_MS = 3000;
const TRIES = 12;

const form = () => document.getElementById("composer");
const area = () => form()?.querySelector("textarea");
const part = (name) => form().querySelector(`[data-${name}]`);
const urls = () => JSON.parse(document.getElementById("talk").dataset.urls);
const isNote = () => form().dataset.mode === "note";
const isTouch = matchMedia("(pointer: coarse)").matches;
const unsent = new Set();
/* What was typed here last, by conversation: {body, at}. */
const typedHere = new Map();
/* What is written in the mode that does not show: a note must never get into an SMS, nor an SMS into a note. */
const aside = { sms: "", note: "" };
/* An SMS stands in the composer: what the thread showed when it was begun has been seen. */
let begun = false;
let draftDue, draftTimer, draftOnItsWay, typedAt = 0;

function begin() {
  saveDraft();
  if (!form()) return;
  form().dataset.seen = newest();
  // This page may have been drawn before the last words were saved.
  const typed = typedHere.get(openConversation());
  if (typed && Date.now() - typed.at < SURELY_SAVED_MS) area().value = typed.body;
  begun = Boolean(area().value);
  aside.sms = "";
  aside.note = sessionStorage.getItem(noteKey()) ?? "";
  count();
  if (!isTouch && !document.querySelector("dialog[open]")) area().focus({ preventScroll: true });
}

const noteKey = () => `fonal.note.${openConversation()}`;
const newest = () => document.getElementById("talk").dataset.newest;
/* Where the company saves accents: null elsewhere, and for a note, which costs nothing. */
const accents = () => (isNote() ? null : part("accents"));
function count() {
  if (part("accents")) part("accents").hidden = true;
  showCost(area().value, part("cost"), part("saver"), accents());
}

/* --- Sending --- */
async function submit() {
  const text = area().value.trim();
  if (!text) return;
  complain("");
  const keeps = Boolean(accents()?.querySelector("input").checked);
  const letter = { id: openConversation(), uuid: newUuid(), body: text, shown: asItGoesOut(text, accents()), keeps, seen: form().dataset.seen, note: isNote(), url: isNote() ? urls().note : urls().send };
  part("guard").hidden = true;
  area().value = "";
  if (letter.note) {
    sessionStorage.removeItem(noteKey());
    setMode("sms");
  } else {
    begun = false;
    forgetDraft(letter.id);
    setDraft(letter.id, "");
    stopTyping();
    keepAccents(false);
    placeEntry(pending(letter));
  }
  count();
  await draftOnItsWay;
  deliver(letter);
}

async function deliver(letter, tries = 0) {
  unsent.add(letter.uuid);
  let answer;
  try {
    answer = await post(letter.url, { uuid: letter.uuid, body: letter.body, seen: letter.seen ?? "", keeps_accents: letter.keeps ? "1" : "" });
    if (answer.status >= 500) throw new Error(answer.status);
  } catch {
    // The uuid makes it harmless that the first try may have arrived.
    if (tries === 1) toast(say("notSent"), { bad: true });
    if (tries >= TRIES) return giveBack(letter, say("noAnswer"));
    return setTimeout(() => deliver(letter, tries + 1), Math.min(20000, 800 * 2 ** tries));
  }
  unsent.delete(letter.uuid);
  const text = await answer.text();
  if (answer.ok) {
    if (form() && letter.id === openConversation()) form().dataset.seen = newest();
    return applyFrames(text);
  }
  giveBack(letter);
  if (letter.id !== openConversation()) return toast(plain(text) || say("wroteMeanwhile"), { bad: true });
  applyFrames(text);
  if (answer.status === 403 || answer.status === 404) complain(say("noAnswer"));
}

/* It did not go out: the text goes back to where it was written. */
function giveBack(letter, problem) {
  unsent.delete(letter.uuid);
  document.getElementById(`entry-${letter.uuid}`)?.remove();
  if (letter.id !== openConversation() || !form()) {
    if (letter.note) return sessionStorage.setItem(`fonal.note.${letter.id}`, letter.body);
    typedHere.set(letter.id, { body: letter.body, at: Infinity });
    return setDraft(letter.id, letter.body);
  }
  tidy();
  begun ||= !letter.note;
  setMode(letter.note ? "note" : "sms");
  keepAccents(letter.keeps);
  area().value = area().value ? `${letter.body}\n${area().value}` : letter.body;
  typed();
  area().focus();
  if (problem) complain(problem);
}

/* For this text only: the next one saves them again. */
function keepAccents(keeps) {
  const choice = part("accents")?.querySelector("input");
  if (choice) choice.checked = keeps;
}

function pending({ uuid, shown }) {
  const message = document.createElement("div");
  const now = Date.now();
  message.className = "message out pending";
  message.id = `entry-${uuid}`;
  Object.assign(message.dataset, { position: `9${String(now).padStart(20, "0")}`, at: now, by: `out-${me}`, author: me });
  const bubble = Object.assign(document.createElement("div"), { className: "bubble", textContent: shown });
  const meta = Object.assign(document.createElement("div"), { className: "meta num", textContent: `${clock(new Date())} · ${say("sending")}` });
  message.append(bubble, meta);
  return message;
}

const plain = (frames) => new DOMParser().parseFromString(frames, "text/html").querySelector("live-problem")?.textContent;

function complain(text) {
  part("problem").replaceChildren(...(text ? [Object.assign(document.createElement("li"), { textContent: text })] : []));
}

/* --- The stale-thread guard --- */
onFrame("live-guard", (statement) => {
  if (!form()) return;
  const guard = part("guard");
  guard.replaceChildren(...statement.childNodes);
  guard.hidden = false;
  form().dataset.seen = statement.getAttribute("seen");
  guard.querySelector("[data-send-anyway]").focus();
});
onFrame("live-problem", (statement) => (form() ? complain(statement.textContent) : toast(statement.textContent, { bad: true })));
onFrame("live-draft", (statement) => {
  if (Number(statement.getAttribute("conversation")) !== openConversation() || !form()) return;
  setMode("sms");
  area().value = area().value ? `${statement.textContent}\n${area().value}` : statement.textContent;
  forgetDraft(openConversation());
  area().focus();
  count();
});

/* --- Drafts --- */
function typed() {
  count();
  complain("");
  if (isNote()) return sessionStorage.setItem(noteKey(), area().value);
  if (!begun || !form().dataset.seen) form().dataset.seen = newest();
  begun = Boolean(area().value);
  const [id, url, body] = [openConversation(), urls().draft, area().value];
  setDraft(id, body);
  typedHere.set(id, { body, at: Date.now() });
  draftDue = { url, body };
  clearTimeout(draftTimer);
  draftTimer = setTimeout(saveDraft, DRAFT_AFTER_MS);
  if (!body) stopTyping();
  else if (Date.now() - typedAt > TYPING_EVERY_MS) {
    typedAt = Date.now();
    tellTyping(id);
  }
}

function stopTyping() {
  if (typedAt) tellTyping(null);
  typedAt = 0;
}

function saveDraft() {
  clearTimeout(draftTimer);
  if (!draftDue) return;
  const { url, body } = draftDue;
  draftDue = undefined;
  draftOnItsWay = post(url, { body }).catch(() => {});
}

function forgetDraft(id) {
  clearTimeout(draftTimer);
  draftDue = undefined;
  typedHere.delete(id);
}

/* --- Notes --- */
function setMode(mode) {
  if (form().dataset.mode !== mode) {
    aside[form().dataset.mode] = area().value;
    area().value = aside[mode];
    aside[mode] = "";
  }
  form().dataset.mode = mode;
  const button = form().querySelector(".note-mode");
  button.setAttribute("aria-pressed", mode === "note");
  const box = area();
  box.dataset.placeholderSms ??= box.placeholder;
  box.placeholder = mode === "note" ? box.dataset.placeholderNote : box.dataset.placeholderSms;
  suggest([]);
}

const colleagues = () => JSON.parse(document.getElementById("colleague-names")?.textContent || "[]");
const mentionBefore = (text) => /(?:^|\s)@([\p{L}\p{N}_.-]*)$/u.exec(text)?.[1];

function suggestMentions() {
  const begun = isNote() ? mentionBefore(area().value.slice(0, area().selectionStart)) : undefined;
  if (begun === undefined) return suggest([]);
  const start = begun.toLowerCase();
  suggest(colleagues().filter(({ name, username }) => [username, ...name.split(" ")].some((word) => word.toLowerCase().startsWith(start))).slice(0, 6));
}

function suggest(people) {
  const box = part("mentions");
  box.hidden = people.length === 0;
  box.replaceChildren(
    ...people.map(({ name, username, isAway }, index) => {
      const button = Object.assign(document.createElement("button"), { type: "button", textContent: name });
      if (isAway) button.append(Object.assign(document.createElement("small"), { textContent: say("away") }));
      button.setAttribute("role", "option");
      button.setAttribute("aria-selected", index === 0);
      button.dataset.username = name.includes(" ") ? username : name;
      return button;
    }),
  );
}

function takeMention(button) {
  const box = area();
  const before = box.value.slice(0, box.selectionStart);
  const begun = mentionBefore(before) ?? "";
  box.setRangeText(`${button.dataset.username} `, box.selectionStart - begun.length, box.selectionStart, "end");
  suggest([]);
  box.focus();
}

/* --- Events, for whichever thread is open --- */
document.addEventListener("submit", (event) => {
  if (event.target !== form()) return;
  event.preventDefault();
  submit();
});
document.addEventListener("input", ({ target }) => {
  if (form()?.contains(target) && target.closest("[data-accents]")) return count();
  if (target !== area()) return;
  typed();
  suggestMentions();
});
document.addEventListener("keydown", (event) => {
  if (event.target !== area()) return;
  const chosen = part("mentions").hidden ? null : part("mentions").querySelector("[aria-selected=true]");
  if (chosen && (event.key === "Tab" || event.key === "Enter")) {
    event.preventDefault();
    return takeMention(chosen);
  }
  if (chosen && event.key.startsWith("Arrow")) {
    event.preventDefault();
    const next = event.key === "ArrowDown" ? chosen.nextElementSibling : chosen.previousElementSibling;
    if (next) for (const option of part("mentions").children) option.setAttribute("aria-selected", option === next);
    return undefined;
  }
  if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229 || isTouch) return undefined;
  event.preventDefault();
  return event.repeat ? undefined : submit();
});
document.addEventListener("click", ({ target }) => {
  if (!form()?.contains(target)) return;
  if (target.closest(".note-mode")) {
    setMode(isNote() ? "sms" : "note");
    count();
    area().focus();
  }
  if (target.closest("[data-saver]")) replaceText(area(), unaccent(area().value));
  if (target.closest("[data-keep-editing]")) {
    part("guard").hidden = true;
    area().focus();
  }
  const mention = target.closest("[data-username]");
  if (mention) takeMention(mention);
});
document.addEventListener("fonal:thread", begin);
addEventListener("beforeunload", (event) => {
  if (unsent.size) event.preventDefault();
});
// Leaving before the pause is over: the draft goes along.
addEventListener("pagehide", () => {
  if (!draftDue || !form()) return;
  const csrf = form().querySelector("[name=csrfmiddlewaretoken]").value;
  navigator.sendBeacon(draftDue.url, new URLSearchParams({ body: draftDue.body, csrfmiddlewaretoken: csrf }));
});
