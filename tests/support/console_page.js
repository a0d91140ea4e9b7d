/*
 * console_page.js - runs the console's script without a browser.
 *
 *   node tests/support/console_page.js URL <ACTIONS
 *
 * The page comes from the server at URL, as a browser would get it. ACTIONS is
 * JSON, a list of forms to submit: [{"form":"stock","fields":{"products":"A"}}].
 * Prints, as JSON, what each of them showed, cells divided by "|". Knows of the
 * DOM only what the page uses; anything else it touches is an error.
 */
"use strict";

const fs = require("fs");
const vm = require("vm");

const base = process.argv[2];

class Element {
  constructor(name) {
    this.name = name;
    this.children = [];
    this.attributes = {};
    this.listeners = {};
    this.className = "";
    this.text = "";
    this.value = "";
  }
  get textContent() {
    return this.text + this.children.map((child) => child.textContent).join("");
  }
  set textContent(value) {
    this.text = String(value);
    this.children = [];
  }
  append(...children) { this.children.push(...children); }
  replaceChildren(...children) { this.text = ""; this.children = children; }
  addEventListener(type, listener) { this.listeners[type] = listener; }
  setAttribute(name, value) { this.attributes[name] = value; }
  removeAttribute(name) {
    delete this.attributes[name];
    if (name === "aria-busy" && this.settled) this.settled();
  }
  /* Resolved when the page has filled this element. */
  filled() { return new Promise((resolve) => { this.settled = resolve; }); }
  /* The text as people see it: a line for each row, paragraph and caption. */
  show() {
    if (this.name === "tr") return this.children.map((cell) => cell.show()).join("|") + "\n";
    if (this.name === "td" && this.children.length > 0) {
      return this.children.map((line) => line.textContent).join(" ");
    }
    const own = this.text + this.children.map((child) => child.show()).join("");
    return ["p", "caption"].includes(this.name) ? own + "\n" : own;
  }
}

/* Make the elements that have an id, and the fields of forms by their names. */
function readPage(html) {
  const elements = {};
  for (const [, name, id] of html.matchAll(/<(\w+)[^>]*? id="([^"]+)"/g)) {
    elements[id] = new Element(name);
  }
  for (const [, id, inside] of html.matchAll(/<form id="([^"]+)">(.*?)<\/form>/gs)) {
    elements[id].elements = {};
    for (const [tag, name] of inside.matchAll(/<input name="([^"]+)"[^>]*>/g)) {
      const field = new Element("input");
      field.isCheck = tag.includes('type="checkbox"');
      field.checked = / checked/.test(tag);
      field.value = field.isCheck ? "on" : (tag.match(/ value="([^"]*)"/) || ["", ""])[1];
      elements[id].elements[name] = field;
    }
  }
  return elements;
}

function makeWindow(elements) {
  const storage = new Map();
  return {
    document: {
      createElement: (name) => new Element(name),
      getElementById: (id) => elements[id],
    },
    sessionStorage: {
      getItem: (key) => storage.has(key) ? storage.get(key) : null,
      setItem: (key, value) => storage.set(key, String(value)),
    },
    FormData: class {
      constructor(form) { this.form = form; }
      * [Symbol.iterator]() {
        for (const [name, field] of Object.entries(this.form.elements)) {
          if (!field.isCheck || field.checked) yield [name, field.value];
        }
      }
    },
    fetch: (path, options) => fetch(new URL(path, base), options),
    URLSearchParams,
  };
}

async function submit(elements, action) {
  const form = elements[action.form];
  const result = elements[action.form === "access" ? "figures" : action.form + "-result"];
  for (const [name, value] of Object.entries(action.fields || {})) {
    if (form.elements[name].isCheck) form.elements[name].checked = value;
    else form.elements[name].value = value;
  }
  const filled = result.filled();
  form.listeners.submit({ target: form, preventDefault() {} });
  await filled;
  return result.show();
}

async function main() {
  const actions = JSON.parse(fs.readFileSync(0, "utf8"));
  const html = await (await fetch(base)).text();
  const elements = readPage(html);
  const script = html.match(/<script>(.*?)<\/script>/s)[1];
  const begun = elements.figures.filled();
  vm.runInNewContext(script, makeWindow(elements));
  await begun;
  const shown = [elements.figures.show()];
  for (const action of actions) shown.push(await submit(elements, action));
  process.stdout.write(JSON.stringify({
    shown, version: elements.version.textContent,
    environment: elements.access.elements.environment.value,
  }));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
