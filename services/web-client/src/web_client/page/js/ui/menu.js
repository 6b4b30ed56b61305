// A menu beside what opened it: by pointer, by keyboard and for screen readers alike.

import { button, h } from "./dom.js";

/** @typedef {{ label: string, press: () => void, danger?: boolean, disabled?: boolean } | "line"} Item */

/** How far a menu stays away from the page's edges, in pixels. */
const MARGIN = 8;

/**
 * Open a menu.
 *
 * @param {HTMLElement} anchor gets the focus back
 * @param {string} label
 * @param {Item[]} items
 * @param {{ x: number, y: number }} [at] where the pointer is, else below the anchor
 */
export function openMenu(anchor, label, items, at) {
  const buttons = items.map((item) => item === "line" ? h("div", { role: "separator" }) : button(() => {
    close();
    item.press();
  }, { role: "menuitem", tabindex: "-1", class: item.danger ? "danger" : "", disabled: item.disabled ?? false }, item.label));
  const menu = h("div", { class: "menu", role: "menu", "aria-label": label, popover: "auto" }, ...buttons);
  const pressable = buttons.filter((each) => each instanceof HTMLButtonElement && !each.disabled);
  const close = () => {
    menu.hidePopover();
    anchor.focus();
  };
  menu.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const now = pressable.indexOf(/** @type {HTMLButtonElement} */ (document.activeElement));
    const next = step ? (now + step + pressable.length) % pressable.length : { Home: 0, End: pressable.length - 1 }[event.key];
    if (event.key === "Tab") close();
    if (next === undefined) return;
    event.preventDefault();
    pressable[next]?.focus();
  });
  menu.addEventListener("toggle", (event) => {
    if (/** @type {ToggleEvent} */ (event).newState !== "closed") return;
    anchor.setAttribute("aria-expanded", "false");
    if (menu.contains(document.activeElement)) anchor.focus();
    menu.remove();
  });
  (anchor.closest("dialog, main, nav") ?? document.body).append(menu);
  menu.showPopover();
  anchor.setAttribute("aria-expanded", "true");
  place(menu, anchor.getBoundingClientRect(), at);
  pressable[0]?.focus();
}

/**
 * @param {HTMLElement} menu
 * @param {DOMRect} anchor
 * @param {{ x: number, y: number }} [at]
 */
function place(menu, anchor, at) {
  const { offsetWidth: width, offsetHeight: height } = menu;
  const left = at ? at.x : anchor.right - width;
  const below = at ? at.y : anchor.bottom + 4;
  const top = below + height > innerHeight - MARGIN ? (at ? at.y : anchor.top) - height - 4 : below;
  menu.style.left = `${Math.max(MARGIN, Math.min(left, innerWidth - width - MARGIN))}px`;
  menu.style.top = `${Math.max(MARGIN, top)}px`;
}
