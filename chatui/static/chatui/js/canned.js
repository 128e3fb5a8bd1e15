/* Canned texts: "/" in an empty composer or the # button opens them; choosing one writes it there and sends nothing. */
import { applyFrames } from "./frames.js";
import { toast } from "./toast.js";
import { say } from "./words.js";

const form = () => document.getElementById("composer");
const area = () => form()?.querySelector("textarea");
const picker = () => form()?.querySelector("[data-canned]");
const field = () => picker().querySelector("input");
const list = () => picker().querySelector("[data-canned-list]");
const shown = () => [...list().querySelectorAll("[role=option]:not([hidden])")];
const chosen = () => list().querySelector("[aria-selected=true]:not([hidden])");
const folded = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

async function open() {
  const place = picker();
  place.hidden = false;
  field().value = "";
  field().focus();
  try {
    // Filled in for this conversation, so asked for anew: the contact may have got a name.
    const answer = await fetch(place.dataset.url, { headers: { "X-Fonal": "frames" }, signal: AbortSignal.timeout(10000) });
    const text = await answer.text();
    if (place !== picker()) return undefined;
    if (!answer.ok) {
      applyFrames(text);
      return giveUp();
    }
    list().innerHTML = text;
    return narrow();
  } catch {
    return place === picker() ? giveUp() : undefined;
  }
}

function giveUp() {
  close();
  toast(say("noAnswer"), { bad: true });
}

function close({ goesBack = true } = {}) {
  if (picker().hidden) return;
  picker().hidden = true;
  if (goesBack) area().focus();
}

function narrow() {
  const words = folded(field().value).split(/\s+/).filter(Boolean);
  for (const option of list().querySelectorAll("[role=option]")) {
    const text = folded(option.textContent);
    option.hidden = !words.every((word) => text.includes(word));
  }
  const none = list().querySelector("[data-none]");
  if (none) none.hidden = shown().length > 0;
  select(shown()[0]);
}

function select(option) {
  for (const other of list().querySelectorAll("[role=option]")) other.setAttribute("aria-selected", other === option);
  field().setAttribute("aria-activedescendant", option?.id ?? "");
  option?.scrollIntoView({ block: "nearest" });
}

function step(by) {
  const options = shown();
  if (options.length) select(options[(options.indexOf(chosen()) + by + options.length) % options.length]);
}

function insert(words) {
  close();
  const box = area();
  const glue = /\S$/.test(box.value.slice(0, box.selectionStart)) ? " " : "";
  // insertText keeps the browser's own undo.
  if (document.execCommand("insertText", false, glue + words)) return;
  box.setRangeText(glue + words, box.selectionStart, box.selectionEnd, "end");
  box.dispatchEvent(new Event("input", { bubbles: true }));
}

document.addEventListener("beforeinput", (event) => {
  const isSlash = event.inputType === "insertText" && event.data === "/";
  if (!isSlash || !picker()) return;
  if (event.target === area() && !area().value && form().dataset.mode !== "note") {
    event.preventDefault();
    open();
  } else if (event.target === field() && !field().value) {
    // Whoever wants a text that begins with "/" types it twice.
    event.preventDefault();
    insert("/");
  }
});
document.addEventListener("input", ({ target }) => {
  if (picker() && target === field()) narrow();
});
// Before the page's own keys hear of it.
document.addEventListener(
  "keydown",
  (event) => {
    if (!picker() || event.target !== field() || event.isComposing) return;
    const action = {
      ArrowDown: () => step(1),
      ArrowUp: () => step(-1),
      Enter: () => chosen() && insert(chosen().dataset.words),
      Escape: close,
      Backspace: field().value ? null : close,
    }[event.key];
    event.stopPropagation();
    if (!action) return;
    event.preventDefault();
    action();
  },
  true,
);
document.addEventListener("mousedown", (event) => {
  // The field keeps the keyboard while the mouse chooses.
  if (event.target.closest("[data-canned] [role=option], [data-canned-open]")) event.preventDefault();
});
document.addEventListener("click", ({ target }) => {
  if (!picker()) return;
  const option = target.closest("[data-canned] [role=option]");
  if (option) insert(option.dataset.words);
  else if (target.closest("[data-canned-open]")) picker().hidden ? open() : close();
  else if (!picker().contains(target)) close({ goesBack: false });
});
document.addEventListener("focusout", ({ target, relatedTarget }) => {
  if (picker()?.contains(target) && relatedTarget && !picker().contains(relatedTarget)) close({ goesBack: false });
});
