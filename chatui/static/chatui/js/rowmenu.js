/* The menu of a row: a native popover beside its button, a sheet at the bottom on a phone, all of it by keyboard. */
import { copy } from "./copy.js";

const MENU = "[data-row-menu]";
const GAP = 4;
const opener = (menu) => document.querySelector(`[popovertarget="${menu.id}"]`);
const items = (menu) => [...menu.querySelectorAll("[role=menuitem]")];

document.addEventListener("toggle", ({ target: menu, newState }) => {
  if (!menu.matches?.(MENU)) return;
  opener(menu)?.setAttribute("aria-expanded", String(newState === "open"));
  menu.closest("tr")?.classList.toggle("has-menu", newState === "open");
  if (newState !== "open") return;
  place(menu);
  items(menu)[0]?.focus();
}, true);

/* Below the button, above it where there is no room; the style sheet says what to do with it. */
function place(menu) {
  const button = opener(menu).getBoundingClientRect();
  const { width, height } = menu.getBoundingClientRect();
  const isAbove = button.bottom + GAP + height > innerHeight && button.top - GAP - height > 0;
  menu.style.setProperty("--menu-y", `${isAbove ? button.top - GAP - height : button.bottom + GAP}px`);
  menu.style.setProperty("--menu-x", `${Math.max(GAP, button.right - width)}px`);
  menu.dataset.placed = button.top;
}

function close(menu) {
  menu.hidePopover();
  opener(menu)?.focus({ preventScroll: true });
}

const STEPS = { ArrowDown: 1, ArrowUp: -1 };
document.addEventListener("keydown", (event) => {
  const button = event.target.closest?.("[popovertarget][aria-haspopup=menu]");
  if (button && event.key === "ArrowDown") {
    event.preventDefault();
    const opened = document.getElementById(button.getAttribute("popovertarget"));
    if (!opened.matches(":popover-open")) opened.showPopover({ source: button });
  }
  const menu = event.target.closest?.(MENU);
  if (!menu) return;
  const all = items(menu);
  const at = all.indexOf(document.activeElement);
  const to = event.key in STEPS ? (at + STEPS[event.key] + all.length) % all.length : { Home: 0, End: all.length - 1 }[event.key];
  if (to !== undefined) {
    event.preventDefault();
    all[to].focus();
  } else if (event.key === "Tab") close(menu);
});

// Before what the item does: a dialog gives the focus back to the button, not to a menu that is gone.
document.addEventListener("click", ({ target }) => {
  const item = target.closest?.(`${MENU} [role=menuitem]`);
  if (!item) return;
  if (item.matches("[data-copy]")) copy(item.closest("tr").querySelector("[data-body]").textContent);
  close(item.closest(MENU));
}, true);

document.addEventListener("focusout", ({ target, relatedTarget }) => {
  const menu = target.closest?.(MENU);
  if (menu && relatedTarget && !menu.contains(relatedTarget) && relatedTarget !== opener(menu)) menu.hidePopover();
});
// It stands beside its button: when that is moved away it closes; when rows come in above, the button stays where it is.
document.addEventListener("scroll", () => {
  const menu = document.querySelector(`${MENU}:popover-open`);
  if (menu && Math.abs(opener(menu).getBoundingClientRect().top - Number(menu.dataset.placed)) > GAP) menu.hidePopover();
}, { capture: true, passive: true });
