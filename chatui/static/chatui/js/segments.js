/* GSM 03.38 arithmetic, the twin of server/sms.py: tests hold the two against each other. */
const BASIC = new Set("@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà");
const EXTENDED = new Set("^{}\\[~]|€\f");
const NEAR = { ő: "ö", Ő: "Ö", ű: "ü", Ű: "Ü" };
const PLAIN = {
  "\u2018": "'", "\u2019": "'", "\u201a": ",", "\u201b": "'", "\u201c": '"', "\u201d": '"', "\u201e": '"', "\u201f": '"',
  "\u00ab": '"', "\u00bb": '"', "\u2010": "-", "\u2011": "-", "\u2012": "-", "\u2013": "-", "\u2014": "-", "\u2015": "-",
  "\u2026": "...", "\u00a0": " ", "\u2007": " ", "\u2009": " ", "\u202f": " ", "\u200b": "", "\ufeff": "",
  "\t": " ", "`": "'", "\u00b4": "'", "\u2022": "-",
};
export const MAX_SEGMENTS = 10;

const isGsm = (character) => BASIC.has(character) || EXTENDED.has(character);

export function count(text) {
  const characters = [...text];
  const costly = [...new Set(characters.filter((character) => !isGsm(character)))];
  const gsm = costly.length === 0;
  const widths = characters.map((character) => (gsm ? (EXTENDED.has(character) ? 2 : 1) : character.length));
  const [single, multi] = gsm ? [160, 153] : [70, 67];
  const units = widths.reduce((sum, width) => sum + width, 0);
  const segments = units <= single ? 1 : split(widths, multi);
  return { gsm, units, segments, capacity: segments === 1 ? single : segments * multi, costly };
}

export function unaccent(text) {
  return [...text.normalize("NFC")].map((character) => PLAIN[character] ?? character).join("").replace(/[^]/gu, (character) => (isGsm(character) ? character : withoutAccent(character)));
}

/* As a company that saves accents sends it; as it is where something else needs UCS-2 anyway. */
export function savingAccents(text) {
  const plain = unaccent(text);
  return [...plain].every(isGsm) ? plain : text;
}

function withoutAccent(character) {
  if (NEAR[character]) return NEAR[character];
  const plain = character.normalize("NFKD").replace(/\p{M}/gu, "");
  return plain && [...plain].every(isGsm) ? plain : character;
}

function split(widths, capacity) {
  let segments = 1;
  let used = 0;
  for (const width of widths) {
    if (used + width > capacity) {
      segments += 1;
      used = 0;
    }
    used += width;
  }
  return segments;
}
