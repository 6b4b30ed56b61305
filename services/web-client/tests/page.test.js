// The page as files: what a browser loads, and what its policy allows.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

const PAGE = new URL("../src/web_client/page/", import.meta.url);
const FILES = readdirSync(PAGE, { recursive: true, withFileTypes: true })
  .filter((each) => each.isFile())
  .map((each) => `${each.parentPath}/${each.name}`.slice(decodeURIComponent(PAGE.pathname).length).replace(/^\//, ""));
/** @param {string} path */
const read = (path) => readFileSync(new URL(path, PAGE), "utf-8");
const HTML = read("index.html");

test("every script that a page in English needs at first is loaded at once, none after another", () => {
  const scripts = FILES.filter((path) => path.endsWith(".js") && !["js/main.js", "js/notices.js", "js/sentences.js", "js/ui/help.js", "js/ui/room-menu.js"].includes(path)).sort();
  const preloaded = [...HTML.matchAll(/rel="modulepreload" href="([^"]+)"/g)].map(([, path]) => path);
  assert.deepEqual(preloaded, scripts);
});

test("the page holds to its policy: no script, style or address that isn't its own", () => {
  assert.ok(!/<style|style=|\son\w+=|<script(?![^>]* src=)/.test(HTML));
  for (const path of FILES.filter((each) => /\.(js|css|html|json|webmanifest)$/.test(each))) {
    assert.ok(!/https?:\/\/(?!www\.w3\.org\/2000\/svg)[\w.-]+/.test(read(path).replaceAll(/^.*\/\/ .*$/gm, "")), path);
    assert.ok(!/url\(|@import|data:/.test(path.endsWith(".css") ? read(path) : ""), path);
  }
});

test("nothing that others wrote can become markup or a program", () => {
  for (const path of FILES.filter((each) => each.endsWith(".js"))) {
    assert.ok(!/\.(innerHTML|outerHTML|srcdoc)\b|insertAdjacentHTML|document\.write|\beval\(|new Function|DOMParser/.test(read(path)), path);
  }
});
