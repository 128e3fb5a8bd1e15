/* The filter of a page: its calendar, its search box, and what must stay put while its parts are replaced. */
const search = () => document.getElementById("search");
const form = () => document.getElementById("filter");

/* --- The calendar: the browser's own, over a field in which one can write as well --- */
function calendarOf(field) {
  const place = field.parentElement;
  const made = place.querySelector("input[type=datetime-local]");
  if (made) return made;
  const calendar = document.createElement("input");
  calendar.type = "datetime-local";
  calendar.tabIndex = -1;
  calendar.ariaHidden = "true";
  calendar.addEventListener("input", () => {
    field.value = calendar.value.replace("T", " ");
  });
  place.append(calendar);
  return calendar;
}

document.addEventListener("click", ({ target }) => {
  const button = target.closest?.("[data-picker]");
  if (!button) return;
  const field = document.getElementById(button.dataset.picker);
  const calendar = calendarOf(field);
  // Where no moment stands yet, the calendar opens at the field's sample: today.
  const written = /^\d{4}-\d{2}-\d{2} \d{2}:\d{2}$/.test(field.value.trim()) ? field.value.trim() : field.placeholder;
  calendar.value = written.replace(" ", "T");
  // It opens beside what is laid out already: one that was made just now is not.
  calendar.getBoundingClientRect();
  calendar.showPicker();
});

/* --- The search box --- */
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.target !== search() || !search().value) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  search().value = "";
  search().dispatchEvent(new Event("input", { bubbles: true }));
}, true);

/* --- Keeping a filter under a name keeps what stands in the fields, applied or not --- */
document.addEventListener("submit", (event) => {
  // By the browser, as without scripts: its answer is a page.
  if (event.submitter?.matches("[data-keep]")) event.stopImmediatePropagation();
}, true);
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.isComposing || event.target.id !== "keep-name") return;
  event.preventDefault();
  form().requestSubmit(form().querySelector("[data-keep]"));
});

/* --- A period sets both dates, and takes along what else stands in the fields --- */
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("[data-filter] .periods a");
  if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const period = new URL(link.href).searchParams;
  for (const name of ["from", "to"]) form().elements[name].value = period.get(name);
  form().requestSubmit(document.getElementById("filter-save"));
}, true);

/* --- What unfolds is in sight, and the name can be written at once --- */
document.addEventListener("toggle", ({ target }) => {
  if (!target.open || !target.matches("[data-filter] details")) return;
  target.querySelector(".sheet").scrollIntoView({ block: "nearest" });
  target.querySelector("#keep-name")?.focus();
}, true);

/* --- Parts of the page are replaced --- */
let wasIn, typed;
document.addEventListener("htmx:before:swap", ({ target }) => {
  const panel = document.getElementById("filter-panel");
  wasIn = panel?.contains(document.activeElement) ? document.activeElement : null;
  // A search changes no field: what was written into one while it was on the way stays.
  typed = target === search() ? [...form().elements].filter(({ id, name }) => id && name).map(({ id, value }) => [id, value]) : [];
});
document.addEventListener("htmx:after:swap", () => {
  const found = document.getElementById("found");
  if (!found || !search()) return;
  for (const [id, value] of typed ?? []) document.getElementById(id).value = value;
  // A chip, or a link of the panel, may have taken the text away; while somebody types it is theirs.
  if (document.activeElement !== search() && !typed?.length) search().value = found.dataset.text;
  if (wasIn && !wasIn.isConnected) bringBack();
});

/* The focus goes to a mistake, else back to where it was, else to the first chip that is left, else to the first field. */
function bringBack() {
  const panel = document.getElementById("filter-panel");
  const places = ["[autofocus]", `[id="${wasIn.id}"]`, ".chip", "input"];
  const next = places.map((place) => panel.querySelector(place)).find((element) => element?.checkVisibility());
  (next ?? panel.querySelector(".opener")).focus({ preventScroll: true });
  wasIn = null;
}

// Back was pressed once more while the page was still on its way: the address has gone on alone, and nobody heard of it.
addEventListener("pageshow", ({ persisted }) => {
  const loadedFrom = performance.getEntriesByType("navigation")[0]?.name.split("#")[0];
  if (form() && !persisted && loadedFrom && loadedFrom !== location.href.split("#")[0]) location.reload();
});
