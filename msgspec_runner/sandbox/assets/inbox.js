/* The sandbox's inbox: the list of what arrived, and what people do with it.
   Needs page.js, bubbles.js, arrivals.js, asking.js and faults.js. */
"use strict";
(() => {
  const { make } = Page;
  const { ask } = Asking;
  const $ = (id) => document.getElementById(id);
  const PAGE = 100; // requests of one list
  const wide = matchMedia("(min-width: 56.01rem)");

  const view = { q: "", show: "" };
  const entries = new Map(); // number → entry; what matches view.q, and more states than view.show
  const items = new Map(); // number → <li>
  let held = 500; // entries that are held; more with each "Show older"
  let arriving = null; // what arrives while a list is asked for
  let asked = 0; // lists asked for
  let older = null; // where the next list begins
  let chosen = null; // number of the request that is inspected
  let ahead = 0; // server's clock minus ours, in ms
  let unseen = 0; // arrived while nobody looked
  let untold = 0; // arrived, not announced yet
  let behind = false; // whether something that arrived was left out
  const queue = []; // arrived, not drawn yet
  const now = () => Date.now() + ahead;
  const is_shown = (entry) => view.show === "" || (view.show === "fault" ? entry.fault !== null : entry.state === view.show);

  // ---- lists ---------------------------------------------------------------------------------------------------------

  function complain(text) {
    $("trouble").textContent = text ?? "";
    $("trouble").hidden = text === null;
  }

  function list(before) {
    const query = new URLSearchParams({ limit: PAGE });
    if (view.q) query.set("q", view.q);
    if (view.show === "fault") query.set("fault", "any");
    else if (view.show) query.set("state", view.show);
    if (before) query.set("before", before);
    return ask("GET", `requests?${query}`);
  }

  /** Begins with what the server holds now; what arrives meanwhile is put on top. */
  async function load() {
    const turn = ++asked;
    arriving = new Map();
    const { found, wrong } = await list();
    if (turn !== asked) return;
    complain(wrong ?? null);
    const late = arriving;
    arriving = null;
    if (wrong) return;
    entries.clear();
    queue.length = 0;
    behind = false;
    for (const entry of [...found.requests, ...late.values()]) entries.set(entry.number, entry);
    older = found.next;
    held = 500;
    redraw();
  }

  async function load_older() {
    const turn = asked;
    $("older").disabled = true;
    const { found, wrong } = await list(older);
    $("older").disabled = false;
    if (turn !== asked) return;
    complain(wrong ?? null);
    if (wrong) return;
    held += found.requests.length;
    for (const entry of found.requests) entries.set(entry.number, entry);
    older = found.next;
    redraw();
    items.get(found.requests[0]?.number)?.firstChild.focus();
  }

  // ---- live -------------------------------------------------------------------------------------------------------

  const told = {
    hello(said) {
      ahead = Date.parse(said.now) - Date.now();
      count(said.stats);
      Faults.shown(said.settings);
      if (!said.resumed) load();
    },
    request(entry) {
      if (arriving !== null) return arriving.set(entry.number, entry);
      if (queue.length >= 1000) { // a window in the background is drawn rarely: look at the list again then
        queue.length = 1;
        behind = true;
      }
      if (queue.push(entry) === 1) document.hidden ? setTimeout(draw_queue, 50) : requestAnimationFrame(draw_queue);
    },
    stats: count,
    settings: Faults.shown,
    missed: load,
    cleared() {
      unseen = 0;
      titled();
      load();
    },
  };

  function linked(live) {
    $("link").className = live ? "badge accepted live" : "badge";
    $("link-words").textContent = live ? "live" : "connecting";
  }

  function draw_queue() {
    const arrived = queue.splice(0);
    if (behind) return load();
    let fresh = 0;
    for (const entry of arrived) {
      if (!entries.has(entry.number) && is_shown(entry)) fresh += 1;
      entries.set(entry.number, entry);
    }
    redraw(new Set(arrived.map((entry) => entry.number)));
    if (fresh === 0) return;
    announce(fresh);
    if (document.hidden) {
      unseen += fresh;
      titled();
    }
    if (scrollY > 300) {
      $("to-top").hidden = false;
      $("to-top").dataset.fresh = Number($("to-top").dataset.fresh ?? 0) + fresh;
      $("to-top").textContent = `↑ ${$("to-top").dataset.fresh} new`;
    }
  }

  /** Tells what arrived in half a second, once, to who listens. */
  function announce(fresh) {
    if (untold === 0) {
      setTimeout(() => {
        Page.say(untold === 1 ? "1 request arrived" : `${untold} requests arrived`);
        untold = 0;
      }, 500);
    }
    untold += fresh;
  }

  function titled() {
    document.title = unseen ? `(${unseen}) Sandbox inbox` : "Sandbox inbox";
  }

  function count(stats) {
    const faults = Object.values(stats.faults).reduce((sum, one) => sum + one, 0);
    const parts = [[stats.received, "received"], [stats.kept, "kept"], [stats.refused, "refused"], [faults, "met a fault"],
      [stats.cancelled, "cancelled"], [stats.duplicates, "came before"]];
    $("counts").textContent = parts.filter(([number], index) => index < 2 || number > 0)
      .map(([number, what]) => `${number.toLocaleString("en")} ${what}`).join(" · ");
    $("counts").title = `seed ${stats.seed}`;
    $("open-clear").disabled = stats.received === 0;
    const what = stats.received === 1 ? "1 request" : `${stats.received.toLocaleString("en")} requests`;
    $("clear-words").textContent = `${what}, scheduled messages too, and the counts.`;
  }

  // ---- drawing ----------------------------------------------------------------------------------------------------

  /** Brings the list in line with the entries; cards that have not changed stay as they are. */
  function redraw(changed = null) {
    const numbers = [...entries.keys()].sort((a, b) => b - a);
    const dropped = numbers.splice(held);
    for (const number of dropped) entries.delete(number);
    if (dropped.length > 0) older = numbers.at(-1);
    const wanted = numbers.filter((number) => is_shown(entries.get(number)));
    const kept = new Set(wanted);
    for (const [number, item] of items) {
      if (kept.has(number)) continue;
      item.remove();
      items.delete(number);
    }
    let at = $("list").firstChild;
    for (const number of wanted) {
      let item = items.get(number);
      const is_new = item === undefined;
      if (is_new) {
        item = make("li", {}, make("article", { class: "arrival", tabindex: "-1", "aria-labelledby": `to-${number}`, "data-number": number }));
        items.set(number, item);
      }
      if (is_new || changed === null || changed.has(number)) fill(item.firstChild, entries.get(number));
      if (is_new && changed !== null) item.firstChild.classList.add("new");
      if (item === at) at = at.nextSibling;
      else $("list").insertBefore(item, at);
    }
    if (chosen !== null && !entries.has(chosen)) chosen = null;
    $("list").hidden = wanted.length === 0;
    $("nothing").hidden = wanted.length > 0;
    if (wanted.length === 0) $("nothing").replaceChildren(view.q || view.show ? not_found() : inviting());
    $("older").hidden = older === null;
    $("body").classList.toggle("alone", wanted.length === 0);
    tabbable();
    inspect();
  }

  function fill(article, entry) {
    const drawn = JSON.stringify(entry);
    if (article.drawn === drawn) return;
    article.drawn = drawn;
    const focus = article.contains(document.activeElement);
    Arrivals.fill(article, entry, now());
    if (focus) article.focus();
  }

  function not_found() {
    return make("div", { class: "empty" },
      make("p", { text: view.q ? `Nothing matches “${view.q}” here.` : "Nothing of this kind yet." }),
      make("p", {}, make("button", { type: "button", text: "Show everything", onclick: () => { $("search").value = ""; look("", ""); $("search").focus(); } })));
  }

  function inviting() {
    const server = document.baseURI.replace(/[?#].*/, "").replace(/\/$/, "");
    const curl = `curl ${server}/message \\\n  -H 'apikey: test' -H 'Content-Type: application/json' \\\n` +
      `  -d '{"provider": "twlo", "channel_key": "test",\n       "to": "+16175551212", "text": "Hello"}'`;
    const send = `export MSGSPEC_RUNNER_BASE_URL=${server} SOCIOCS_API_KEY=test\nmsgspec-runner send specs`;
    const command = (text, name) => make("div", { class: "command" },
      make("pre", { tabindex: "0", role: "region", "aria-label": name, text }), Arrivals.copier("Copy", () => text));
    return make("div", { class: "card stack inviting" },
      make("h3", { text: "Nothing has arrived yet" }),
      make("p", { text: "Post a message with any client of the API. It appears here at once, and goes to nobody." }),
      command(curl, "A message with curl"), make("p", { text: "Or send your specs:" }), command(send, "Sending specs"));
  }

  /** One card can be reached by Tab: the chosen one, else the first; arrows go on from there. */
  function tabbable() {
    const current = items.get(chosen)?.firstChild ?? $("list").querySelector(".arrival");
    for (const item of items.values()) item.firstChild.tabIndex = item.firstChild === current ? 0 : -1;
  }

  function inspect() {
    for (const [number, item] of items) {
      const on = number === chosen;
      const article = item.firstChild;
      article.classList.toggle("chosen", on);
      article.querySelector("[data-inspect]").setAttribute("aria-expanded", String(on));
      if (!on || wide.matches) article.querySelector(".inspection")?.remove();
    }
    const entry = entries.get(chosen);
    const aside = $("inspector");
    const drawn = entry === undefined ? "" : `${items.get(chosen)?.firstChild.drawn} ${wide.matches}`;
    if (aside.drawn === drawn && (entry === undefined || wide.matches || items.get(chosen)?.querySelector(".inspection"))) return;
    aside.drawn = drawn;
    if (entry !== undefined && !wide.matches) items.get(chosen)?.firstChild.append(Arrivals.inspection(entry));
    const title = (text) => make("h3", { text });
    aside.replaceChildren(entry === undefined
      ? make("div", { class: "empty" }, title("Request and answer"), make("p", { text: "Choose a message to see what the client sent, and what it got." }))
      : make("div", { class: "card" }, title(`Request ${entry.number}`), Arrivals.inspection(entry)));
  }

  // ---- what people do ---------------------------------------------------------------------------------------------

  function choose(number) {
    chosen = number;
    tabbable();
    inspect();
  }

  function look(q, show) {
    const other = q !== view.q;
    Object.assign(view, { q, show });
    for (const chip of document.querySelectorAll("[data-show]")) chip.setAttribute("aria-pressed", String(chip.dataset.show === show));
    const query = new URLSearchParams(Object.entries(view).filter(([, value]) => value));
    history.replaceState(null, "", query.size ? `?${query}` : location.pathname);
    if (other) Asking.follow(q, told, linked);
    else load();
  }

  async function cancel(number) {
    const { message_id: id } = entries.get(number);
    const { wrong } = await ask("DELETE", `scheduled/${id}`);
    complain(wrong ?? null);
  }

  function step(article, by) {
    const all = [...$("list").querySelectorAll(".arrival")];
    const next = by === "first" ? all[0] : by === "last" ? all.at(-1) : all[all.indexOf(article) + by];
    if (next === undefined) return;
    if (chosen !== null && wide.matches) choose(Number(next.dataset.number));
    next.focus();
    next.scrollIntoView({ block: "nearest" });
  }

  $("list").addEventListener("click", (event) => {
    const article = event.target.closest(".arrival");
    if (article === null || event.target.closest("a, .inspection") || String(getSelection()) !== "") return;
    const number = Number(article.dataset.number);
    if (event.target.closest("[data-cancel]")) return cancel(number);
    choose(number === chosen ? null : number);
  });
  $("list").addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const article = event.target.closest(".arrival");
    const moves = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1, Home: "first", End: "last" };
    if (event.target === article && event.key in moves) step(article, moves[event.key]);
    else if (event.target === article && event.key === "Enter") {
      const number = Number(article.dataset.number);
      choose(number === chosen ? null : number);
    } else return;
    event.preventDefault();
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (event.key === "/" && !event.target.closest("input, select, textarea")) $("search").focus();
    else if (event.key === "Escape" && event.target === $("search") && $("search").value) {
      $("search").value = "";
      look("", view.show);
    } else if (event.key === "Escape" && chosen !== null) {
      const article = items.get(chosen)?.firstChild;
      choose(null);
      article?.focus();
    } else return;
    event.preventDefault();
  });
  let typing = 0;
  $("search").addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(() => look($("search").value.trim(), view.show), 150);
  });
  for (const chip of document.querySelectorAll("[data-show]")) chip.addEventListener("click", () => look(view.q, chip.dataset.show));
  $("older").addEventListener("click", load_older);
  $("to-top").addEventListener("click", () => {
    scrollTo({ top: 0 });
    $("list").querySelector(".arrival")?.focus({ preventScroll: true });
  });
  addEventListener("scroll", () => {
    if (scrollY > 300) return;
    $("to-top").hidden = true;
    $("to-top").dataset.fresh = 0;
  }, { passive: true });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) { unseen = 0; titled(); } });
  wide.addEventListener("change", inspect);
  for (const [button, dialog] of [["open-clear", "clear"], ["open-help", "help"]]) $(button).addEventListener("click", () => $(dialog).showModal());
  for (const button of document.querySelectorAll("[data-close]")) button.addEventListener("click", () => button.closest("dialog").close());
  $("help").querySelector("form").addEventListener("submit", (event) => event.preventDefault());
  $("clear").querySelector("form").addEventListener("submit", async (event) => {
    event.preventDefault();
    $("clear").close();
    complain((await ask("DELETE", "requests")).wrong ?? null);
  });
  Faults.handlers.asked = async (faults, latency) => {
    const { found, wrong } = await ask("PUT", "settings", JSON.stringify({ faults, latency }));
    if (found) Faults.shown(found);
    return wrong ?? null;
  };
  setInterval(() => {
    for (const [number, item] of items) {
      const entry = entries.get(number);
      if (entry.state !== "scheduled") continue;
      if (Date.parse(entry.due) <= now()) {
        entries.set(number, { ...entry, state: "sent" });
        redraw(new Set([number]));
      } else item.querySelector(".countdown").textContent = Arrivals.left(entry, now());
    }
  }, 1000);

  const start = new URLSearchParams(location.search);
  view.q = start.get("q") ?? "";
  const known = [...document.querySelectorAll("[data-show]")].find((chip) => chip.dataset.show === start.get("show"));
  view.show = known?.dataset.show ?? "";
  $("search").value = view.q;
  for (const chip of document.querySelectorAll("[data-show]")) chip.setAttribute("aria-pressed", String(chip.dataset.show === view.show));
  Faults.ready();
  $("app").hidden = false;
  Asking.follow(view.q, told, linked);
})();
