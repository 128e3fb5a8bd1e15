/* Asking what changed: one question at a time, about one a second at most. */
import { applyFrames } from "../frames.js";
import { status } from "../socket.js";
import { found, position } from "./list.js";

const ASK_APART_MS = 1000;
const ASK_EVERY_MS = 5000;

let asking = false;
let asksAgain = false;
let askedAt = 0;
let askTimer;

export function ask() {
  if (asking) asksAgain = true;
  if (asking || askTimer || Number.isNaN(position())) return;
  // Everybody is told in the same moment: they need not all ask in it.
  askTimer = setTimeout(askNow, Math.max(20 + Math.random() * 180, askedAt + ASK_APART_MS - Date.now()));
}

async function askNow() {
  askTimer = undefined;
  const place = found();
  if (!place || document.hidden) return;
  const { query } = place.dataset;
  asking = true;
  askedAt = Date.now();
  try {
    const answer = await fetch(`/messages/changes/?since=${position()}${query && `&${query}`}`, { headers: { "X-Fonal": "frames" }, signal: AbortSignal.timeout(15000) });
    const text = await answer.text();
    // Another filter meanwhile: its rows are drawn later than this.
    if (place === found() && query === place.dataset.query && (answer.ok || answer.status === 401)) applyFrames(text);
  } catch {
    // The next question will tell.
  } finally {
    asking = false;
    if (asksAgain) ask();
    asksAgain = false;
  }
}

document.addEventListener("fonal:told", ({ detail }) => detail > position() && ask());
document.addEventListener("visibilitychange", () => !document.hidden && ask());

/* Where nobody tells: without the chat service, or while the socket is away. */
setInterval(() => {
  if (document.hidden || !found()) return;
  const { isConnected, position: told } = status();
  if (!isConnected || told > position()) ask();
}, ASK_EVERY_MS);
