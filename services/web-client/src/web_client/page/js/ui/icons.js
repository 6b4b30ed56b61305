// The pictures on buttons, the same as in the window: drawn in the colour of the text around them.

const NAMESPACE = "http://www.w3.org/2000/svg";

/** Lines; what begins with a sign # is filled, too. @type {Record<string, string[]>} */
const PATHS = {
  back: ["m14.5 5-7 7 7 7"],
  close: ["m6 6 12 12M18 6 6 18"],
  down: ["m5 9 7 7 7-7"],
  empty: ["M20 14.5a2.5 2.5 0 0 1-2.5 2.5H9l-4.5 3.5v-14A2.5 2.5 0 0 1 7 4h10.5A2.5 2.5 0 0 1 20 6.5z", "M8.5 9h7M8.5 12.5h4.5"],
  host: ["#m12 3.5 2.6 5.4 5.9.8-4.3 4.1 1.1 5.9L12 16.9l-5.3 2.8 1.1-5.9L3.5 9.7l5.9-.8z"],
  lock: ["#M6.5 10.5h11a2 2 0 0 1 2 2v6a2 2 0 0 1-2 2h-11a2 2 0 0 1-2-2v-6a2 2 0 0 1 2-2z", "M8 10.5v-3a4 4 0 0 1 8 0v3"],
  more: ["#M12 4.2a.8.8 0 1 1 0 1.6.8.8 0 0 1 0-1.6zM12 11.2a.8.8 0 1 1 0 1.6.8.8 0 0 1 0-1.6zM12 18.2a.8.8 0 1 1 0 1.6.8.8 0 0 1 0-1.6z"],
  muted: ["M9.2 9.2v2.3a2.9 2.9 0 0 0 4.7 2.3M15 11V6a3 3 0 0 0-5.7-1.3M5.5 11a6.5 6.5 0 0 0 10.8 4.9M18.5 11a6.5 6.5 0 0 1-.4 2.3M12 17.5V21M3.5 3.5l17 17"],
  people: ["M9 4.6a3.4 3.4 0 1 1 0 6.8 3.4 3.4 0 0 1 0-6.8z", "M2.8 19.5c.5-3.6 2.9-5.6 6.2-5.6s5.7 2 6.2 5.6M15.5 5a3.2 3.2 0 0 1 0 6.1M17.3 14.3c2.2.7 3.6 2.5 3.9 5.2"],
  plus: ["M12 5v14M5 12h14"],
  quiet: ["M6.5 9.5a5.5 5.5 0 0 1 9-4.2M17.5 10c0 4.8 2 6 2 6H8.5M6.4 11.5C6.1 14.9 4.5 16 4.5 16M10.2 19.5a2 2 0 0 0 3.6 0M3.5 3.5l17 17"],
  send: ["M20.5 3.5 10 14M20.5 3.5 14 21l-4-7-7-4z"],
};

/**
 * Draw a picture; it says nothing to screen readers.
 *
 * @param {string} name
 */
export function icon(name) {
  const drawn = document.createElementNS(NAMESPACE, "svg");
  drawn.setAttribute("viewBox", "0 0 24 24");
  drawn.setAttribute("aria-hidden", "true");
  drawn.classList.add("picture");
  for (const line of PATHS[name] ?? []) {
    const path = document.createElementNS(NAMESPACE, "path");
    if (line.startsWith("#")) path.classList.add("filled");
    path.setAttribute("d", line.replace("#", ""));
    drawn.append(path);
  }
  return drawn;
}
