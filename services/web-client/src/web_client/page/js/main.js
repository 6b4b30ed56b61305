// The page begins here. A part of it may not come, for the network just changed or the server is busy: it is asked for
// again, and in the end a person learns it.

/** Before each attempt this pause, in milliseconds. */
const PAUSES = [0, 300, 1500, 4000];

/** @param {HTMLLinkElement} link */
function isThere({ sheet }) {
  try {
    return Boolean(sheet?.cssRules.length);
  } catch {
    return false; // what a browser has in its place may not be read
  }
}

/**
 * Ask again for a style that didn't come.
 *
 * @param {HTMLLinkElement} link
 */
async function style(link) {
  if (isThere(link)) return;
  const again = /** @type {HTMLLinkElement} */ (link.cloneNode());
  await new Promise((then) => {
    again.onload = again.onerror = then;
    link.replaceWith(again);
  });
  if (!isThere(again)) throw new Error(`${link.href} didn't come.`);
}

async function load() {
  for (const pause of PAUSES) {
    await new Promise((then) => setTimeout(then, pause * (0.5 + Math.random()))); // not all of a crowd at once
    try {
      /** @type {NodeListOf<HTMLLinkElement>} */
      const links = document.querySelectorAll('link[rel="stylesheet"]');
      const [start] = await Promise.all([import("./start.js"), ...[...links].map(style)]);
      return await start.load();
    } catch (error) {
      console.warn(error);
    }
  }
  throw new Error("A part of the page didn't come.");
}

const notice = /** @type {HTMLElement} */ (document.getElementById("unfinished"));
try {
  (await load())();
  notice.remove();
} catch (error) {
  console.error(error);
  const reload = document.createElement("button");
  reload.textContent = "Reload ・ 再読み込み";
  reload.addEventListener("click", () => location.reload());
  notice.append(reload);
  notice.classList.add("sure");
}
