// @ts-check
// What the stage says, in the language that the kernel has chosen. The English sentence is the key;
// `make words` collects all of them.
/** @import { Words } from "./protocol.js" */

/** @type {Words} */
let words = {};

/**
 * Chooses the language, by what the sentences become in it; nothing, for English.
 * @param {Words | undefined} chosen
 */
export function speak(chosen) {
  words = chosen ?? {};
}

/**
 * A sentence, with the values in the places that it names: t("row {row}", { row: 3 }).
 * @param {string} message
 * @param {Record<string, string | number>} [values]
 */
export function t(message, values = {}) {
  const translated = words[message];
  return filled(typeof translated === "string" ? translated : message, message, values);
}

/**
 * The sentence for so many; its place {count} is the number.
 * @param {string} one
 * @param {string} many
 * @param {number} count
 * @param {Record<string, string | number>} [values]
 */
export function n(one, many, count, values = {}) {
  const english = count === 1 ? one : many;
  const translated = words[one];
  // Rules of plurals look at the last two digits: beyond the numbers that were told they repeat.
  const form =
    typeof translated === "object" &&
    translated.forms[translated.of[count < translated.of.length ? count : 100 + (count % 100)]];
  return filled(form || english, english, { count, ...values });
}

/**
 * A translation that names what there is not is passed over for the English sentence.
 * @param {string} translated
 * @param {string} english
 * @param {Record<string, string | number>} values
 */
function filled(translated, english, values) {
  const places = /\{(\w+)\}/g;
  const fits = [...translated.matchAll(places)].every(([, name]) => name in values);
  return (fits ? translated : english).replace(places, (place, name) =>
    name in values ? String(values[name]) : place,
  );
}
