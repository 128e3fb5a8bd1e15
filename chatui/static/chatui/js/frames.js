/* Frames: HTML that says where it goes. A frame that nobody here shows is ignored. */
const handlers = new Map();

export function onFrame(name, handler) {
  handlers.set(name, handler);
}

export function applyFrames(text) {
  const template = document.createElement("template");
  template.innerHTML = text;
  for (const statement of [...template.content.children]) {
    try {
      handlers.get(statement.localName)?.(statement);
    } catch (problem) {
      // One bad message can't break the page.
      console.error(statement.localName, problem);
    }
  }
}

/* Our own elements are not htmx's until it is told. */
export function adopt(element) {
  window.htmx?.process(element);
  return element;
}
