/* One key each, only outside fields. No Ctrl+Alt: on Hungarian keyboards that is AltGr. */
import { openDialog } from "./dialog.js";
import { togglePicked } from "./selection.js";

const rows = () => [...document.querySelectorAll("#rows .row, #history-rows > tr[data-uuid]")];
const inFocus = () => document.activeElement?.closest("#rows .row, #history-rows > tr[data-uuid]");
const here = () => rows().findIndex((row) => row === inFocus() || (!inFocus() && row.hasAttribute("aria-current")));
// What is not offered to this person is not done by its key either.
const press = (name) => {
  const button = document.querySelector(`[data-key=${name}]`);
  if (!button?.matches("[data-only-reads] .writers-only *, [data-only-reads] .writers-only")) button?.click();
};

function move(step) {
  const next = rows()[Math.min(rows().length - 1, Math.max(0, here() + step))];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

function nextWaiting() {
  const waiting = rows().filter((row) => row.parentElement.dataset.waiting);
  (waiting.find((row) => rows().indexOf(row) > here()) ?? waiting[0])?.click();
}

function assign() {
  const menu = document.querySelector("#head details[data-menu]");
  if (!menu || "onlyReads" in document.body.dataset) return;
  menu.open = true;
  menu.querySelector("button, a")?.focus();
}

// The colleagues come a moment later, in place of the link that had the focus.
document.addEventListener("htmx:after:swap", () => {
  if (document.activeElement === document.body) document.querySelector("#head details[data-menu][open] button")?.focus();
});

const KEYS = {
  j: () => move(1),
  k: () => move(-1),
  n: nextWaiting,
  c: () => press("new"),
  r: () => document.querySelector("[data-key=composer]")?.focus(),
  "/": () => document.querySelector("[data-key=search]")?.focus(),
  e: () => press("done"),
  a: assign,
  u: () => press("unread"),
  x: () => togglePicked(inFocus()),
  "?": () => openDialog("/keys/"),
};

function out() {
  const menu = document.querySelector("details[data-menu][open]");
  if (menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
  } else if (document.activeElement?.matches("input, textarea")) document.activeElement.blur();
  else if (matchMedia("(max-width: 699px)").matches) press("back");
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing || document.querySelector("dialog[open]")) return;
  if (event.key === "Escape") return out();
  if (event.target.matches("input, textarea, select, [contenteditable]") || event.repeat) return;
  const action = KEYS[event.key.toLowerCase()];
  if (!action) return;
  event.preventDefault();
  action();
});
