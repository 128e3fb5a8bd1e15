/* Frames: HTML that says where it goes. A frame that nobody here shows is ignored. */
const handlers = new Map();
let drawnAt = 0;

export function onFrame(name, handler) {
  handlers.set(name, handler);
}

export function applyFrames(text) {
  const template = document.createElement("template");
  template.innerHTML = text;
  drawnAt = Number(template.content.querySelector("live-position, live-drawn")?.getAttribute("number") ?? drawnAt);
  const statements = [...template.content.children];
  for (const statement of statements) {
    try {
      handlers.get(statement.localName)?.(statement);
    } catch (problem) {
      // One bad message can't break the page.
      console.error(statement.localName, problem);
    }
  }
  // Lists that ask for their own rows hear how far the others are; an export's progress changes none of them.
  if (statements.some(({ localName }) => localName === "live-row" || localName === "live-calls")) document.dispatchEvent(new CustomEvent("fonal:told", { detail: drawnAt }));
}

/* An answer may come in after a live frame that knows more: the older picture gives way.
   Stamps the fresh element with the event number it was drawn at; true when the old one is newer. */
export function isOutdated(fresh, old) {
  if (Number(old?.dataset.drawn ?? 0) > drawnAt) return true;
  fresh.dataset.drawn = drawnAt;
  return false;
}

/* Our own elements are not htmx's until it is told. */
export function adopt(element) {
  window.htmx?.process(element);
  return element;
}
