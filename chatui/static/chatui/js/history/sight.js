/* What is being read stays where it is, whatever comes or goes above it. */
import { body, rows } from "./list.js";

const AT_TOP = 8;

export function scroller() {
  let box = body();
  while (box && !/auto|scroll/.test(getComputedStyle(box).overflowY)) box = box.parentElement;
  return box ?? document.scrollingElement;
}

export const isScrolled = () => scroller().scrollTop > AT_TOP;

/* Where rows begin to be seen: below the heads, which stay. */
const edge = () => Math.max(scroller().getBoundingClientRect().top, body().closest("table").querySelector("th:last-child").getBoundingClientRect().bottom);
export const isInSight = (row) => row.getBoundingClientRect().bottom > edge() && row.getBoundingClientRect().top < innerHeight;
export const isAbove = (row) => row.getBoundingClientRect().bottom <= edge() + 1;
const isTouched = (part) => part?.contains(document.activeElement) || part?.contains(getSelection().isCollapsed ? null : getSelection().anchorNode);

export function isBeingRead() {
  if (!body()) return false;
  const isPointedAt = matchMedia("(hover: hover)").matches && body().matches(":hover");
  return isScrolled() || isPointedAt || isTouched(body()) || Boolean(body().querySelector(":popover-open, [data-pick]:checked"));
}

/* The row under the pointer, else the one in focus, else the first in sight. */
export function rowInSight(except = []) {
  const candidates = [body().querySelector("tr[data-uuid]:hover"), document.activeElement?.closest?.("#history-rows > tr[data-uuid]"), rows().find((row) => isInSight(row) && !except.includes(row))];
  return candidates.find((row) => row && !except.includes(row) && isInSight(row));
}

export function keepingSight(change, going) {
  const anchor = rowInSight(going);
  const before = anchor?.getBoundingClientRect().top;
  change();
  if (anchor?.isConnected) scrollBy(anchor.getBoundingClientRect().top - before);
}

function scrollBy(distance) {
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

export function whenScrolled(act) {
  document.addEventListener("scroll", ({ target }) => body() && target === scroller() && act(target), { capture: true, passive: true });
}

whenScrolled((box) => {
  if (!isScrolled()) box.style.paddingBlockEnd = "";
});
