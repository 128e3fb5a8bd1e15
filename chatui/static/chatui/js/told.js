/* Notices of calls: each stays until it is read or put away, in any of the person's tabs. */
import { adopt, onFrame } from "./frames.js";
import { noticeCall } from "./notices.js";
import { post } from "./post.js";
import { isReadHere } from "./thread.js";

const tray = document.getElementById("told-tray");
const cardOf = (uuid) => tray?.querySelector(`[data-told="${uuid}"]`);

onFrame("live-told", (statement) => {
  const fresh = statement.querySelector("[data-told]");
  if (!tray || !fresh || cardOf(fresh.dataset.told)) return;
  // Who looks at the thread sees the call itself.
  if (isReadHere(Number(fresh.dataset.conversation))) return putAway(fresh);
  tray.prepend(adopt(fresh));
  fresh.classList.add("arriving");
  noticeCall(fresh);
});

onFrame("live-told-seen", (statement) => takeOut(cardOf(statement.getAttribute("uuid"))));

function takeOut(card) {
  if (!card) return;
  const hadFocus = card.contains(document.activeElement);
  const next = card.nextElementSibling ?? card.previousElementSibling;
  card.remove();
  // Somebody who works by keyboard stays where they were.
  if (hadFocus) next?.querySelector("button")?.focus();
}

/* The page may be left at once: the request goes on without it. */
function putAway(card) {
  post(card.dataset.seen, {}, { keepalive: true }).catch(() => {});
}

document.addEventListener("click", (event) => {
  const card = event.target.closest?.("[data-told-link]")?.closest("[data-told]");
  if (card) putAway(card);
});
