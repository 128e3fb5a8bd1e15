// The page works without this file; with it the phone is live and sending does not reload.
const ASK_EVERY = 1500;
const page = document.querySelector("[data-live]");
const write = document.querySelector("#write");
const typed = write.elements.body;
let version = page.dataset.version;

function texts() {
  return page.querySelector(".texts");
}

function toEnd() {
  const list = texts();
  if (list) list.scrollTop = list.scrollHeight;
}

const clocks = {
  minutes: new Intl.DateTimeFormat(document.documentElement.lang, { hour: "numeric", minute: "2-digit", hourCycle: "h23" }),
  seconds: new Intl.DateTimeFormat(document.documentElement.lang, { hour: "numeric", minute: "2-digit", second: "2-digit", hourCycle: "h23" }),
};

function tellDuration() {
  for (const time of page.querySelectorAll("time[data-since]")) {
    const seconds = Math.max(0, Math.floor((Date.now() - new Date(time.dataset.since)) / 1000));
    time.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  }
}

// In the viewer's own zone, as the messenger shows them.
function tellTime() {
  for (const time of page.querySelectorAll("time[data-clock]")) {
    const at = time.dateTime ? new Date(time.dateTime) : new Date();
    const text = clocks[time.dataset.clock].format(at).replace(/^0(?=\d)/, "");
    if (time.textContent !== text) time.textContent = text;
  }
}

function show(html) {
  const fresh = document.createElement("template");
  fresh.innerHTML = html;
  const list = texts();
  const wasAtEnd = !list || list.scrollHeight - list.scrollTop - list.clientHeight < 80;
  const from = list ? list.scrollTop : 0;
  for (const part of fresh.content.querySelectorAll("[data-part]")) {
    const place = page.querySelector(`[data-part="${part.dataset.part}"]`);
    // Who is just using a switch by keyboard keeps the focus.
    const focused = place.contains(document.activeElement) ? document.activeElement.getAttribute("name") + "=" + document.activeElement.value : "";
    place.replaceChildren(...part.childNodes);
    if (part.dataset.version) version = part.dataset.version;
    if (focused) {
      const [name] = focused.split("=");
      const again = [...place.querySelectorAll(`[name="${name}"]`)].find((button) => `${name}=${button.value}` === focused || name === "power");
      again?.focus();
    }
  }
  tellTime();
  tellDuration();
  if (wasAtEnd) toEnd();
  else if (texts()) texts().scrollTop = from;
}

async function ask() {
  const where = new URLSearchParams({ number: page.dataset.number, line: page.dataset.line, seen: version, call: page.querySelector("#call [name=call]").value });
  try {
    const answer = await fetch(`${page.dataset.live}?${where}`);
    if (answer.status === 200) show(await answer.text());
    else tellTime();
  } catch {
    // The server is away: the next question may find it again.
  }
}

function csrfToken() {
  // Logging in in the other window changes the token: the one in the page may be stale, and would win over the header.
  return document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] ?? "";
}

async function post(form, submitter) {
  const fields = new FormData(form, submitter);
  fields.delete("csrfmiddlewaretoken");
  const answer = await fetch(form.action, {
    method: "POST",
    body: fields,
    headers: { "X-CSRFToken": csrfToken(), "X-Requested-With": "fetch" },
  });
  if (!answer.ok) return false;
  show(await answer.text());
  return true;
}

page.addEventListener("submit", async (event) => {
  const form = event.target;
  if (form !== write && !form.matches("[data-live-form]")) return;
  event.preventDefault();
  const isText = form === write;
  const isIdea = event.submitter?.name === "idea";
  if (isText && !isIdea && !typed.value.trim()) return typed.focus();
  if (!(await post(form, event.submitter))) return;
  if (isText) {
    if (!isIdea) typed.value = "";
    grow();
    toEnd();
  }
});

function grow() {
  typed.rows = Math.min(5, Math.max(1, typed.value.split("\n").length, Math.ceil(typed.value.length / 32)));
}

typed.addEventListener("input", grow);
typed.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.repeat) return;
  event.preventDefault();
  write.requestSubmit(write.querySelector(".go"));
});

page.querySelector("[data-beside]").addEventListener("click", (event) => {
  // A window of its own on the free side of the screen; where that is refused, the link opens a tab.
  const width = Math.max(760, screen.availWidth - 480);
  const beside = window.open(event.currentTarget.href, "fonal-messenger", `popup,width=${width},height=${screen.availHeight},left=${screen.availWidth - width}`);
  if (beside) event.preventDefault();
});

setInterval(() => document.hidden || ask(), ASK_EVERY);
setInterval(tellDuration, 500);
tellDuration();
document.addEventListener("visibilitychange", () => document.hidden || ask());
toEnd();
tellTime();
