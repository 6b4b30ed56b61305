// How elements are made: by their properties and as text, never by markup.

/**
 * Make an element. Of the properties ``class``, ``text`` and ``on`` are special; one that is false or undefined is left
 * out, and one that is true has no value.
 *
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, any>} [properties]
 * @param {...(Node | string | null | undefined | false)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "text") made.textContent = value;
    else if (name === "on") for (const [type, listener] of Object.entries(value)) made.addEventListener(type, listener);
    else if (value !== false && value !== undefined) made.setAttribute(name, value === true ? "" : String(value));
  }
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

/**
 * Make a button that sends no form.
 *
 * @param {() => void} press
 * @param {Record<string, any>} properties
 * @param {...(Node | string | null | undefined | false)} children
 */
export const button = (press, properties, ...children) =>
  h("button", { type: "button", on: { click: press }, ...properties }, ...children);

/**
 * Make a button with a picture alone; its label is for tooltips and screen readers.
 *
 * @param {string} label
 * @param {Node} picture
 * @param {() => void} press
 * @param {Record<string, any>} [more]
 */
export const iconButton = (label, picture, press, more = {}) =>
  button(press, { class: "icon", "aria-label": label, title: label, ...more }, picture);

/**
 * Collect what is to be done before the next picture, and do it once.
 *
 * @param {() => void} work
 */
export function once(work) {
  let isPlanned = false;
  return () => {
    if (isPlanned) return;
    isPlanned = true;
    const run = () => {
      if (!isPlanned) return;
      isPlanned = false;
      work();
    };
    requestAnimationFrame(run);
    setTimeout(run, 200); // a hidden page draws no pictures
  };
}
