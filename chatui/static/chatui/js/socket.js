/* The live connection: one socket a tab, what was missed after a break, and asking where no socket can be had. */
import { applyFrames, onFrame } from "./frames.js";
import { loadAnew, loadAnewWhenWritten } from "./reload.js";
import { clockWithSeconds } from "./times.js";
import { say } from "./words.js";

const QUIET_MS = 4000;
const SILENCE_MS = 50000;
const ASK_EVERY_MS = 4000;
const TOO_MANY_TABS = 4409;
// Logged out, or no longer allowed: a fresh page tells which.
const CLOSED_TO_US = new Set([4401, 4403, 401, 403]);

/* Without chat nothing is shown live: the page only hears when it must be loaded anew. */
const services = document.body.dataset.live;
const hasView = services === "chat";
const bar = document.getElementById("bar");
let position = Number(document.body.dataset.position);
let open = null;
let socket = null;
let attempt = 0;
let everOpened = false;
let brokeAt = 0;
let updatedAt = new Date();
let silence, barTimer, asking, retryTimer;

export function connect() {
  clearTimeout(retryTimer);
  const url = new URL(hasView ? "/ws/" : `/ws/?with=${services}`, location.href);
  url.protocol = url.protocol.replace("http", "ws");
  const current = new WebSocket(url);
  socket = current;
  current.onopen = () => {
    everOpened = true;
    tell({ since: position, ...(open ? { open } : {}) });
    hear();
  };
  current.onmessage = ({ data }) => {
    attempt = 0;
    hear();
    applyFrames(data);
  };
  current.onclose = ({ code }) => {
    if (socket !== current) return;
    clearTimeout(silence);
    if (CLOSED_TO_US.has(code)) return loadAnew();
    if (code === TOO_MANY_TABS) return askInstead();
    if (!brokeAt) brokeAt = Date.now();
    if (hasView) barTimer ??= setTimeout(showTrouble, QUIET_MS);
    if (!everOpened && attempt >= 2) askInstead();
    attempt += 1;
    retryTimer = setTimeout(connect, Math.min(30000, 400 * 2 ** Math.min(attempt, 7)) * (0.7 + Math.random() * 0.6));
  };
}

/* What this tab shows: the server tells only those who look. `since` is where its page was drawn: what happened
   between that and now may have been told while nobody looked, so it is always said. */
export function look(conversation, since) {
  open = conversation || null;
  // 0 is a number, too: the company's very first event may be the one that was told to nobody.
  tell(since === undefined ? { open } : { open, since });
}

export const tellTyping = (conversation) => tell({ typing: conversation });

function tell(statement) {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(statement));
}

function hear() {
  clearTimeout(silence);
  // Nothing for two heartbeats: the line is dead though nobody said so.
  silence = setTimeout(() => socket?.close(), SILENCE_MS);
}

function showTrouble() {
  bar.className = "bar";
  bar.textContent = asking ? say("asking") : say("reconnecting", { time: clockWithSeconds(updatedAt) });
  bar.hidden = false;
}

function allIsWell(missed) {
  clearTimeout(barTimer);
  barTimer = undefined;
  clearInterval(asking);
  asking = undefined;
  const wasShown = !bar.hidden;
  const wasLong = brokeAt && Date.now() - brokeAt > QUIET_MS;
  brokeAt = 0;
  bar.hidden = true;
  if (missed > 0 && (wasShown || wasLong)) {
    bar.className = "bar good";
    bar.textContent = missed === 1 ? say("caughtUpOne") : say("caughtUp", { n: missed });
    bar.hidden = false;
    setTimeout(() => (bar.hidden = true), 3000);
  }
}

/* The page still works by HTTP: ask for the same frames every few seconds, and say so. */
function askInstead() {
  if (asking || !hasView) return;
  asking = setInterval(async () => {
    if (document.hidden) return;
    const query = new URLSearchParams({ since: position, ...(open ? { open } : {}) });
    try {
      const answer = await fetch(`/live/?${query}`, { headers: { "X-Fonal": "frames" } });
      if (CLOSED_TO_US.has(answer.status)) return loadAnew();
      if (answer.ok) applyFrames(await answer.text());
    } catch {
      // The next question will tell.
    }
  }, ASK_EVERY_MS);
  showTrouble();
}

onFrame("live-position", (statement) => {
  position = Math.max(position, Number(statement.getAttribute("number")));
  updatedAt = new Date();
  if (socket?.readyState === WebSocket.OPEN && (brokeAt || asking || barTimer)) allIsWell(Number(statement.getAttribute("messages") ?? 0));
});
onFrame("live-reload", loadAnewWhenWritten);
onFrame("live-log-in", loadAnew);

// A laptop wakes up: don't wait for the timer.
addEventListener("online", () => socket?.readyState === WebSocket.CLOSED && connect());
document.addEventListener("visibilitychange", () => !document.hidden && socket?.readyState === WebSocket.CLOSED && connect());
// For tests and for the curious: the address of what the page has.
export const status = () => ({ position, open, isConnected: hasView && socket?.readyState === WebSocket.OPEN, isAsking: Boolean(asking) });
window.fonal = { status, drop: () => socket?.close() };
