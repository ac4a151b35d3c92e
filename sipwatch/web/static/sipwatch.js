// Shows new calls as they are over. Without it all pages work as well: there is a link to refresh them.
"use strict";
(() => {
  const AT_MOST_EVERY = 2000; // ms between two looks at the page
  const live = document.getElementById("live");

  // Clocks that run: what the server said, and the time since then.
  let told = performance.now();
  const written = (ms) => {
    const seconds = Math.floor(ms / 1000);
    const two = (number) => String(number).padStart(2, "0");
    if (seconds < 60) {
      return `${seconds} s`;
    }
    const minutes = Math.floor(seconds / 60);
    const rest = two(seconds % 60);
    return minutes < 60 ? `${minutes}:${rest}` : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${rest}`;
  };
  const tick = () => {
    for (const clock of document.querySelectorAll("[data-lasts]")) {
      clock.textContent = written(Number(clock.dataset.lasts) + performance.now() - told);
    }
  };
  if (document.querySelector("[data-every]")) {
    setInterval(tick, 1000);
  }

  if (!live || live.hasAttribute("data-paused") || !window.EventSource) {
    return;
  }
  let waiting = 0;
  let timer = null;
  let latest = 0;

  const say = (words) => {
    const news = document.getElementById("news");
    if (news && news.textContent !== words) {
      news.textContent = words;
    }
  };

  const isBusy = () => document.hidden || (live.contains(document.activeElement) && document.activeElement.closest("table"));

  const refresh = async () => {
    timer = null;
    if (!waiting || isBusy()) {
      return; // whoever reads with the keyboard keeps his place; the words say that there is more
    }
    latest = Date.now();
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (!answer.ok) {
        return;
      }
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById("live");
      if (fresh) {
        waiting = 0;
        told = performance.now();
        live.replaceChildren(...fresh.childNodes);
        say(live.dataset.every ? "Live" : "Live, new calls were added");
      }
    } catch {
      say("Not live");
      // the server is away: the stream of events says when it is back
    }
  };

  const plan = () => {
    if (timer === null) {
      timer = setTimeout(refresh, Math.max(0, AT_MOST_EVERY - (Date.now() - latest)));
    }
  };

  document.addEventListener("visibilitychange", plan);
  live.addEventListener("focusout", plan);
  if (live.dataset.every) {
    say("Live");
    setInterval(() => {
      waiting = 1;
      plan();
    }, Number(live.dataset.every) * 1000);
    return;
  }

  const events = new EventSource(live.dataset.live);
  events.addEventListener("calls", (event) => {
    waiting += JSON.parse(event.data).calls;
    say(`${waiting} new`);
    plan();
  });
  let wasAway = false;
  events.addEventListener("open", () => {
    say("Live");
    if (wasAway) {
      wasAway = false;
      waiting += 1; // perhaps: nobody said so meanwhile
      plan();
    }
  });
  events.addEventListener("error", () => {
    wasAway = true;
    say(events.readyState === EventSource.CLOSED ? "Not live" : "Connecting");
  });
  window.addEventListener("pagehide", () => events.close());
})();
