/* Back from a thread: the list stands where it was left. */
import { body, found, further, rowOf, rows } from "./list.js";
import { isInSight, isScrolled, rowInSight, scroller } from "./sight.js";

const KEY = "fonal.history";
const MOST_PAGES = 40;
let lastTouched = null;
document.addEventListener("pointerdown", ({ target }) => (lastTouched = target.closest?.("#history-rows > tr[data-uuid]") ?? lastTouched), true);
document.addEventListener("focusin", ({ target }) => (lastTouched = target.closest?.("#history-rows > tr[data-uuid]") ?? lastTouched));

export function placeToReturnTo() {
  if (!body() || !rows().length) return null;
  const row = lastTouched?.isConnected && isInSight(lastTouched) ? lastTouched : rowInSight();
  return row ? { uuid: row.dataset.uuid, position: row.dataset.position, top: row.getBoundingClientRect().top, isScrolled: isScrolled() } : null;
}

export async function returnTo(place) {
  if (!place) return;
  const isPassed = (row) => (found().dataset.oldest ? row.dataset.position >= place.position : row.dataset.position <= place.position);
  for (let page = 0; place.isScrolled && page < MOST_PAGES && further() && !rows().some(isPassed); page += 1) {
    await window.htmx.ajax("GET", further().getAttribute("hx-get"), { target: further(), swap: "outerHTML" });
  }
  const row = rowOf(place.uuid) ?? rows().find(isPassed);
  if (!row) return;
  if (place.isScrolled) scroller().scrollTop += row.getBoundingClientRect().top - place.top;
  if (document.activeElement === document.body) row.focus({ preventScroll: true });
}

const address = () => location.pathname + location.search;
addEventListener("pagehide", () => {
  const place = placeToReturnTo();
  if (place) sessionStorage.setItem(KEY, JSON.stringify({ ...place, address: address() }));
});
export function comeBack() {
  const place = JSON.parse(sessionStorage.getItem(KEY) ?? "null");
  const { type } = performance.getEntriesByType("navigation")[0] ?? {};
  if (place?.address === address() && ["back_forward", "reload"].includes(type)) returnTo(place);
}
