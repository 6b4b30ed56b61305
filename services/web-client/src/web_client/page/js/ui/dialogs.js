// Questions to a person, and help; each is a real dialog, so that Esc, focus and screen readers work.

import { L_, _ } from "../i18n.js";
import { button, h, iconButton } from "./dom.js";
import { icon } from "./icons.js";

let ids = 0;

/**
 * Ask for a text; null if it is cancelled.
 *
 * @param {{ title: string, label: string, value?: string, type?: string, ok: string, least?: number, limit?: number }} asked
 * @returns {Promise<string | null>}
 */
export async function askText({ title, label, value = "", type = "text", ok, least = 0, limit = 1024 }) {
  const id = `field${++ids}`;
  const field = h("input", {
    id, type, value, minlength: least, maxlength: limit, required: least > 0, spellcheck: "false", autocapitalize: "off",
    autocomplete: type === "password" ? "new-password" : "off",
  });
  return (await show(title, ok, [h("label", { for: id, text: label }), field])) ? field.value : null;
}

/**
 * Ask whether to do something.
 *
 * @param {string} title
 * @param {string} question
 * @param {string} ok
 */
export const confirm = (title, question, ok) => show(title, ok, [h("p", { text: question })], "danger");

/**
 * Show a text to be copied by hand.
 *
 * @param {string} title
 * @param {string} text
 */
export async function showText(title, text) {
  const field = h("input", { type: "text", value: text, readonly: true, "aria-label": title });
  setTimeout(() => field.select());
  await show(title, "", [field]);
}

export async function showHelp() {
  const help = await import("./help.js").catch(() => null);
  await show(_("Keys and commands"), "", help ? help.tables() : [h("p", { text: _("Nothing is heard from the relay.") })]);
}

/**
 * @param {string} title
 * @param {string} ok the button's label; empty if there is nothing to decide
 * @param {(Node | string)[]} content
 * @param {string} [tone]
 * @returns {Promise<boolean>}
 */
function show(title, ok, content, tone = "") {
  const before = /** @type {HTMLElement | null} */ (document.activeElement);
  const id = `title${++ids}`;
  const form = h("form", { method: "dialog" },
    h("header", {}, h("h2", { id, text: title }), iconButton(L_("&Close"), icon("close"), () => dialog.close(), { formnovalidate: true })),
    h("div", { class: "body" }, ...content),
    ok && h("footer", {},
      button(() => dialog.close(), {}, L_("&Cancel")),
      h("button", { type: "submit", class: tone === "danger" ? "primary danger" : "primary", value: "ok", text: ok })));
  const dialog = h("dialog", { "aria-labelledby": id }, form);
  document.body.append(dialog);
  dialog.showModal();
  const first = dialog.querySelector(".body input") ?? dialog.querySelector(ok ? "footer .primary" : "header button");
  /** @type {HTMLElement} */ (first).focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      before?.focus();
      resolve(dialog.returnValue === "ok");
    });
  });
}
