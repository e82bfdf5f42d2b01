/* What every page's scripts need; comes before them.

   Page.data(name)                          the data that Python embedded under this name
   Page.make(tag, {class, text, …}, …kids)  an element. `text` is its text; `on…` are listeners (onclick: fn); `data-…`,
                                            `aria-…` and all else are attributes; null and false leave one out.
                                            Kids are elements or strings (which become text); null is left out.
   Page.copy(text) → Promise<boolean>       to the clipboard, also where a page was opened from a file
   Page.say(text)                           tells who listens to the page (a live region), and nobody else

   Nothing here takes HTML. */
"use strict";
const Page = (() => {
  function data(name) {
    const element = document.getElementById(name);
    return element === null ? null : JSON.parse(element.textContent);
  }

  function make(tag, attributes = {}, ...kids) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value === null || value === undefined || value === false) continue;
      if (name === "text") element.textContent = value;
      else if (name.startsWith("on") && typeof value === "function") element.addEventListener(name.slice(2), value);
      else if (name.startsWith("on")) throw new TypeError(`${name} takes a function`);
      else element.setAttribute(name, value === true ? "" : value);
    }
    element.append(...kids.flat(Infinity).filter((kid) => kid !== null && kid !== undefined && kid !== false));
    return element;
  }

  async function copy(text) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // Without leave to use the clipboard, as in some browsers for a file: the old way, from a field of our own.
      const before = document.activeElement;
      const field = make("textarea", { class: "unseen", "aria-hidden": "true", tabindex: "-1" });
      field.value = text;
      document.body.append(field);
      field.select();
      const done = document.execCommand("copy");
      field.remove();
      if (before instanceof HTMLElement) before.focus({ preventScroll: true });
      return done;
    }
  }

  let ear = null;
  function say(text) {
    if (ear === null) {
      ear = make("div", { class: "unseen", role: "status", "aria-live": "polite" });
      document.body.append(ear);
    }
    ear.textContent = text;
  }

  return Object.freeze({ data, make, copy, say });
})();
