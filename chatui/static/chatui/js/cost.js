/* What a text costs, shown quietly, and the one click that makes it cheaper. */
import { MAX_SEGMENTS, count, savingAccents, unaccent } from "./segments.js";
import { say } from "./words.js";

const QUIET_BELOW = 120;

/* `accents` is the choice of a company that saves them: shown only where the text would lose some. */
export function showCost(typed, place, saver, accents) {
  const text = asItGoesOut(typed, accents);
  const cost = count(text);
  const isQuiet = !text || (cost.gsm && cost.units < QUIET_BELOW);
  const letters = cost.costly.slice(0, 4).join(", ") + (cost.costly.length > 4 ? "…" : "");
  const parts = [say("sms", { units: cost.units, capacity: cost.capacity, n: cost.segments })];
  if (cost.segments > MAX_SEGMENTS) parts.push(say("tooLong"));
  else if (!cost.gsm) parts.push(say("becauseOf", { letters }));
  place.textContent = isQuiet ? "" : parts.join(" · ");
  place.classList.toggle("over", cost.segments > MAX_SEGMENTS);
  if (saver) offerSaver(text, cost, saver);
  return cost;
}

export function asItGoesOut(typed, accents) {
  if (!accents) return typed;
  const saved = savingAccents(typed);
  accents.hidden = saved === typed;
  return accents.querySelector("input").checked ? typed : saved;
}

export function replaceText(area, text) {
  area.focus();
  area.select();
  // insertText keeps the browser's own undo; it is gone from no browser yet.
  if (!document.execCommand("insertText", false, text)) {
    area.value = text;
    area.dispatchEvent(new Event("input", { bubbles: true }));
  }
}

function offerSaver(text, cost, saver) {
  const plain = cost.gsm ? cost : count(unaccent(text));
  const saves = plain.segments < cost.segments || (plain.gsm && !cost.gsm);
  saver.hidden = !text || !saves;
  if (saver.hidden) return;
  saver.textContent =
    plain.segments < cost.segments
      ? say("unaccented", { n: plain.segments })
      : say("unaccentedUnits", { units: plain.units, capacity: plain.capacity });
}
