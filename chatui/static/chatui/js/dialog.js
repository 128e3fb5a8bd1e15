/* Dialogs: links with data-dialog open in one; a text that was begun is not thrown away unasked. */
import { replaceText, showCost } from "./cost.js";
import { unaccent } from "./segments.js";
import { say } from "./words.js";

const dialog = document.getElementById("dialog");

export async function openDialog(url) {
  await window.htmx.ajax("GET", url, { target: "#dialog", swap: "innerHTML" });
  if (!dialog.open) dialog.showModal();
  (dialog.querySelector("[autofocus]") ?? dialog.querySelector("input:not([type=hidden]), button"))?.focus({ preventScroll: true });
  // In a low window the browser would have gone down to it, past what is to be read first.
  dialog.scrollTop = 0;
}

const text = () => dialog.querySelector("[data-new-message] textarea")?.value.trim();

export function closeDialog() {
  dialog.close();
  dialog.replaceChildren();
}

function close() {
  if (!text() || confirm(say("discard"))) closeDialog();
}

document.addEventListener("click", (event) => {
  if (event.defaultPrevented || event.metaKey || event.ctrlKey) return;
  const link = event.target.closest?.("a[data-dialog]");
  if (link) {
    event.preventDefault();
    openDialog(link.href);
  }
  if (event.target.closest?.("[data-close]") && dialog.open) {
    event.preventDefault();
    close();
  }
  const saver = event.target.closest?.("[data-saver]");
  const counted = saver?.dataset.saver && document.getElementById(saver.dataset.saver);
  if (counted) replaceText(counted, unaccent(counted.value));
});
dialog?.addEventListener("cancel", (event) => {
  event.preventDefault();
  if (dialog.querySelector(".lookup:not(:empty)")) return choose(null);
  close();
});

/* --- The text's cost --- */
function reckon(area) {
  const place = area?.dataset?.counted && document.getElementById(area.dataset.counted);
  if (place) showCost(area.value, place, document.querySelector(`[data-saver=${area.id}]`), area.form.querySelector("[data-accents]"));
}
document.addEventListener("input", ({ target }) => reckon(target.closest?.("[data-new-message] [data-accents]") ? target.form.querySelector("[data-counted]") : target));
// A refused text comes back in a new form.
document.addEventListener("htmx:after:swap", () => reckon(document.getElementById("id_body")));

/* --- The recipient field: a combobox over the live rows --- */
const field = () => document.getElementById("id_to");
const options = () => [...document.querySelectorAll("#lookup [role=option]")];

function choose(option) {
  if (option) {
    field().value = option.dataset.number;
    const help = field().parentElement.querySelector(".help, .problem");
    if (help) {
      help.className = option.dataset.warning ? "help warned" : "help";
      help.textContent = [option.dataset.name, option.dataset.warning].filter(Boolean).join(": ");
    }
    field().removeAttribute("aria-invalid");
    document.getElementById("id_body").focus();
  }
  document.getElementById("lookup").replaceChildren();
  field().setAttribute("aria-expanded", "false");
}

function select(option) {
  for (const one of options()) one.setAttribute("aria-selected", one === option);
  field().setAttribute("aria-activedescendant", option.id);
  option.scrollIntoView({ block: "nearest" });
}

document.addEventListener("click", ({ target }) => {
  const option = target.closest?.("#lookup [role=option]");
  if (option) choose(option);
  else if (field() && options().length && !target.closest(".recipient")) choose(null);
});
document.addEventListener("keydown", (event) => {
  if (event.target !== field() || !options().length) return;
  const at = options().findIndex((option) => option.getAttribute("aria-selected") === "true");
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) {
    event.preventDefault();
    select(options()[(at + step + options().length) % options().length]);
  } else if (event.key === "Enter" || event.key === "Tab") {
    if (event.key === "Enter") event.preventDefault();
    if (at >= 0) choose(options()[at]);
  }
});
document.addEventListener("htmx:after:swap", () => field()?.setAttribute("aria-expanded", String(options().length > 0)));
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.id === "id_body") event.target.form.requestSubmit();
});
