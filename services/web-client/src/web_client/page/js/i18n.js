// The page's language: texts stand in the sources in English; a catalogue has the others (`make catalogues`).

/** What may be chosen, and how each calls itself. */
export const LANGUAGES = { en: "English", ja: "日本語" };

/** @type {Record<string, string>} */
let catalogue = {};
let chosen = "en";
/** How dates are written: the reader's own kind of the language. */
let locale = "en";
/** What relays say, by their codes; nothing in English, which they speak. @type {Record<string, string>} */
let known = {};

/** Which of `LANGUAGES` is chosen. */
export const language = () => chosen;

/**
 * Find the first language that there is, as a browser lists them; else English.
 *
 * @param {readonly string[]} wanted
 */
export function bestLanguage(wanted) {
  const found = wanted.map((tag) => tag.toLowerCase().split("-")[0] ?? "").find((tag) => tag in LANGUAGES);
  return found ?? "en";
}

/**
 * @param {string} tag
 * @param {Record<string, string>} texts by their English ones
 * @param {readonly string[]} wanted as a browser lists them
 * @param {Record<string, string>} [sentences] that relays say in English, by their codes
 */
export function useLanguage(tag, texts, wanted, sentences = {}) {
  chosen = tag;
  known = sentences;
  locale = wanted.find((each) => each.toLowerCase().split("-")[0] === tag) ?? tag;
  catalogue = texts;
}

/**
 * Return a text in the chosen language, with its fields filled in.
 *
 * @param {string} text
 * @param {Record<string, string | number>} [fields]
 */
export const _ = (text, fields) => fill(catalogue[text] ?? text, fields);

/**
 * Return what a code of the relay says in the chosen language; null if that isn't known, or is English.
 *
 * @param {unknown} code
 * @param {Record<string, any>} fields
 */
export function coded(code, fields) {
  const text = Object.hasOwn(known, String(code)) ? known[String(code)] : undefined;
  return text === undefined ? null : _(text, fields);
}

/**
 * Do the same with a label of the window, which marks its access key by &.
 *
 * @param {string} text
 */
export const L_ = (text) => (catalogue[text] ?? text).replace(/\(&\w\)|&(?=\w)/g, "").replace(/\.\.\.$/, "…");

/**
 * Return the text for so many.
 *
 * @param {string} one
 * @param {string} many
 * @param {number} count
 * @param {Record<string, string | number>} [fields]
 */
export const ngettext = (one, many, count, fields) => fill(catalogue[one] ?? (count === 1 ? one : many), { count, ...fields });

/**
 * Mark a text for the catalogues that `_` gets to see later.
 *
 * @param {string} text
 */
export const N_ = (text) => text;

/**
 * @param {string} text
 * @param {Record<string, string | number>} [fields]
 */
function fill(text, fields) {
  return fields ? text.replace(/\{(\w+)\}/g, (whole, name) => String(fields[name] ?? whole)) : text;
}

/**
 * @param {number} at in milliseconds since 1970
 */
export const clock = (at) => new Date(at).toLocaleTimeString(locale, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

/**
 * @param {number} at in milliseconds since 1970
 */
export const day = (at) => new Date(at).toLocaleDateString(locale, { weekday: "long", year: "numeric", month: "long", day: "numeric" });
