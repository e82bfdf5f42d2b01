/* Asks the sandbox, and follows what happens there (docs/sandbox.md).

   Asking.ask(method, path, body) → Promise<{found} | {wrong}>   a call below /_sandbox/; wrong: what to tell people
   Asking.follow(q, told, linked)   follows /_sandbox/events from now on, and no longer what was followed before.
                                    told[kind](data) is called for each event; linked(true | false) when the line is
                                    there or lost. It connects again by itself, and goes on where it was. */
"use strict";
const Asking = (() => {
  const KINDS = ["hello", "request", "stats", "settings", "missed", "cleared"];
  const SHORTEST = 500; // ms between two attempts to connect
  const LONGEST = 8000;
  let stream = null;
  let wait = SHORTEST; // ms until the next attempt

  async function ask(method, path, body) {
    const headers = method === "GET" ? {} : { "X-Sandbox": "1" };
    try {
      const answer = await fetch(new URL(`_sandbox/${path}`, document.baseURI), { method, headers, body, cache: "no-store" });
      const found = await answer.json();
      return answer.ok ? { found } : { wrong: found.errors?.[0]?.msg ?? `The server answered ${answer.status}.` };
    } catch {
      return { wrong: "The sandbox does not answer." };
    }
  }

  function follow(q, told, linked, from = "") {
    stream?.close();
    const query = new URLSearchParams();
    if (q) query.set("q", q);
    if (from) query.set("last_event_id", from);
    const source = new EventSource(new URL(`_sandbox/events?${query}`, document.baseURI));
    let place = from;
    stream = source;
    for (const kind of KINDS) {
      source.addEventListener(kind, (event) => {
        if (source !== stream) return;
        place = event.lastEventId;
        if (kind === "hello") {
          wait = SHORTEST;
          linked(true);
        }
        told[kind](JSON.parse(event.data));
      });
    }
    source.onerror = () => {
      if (source !== stream) return;
      linked(false);
      if (source.readyState !== EventSource.CLOSED) return; // the browser tries again
      setTimeout(() => { if (source === stream) follow(q, told, linked, place); }, wait);
      wait = Math.min(wait * 2, LONGEST);
    };
  }

  return Object.freeze({ ask, follow });
})();
