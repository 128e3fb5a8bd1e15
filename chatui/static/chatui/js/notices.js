/* A desktop notice and a sound, if this person asked for them on this device; once, whatever the number of tabs. */
import { isReadHere } from "./thread.js";
import { me } from "./words.js";

const KEY = { notices: "fonal.notices", sound: "fonal.sound", last: "fonal.last-notice", calls: "fonal.call-notices" };
const isOn = (name) => localStorage.getItem(KEY[name]) === "on";
let audio;

/* Browsers let a page sound only after a first gesture. */
addEventListener("pointerdown", () => isOn("sound") && (audio ??= new AudioContext()), { once: true });

export function noticeInbound(row) {
  const id = Number(row.dataset.id);
  const isMine = !row.dataset.assignee || Number(row.dataset.assignee) === me;
  const mark = `${id}:${row.dataset.inbound}`;
  if (!isMine || isReadHere(id) || localStorage.getItem(KEY.last) === mark) return;
  localStorage.setItem(KEY.last, mark);
  if (isOn("sound")) ring();
  if (isOn("notices") && Notification?.permission === "granted") show(row, id);
}

function show(row, id) {
  shout({ title: row.querySelector(".who span").textContent, body: row.querySelector(".last").textContent.trim(), tag: `fonal-${id}`, link: row.querySelector("a") });
}

/* Of a call that this person is told of; several may come at once, and each tab hears of each. */
export function noticeCall(card) {
  const heard = JSON.parse(localStorage.getItem(KEY.calls) ?? "[]");
  const { told } = card.dataset;
  if (heard.includes(told)) return;
  localStorage.setItem(KEY.calls, JSON.stringify([...heard, told].slice(-50)));
  if (isOn("sound")) ring();
  const link = card.querySelector("[data-told-link]");
  if (isOn("notices") && Notification?.permission === "granted") shout({ title: link.querySelector("strong").textContent, body: link.querySelector(".said").innerText, tag: `fonal-call-${told}`, link });
}

function shout({ title, body, tag, link }) {
  const notice = new Notification(title, { body, tag });
  notice.onclick = () => {
    window.focus();
    link.click();
    notice.close();
  };
}

export function ring() {
  audio ??= new AudioContext();
  const [oscillator, gain] = [audio.createOscillator(), audio.createGain()];
  const now = audio.currentTime;
  oscillator.frequency.setValueAtTime(660, now);
  oscillator.frequency.setValueAtTime(880, now + 0.09);
  gain.gain.setValueAtTime(0.0001, now);
  gain.gain.exponentialRampToValueAtTime(0.12, now + 0.02);
  gain.gain.exponentialRampToValueAtTime(0.0001, now + 0.35);
  oscillator.connect(gain).connect(audio.destination);
  oscillator.start(now);
  oscillator.stop(now + 0.4);
}

/* --- The switches on the settings page --- */
for (const box of document.querySelectorAll("[data-notice-switch]")) {
  const name = box.dataset.noticeSwitch;
  box.checked = isOn(name);
  box.addEventListener("change", async () => {
    if (name === "notices" && box.checked && (await Notification.requestPermission()) !== "granted") box.checked = false;
    localStorage.setItem(KEY[name], box.checked ? "on" : "off");
  });
}
document.querySelector("[data-notice-test]")?.addEventListener("click", () => {
  ring();
  if (isOn("notices") && Notification.permission === "granted") new Notification("Fonal", { body: "✓" });
});
