/* Times in the viewer's own zone, and kept true while the page stays open. */
import { language, say } from "./words.js";

const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
export const isElsewhere = here !== document.body.dataset.zone;
const clockFormat = new Intl.DateTimeFormat(language, { hour: "numeric", minute: "2-digit", hourCycle: "h23" });
const weekdayFormat = new Intl.DateTimeFormat(language, { weekday: "short" });
const dateFormat = new Intl.DateTimeFormat(language, { month: "short", day: "numeric" });
const fullFormat = new Intl.DateTimeFormat(language, { year: "numeric", month: "long", day: "numeric", weekday: "long" });

export const clock = (at) => clockFormat.format(at).replace(/^0(?=\d)/, "");
export const clockWithSeconds = (at) => `${clock(at)}:${String(at.getSeconds()).padStart(2, "0")}`;
export const dayKey = (at) => `${at.getFullYear()}-${String(at.getMonth() + 1).padStart(2, "0")}-${String(at.getDate()).padStart(2, "0")}`;

const daysAgo = (at) => Math.round((new Date().setHours(0, 0, 0, 0) - new Date(at).setHours(0, 0, 0, 0)) / 86400000);

export function dayName(at) {
  const days = daysAgo(at);
  if (days === 0) return say("today");
  return days === 1 ? say("yesterday") : fullFormat.format(at);
}

function rowTime(at) {
  const days = daysAgo(at);
  if (days <= 0) return clock(at);
  if (days === 1) return say("yesterdaySmall");
  if (days < 7) return weekdayFormat.format(at).replace(/^./, (letter) => letter.toUpperCase());
  return at.getFullYear() === new Date().getFullYear() ? dateFormat.format(at) : at.toLocaleDateString(language);
}

/* What is promised for another day is said by its day: tomorrow's 10:37 is not today's. */
const dueTime = (at) => (daysAgo(at) === 0 ? clock(at) : dateFormat.format(at));

function waited(since) {
  const minutes = Math.max(1, Math.floor((Date.now() - since) / 60000));
  if (minutes < 60) return say("minutes", { n: minutes });
  return minutes < 48 * 60 ? say("hours", { n: Math.floor(minutes / 60) }) : say("days", { n: Math.floor(minutes / 1440) });
}

/* "Sent|Sent 1763890000000": the tooltip's times, said in the viewer's own zone. */
const stations = (raw) =>
  raw.split("|").map((part) => part.replace(/\d{12,}$/, (at) => clockWithSeconds(new Date(Number(at))))).join(" · ");

const write = (element, text) => element.textContent !== text && (element.textContent = text);

export function freshen(root = document) {
  for (const time of root.querySelectorAll("time[data-format=row]")) write(time, rowTime(new Date(time.dateTime)));
  for (const time of root.querySelectorAll("time[data-format=due]")) write(time, dueTime(new Date(time.dateTime)));
  for (const clock of root.querySelectorAll("[data-since]")) write(clock, waited(Number(clock.dataset.since)));
  for (const mark of root.querySelectorAll("[data-until]")) mark.classList.toggle("overdue", Date.now() > Number(mark.dataset.until));
  if (isElsewhere) for (const mark of root.querySelectorAll("[data-stations]")) mark.title = stations(mark.dataset.stations);
  if (isElsewhere) for (const time of root.querySelectorAll("time[data-format=clock]")) write(time, clock(new Date(time.dateTime)));
}

freshen();
setInterval(() => freshen(), 30000);
