/* Long texts: a few lines, and the rest by a button that is there only where something is hidden. */
const textOf = (button) => button.previousElementSibling;
const isOpen = (button) => button.getAttribute("aria-expanded") === "true";

export function showMore(rows) {
  const buttons = rows.map((row) => row.querySelector("[data-more]")).filter((button) => button && !isOpen(button));
  // First all is measured, then written: else the page is laid out anew for each row.
  const hides = buttons.map((button) => textOf(button).scrollHeight > textOf(button).clientHeight + 2);
  const lacksWord = buttons.map((button, index) => hides[index] && isHidden(textOf(button).querySelector("mark"), textOf(button)));
  buttons.forEach((button, index) => {
    button.hidden = !hides[index];
    // What was looked for must be seen.
    if (lacksWord[index]) button.setAttribute("aria-expanded", "true");
  });
}

const isHidden = (mark, text) => mark && mark.getBoundingClientRect().top >= text.getBoundingClientRect().bottom - 2;

document.addEventListener("click", ({ target }) => {
  const button = target.closest?.("[data-more]");
  if (button) button.setAttribute("aria-expanded", String(!isOpen(button)));
});

let width = innerWidth;
new ResizeObserver(() => {
  if (width === innerWidth) return;
  width = innerWidth;
  showMore([...document.querySelectorAll("#history-rows > tr[data-uuid]")]);
}).observe(document.body);
