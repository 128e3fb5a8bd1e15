/* The few words that scripts say themselves; they come translated in the page. */
const said = document.getElementById("words")?.dataset ?? {};

export function say(key, values = {}) {
  return Object.entries(values).reduce((text, [name, value]) => text.replace(`%(${name})s`, value), said[key] ?? key);
}

export const language = document.documentElement.lang || "hu";
export const me = Number(document.body.dataset.user);
