/* Live pages of the console. Everything works without this file; settings come in data attributes. */
(() => {
  "use strict";
  const root = document.documentElement;
  if (root.dataset.consoleLive) return;
  root.dataset.consoleLive = "on";

  const settings = document.currentScript.dataset;
  const ahead = Date.parse(settings.now) - Date.now(); // of this machine's clock, the server's
  const language = root.lang || undefined;
  const grouped = new Intl.NumberFormat(language, { maximumFractionDigits: 0 });
  const fine = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });
  const show = (element, on) => { if (element) element.hidden = !on; };
  const write = (element, text) => { if (element && element.textContent !== text) element.textContent = text; };

  /* Moments go on from “3 min ago”, in the server's words and by its clock. */
  function ago(seconds) {
    if (seconds >= 86400) return "";
    if (seconds < 2) return settings.justNow;
    const minutes = Math.floor(seconds / 60);
    const hours = Math.floor(minutes / 60);
    const pattern = !minutes ? settings.seconds : !hours ? settings.minutes : minutes % 60 ? settings.hoursMinutes : settings.hours;
    const time = pattern.replace("{count}", minutes || seconds).replace("{hours}", hours).replace("{minutes}", minutes % 60);
    return settings.ago.replace("{time}", time);
  }

  function tick() {
    if (document.hidden) return;
    document.querySelectorAll("time > .console-ago").forEach((part) => {
      const passed = ago(Math.floor((Date.now() + ahead - Date.parse(part.parentElement.dateTime)) / 1000));
      write(part, passed && `(${passed})`);
    });
  }

  const asNumbers = { type: "json", read: (response) => response.json() };
  const asPage = { type: "html", read: async (response) => new DOMParser().parseFromString(await response.text(), "text/html") };

  /* Ask `address` again and again: while the tab is seen, until `heard` returns 0, slower in trouble. */
  function poll(address, first, heard, trouble, as = asNumbers) {
    let timer = 0;
    let failures = 0;
    let stopped = !first;
    let asking = false;
    const later = (ms) => { window.clearTimeout(timer); timer = window.setTimeout(ask, ms); };
    async function ask() {
      if (stopped || asking || document.hidden) return;
      asking = true;
      try {
        const response = await fetch(address(), { headers: { Accept: as === asNumbers ? "application/json" : "text/html" }, credentials: "same-origin", cache: "no-store" });
        if (response.status === 403 || response.status === 404) { stopped = true; trouble("closed"); return; }
        if (!response.ok || response.redirected || !(response.headers.get("Content-Type") || "").includes(as.type)) {
          if (response.ok) { stopped = true; trouble("signedOut"); return; }
          throw new Error(String(response.status));
        }
        const answer = await as.read(response);
        failures = 0;
        trouble(null);
        const next = await heard(answer);
        if (next > 0) later(next); else stopped = true;
      } catch {
        failures += 1;
        trouble("offline");
        later(Math.min(60000, 1000 * 2 ** failures));
      } finally {
        asking = false;
      }
    }
    document.addEventListener("visibilitychange", () => { if (!document.hidden && !stopped) later(0); });
    later(first);
    return () => { if (!stopped) later(0); };
  }

  /* A part that somebody is busy with is never swapped. */
  function isBusy(part) {
    if (part.contains(document.activeElement) && document.activeElement !== document.body) return true;
    if (part.querySelector("dialog[open]")) return true;
    return [...part.querySelectorAll("input, textarea, select")].some((field) =>
      field.type === "radio" || field.type === "checkbox" ? field.checked !== field.defaultChecked
        : field.type !== "hidden" && "defaultValue" in field && field.value !== field.defaultValue);
  }

  function keepOpen(old, fresh) {
    old.querySelectorAll("details[id]").forEach((details) => {
      const same = fresh.querySelector(`#${CSS.escape(details.id)}`);
      if (same) same.open = details.open;
    });
  }

  /* What a part says, apart from what changes by itself: tokens, what is unfolded, and dialogs, which are looked at when they open. */
  function saying(part) {
    const copy = part.cloneNode(true);
    copy.querySelectorAll("dialog").forEach((dialog) => dialog.replaceChildren());
    copy.querySelectorAll("details").forEach((details) => details.removeAttribute("open"));
    copy.querySelectorAll("[name=csrfmiddlewaretoken]").forEach((field) => field.removeAttribute("value"));
    copy.querySelectorAll("[data-bound]").forEach((link) => link.removeAttribute("data-bound"));
    return copy.innerHTML;
  }

  /* Closed dialogs say what is so now; the buttons that open them stay, somebody may be about to press one. */
  function redrawDialogs(old, fresh) {
    fresh.querySelectorAll("dialog").forEach((dialog) => {
      const same = old.querySelector(`#${CSS.escape(dialog.id)}`);
      if (same && !same.open) same.replaceChildren(...document.importNode(dialog, true).childNodes);
    });
  }

  /* This page as the server would draw it now; null where it cannot be had. */
  async function drawn(headers) {
    const response = await fetch(window.location.href, { credentials: "same-origin", cache: "no-store", headers });
    if (!response.ok || response.redirected) return null;
    return asPage.read(response);
  }

  async function swap(page) {
    const fresh = await drawn();
    if (!fresh) return false;
    let left = 0;
    page.querySelectorAll("[data-live]").forEach((part) => {
      const other = fresh.querySelector(`[data-live="${CSS.escape(part.dataset.live)}"]`);
      if (!other) return;
      if (saying(other) === saying(part)) { redrawDialogs(part, other); return; }
      if (isBusy(part)) { left += 1; return; }
      keepOpen(part, other);
      part.replaceWith(document.importNode(other, true));
    });
    document.title = fresh.title || document.title;
    dialogs(page);
    return left === 0;
  }

  /* What tells that the page is not live, and since when; the words are those of the page. */
  function offline(page) {
    const line = page.querySelector("[data-offline-line]");
    let since = "";
    return (kind) => {
      since = kind ? since || new Date().toLocaleTimeString(language, { hour: "2-digit", minute: "2-digit" }) : "";
      if (kind) write(line, (page.dataset[kind] || "").replace("{time}", since));
      show(line, Boolean(kind));
    };
  }

  /* The run's page */
  function runPage(page) {
    const news = page.querySelector("[data-news-line]");
    const status = page.querySelector("[data-status]");
    let version = page.dataset.version;
    let spoken = { at: 0, percent: -10, state: "" };
    show(page.querySelector("[data-unscripted]"), false);

    function numbers(run) {
      const field = (name) => page.querySelector(`[data-field="${name}"]`);
      write(field("sentence"), run.sentence);
      write(field("reached"), grouped.format(run.done + run.failed + run.skipped));
      if (run.total !== null) write(field("total"), grouped.format(run.total));
      if (run.percent !== null) write(field("percent"), String(run.percent));
      write(field("failed"), grouped.format(run.failed));
      write(field("skipped"), grouped.format(run.skipped));
      Object.entries(run.counts).forEach(([kind, count]) => write(page.querySelector(`[data-count="${CSS.escape(kind)}"]`), grouped.format(count)));
      const bar = field("bar");
      if (bar) { if (run.percent === null) bar.removeAttribute("value"); else bar.value = run.percent; }
      if (run.rate) write(field("rate"), (run.rate < 10 ? fine : grouped).format(run.rate));
      show(page.querySelector('[data-shown="rate"]'), Boolean(run.rate));
      const eta = field("eta");
      if (eta && run.eta_seconds !== null) {
        const minutes = run.eta_seconds >= 60;
        const count = minutes ? Math.ceil(run.eta_seconds / 60) : run.eta_seconds;
        write(eta, (minutes ? page.dataset.minutes : page.dataset.seconds).replace("{count}", grouped.format(count)));
      }
      show(eta, run.eta_seconds !== null);
    }

    function speak(run) {
      const now = Date.now();
      const moved = run.percent !== null && run.percent - spoken.percent >= 10 && now - spoken.at >= 15000;
      if (run.state === spoken.state && !moved) return;
      if (spoken.state || run.state !== page.dataset.state) write(status, run.sentence);
      spoken = { at: now, percent: run.percent === null ? spoken.percent : run.percent, state: run.state };
    }

    async function heard(run) {
      numbers(run);
      speak(run);
      if (run.version !== version) {
        document.dispatchEvent(new CustomEvent("console:changed"));
        if (await swap(page)) { version = run.version; show(news, false); } else tellNews();
      }
      const next = run.poll_ms || (run.version === version ? 0 : 2000);
      page.dataset.poll = String(next);
      return next;
    }

    function tellNews() {
      if (!news.childElementCount) {
        const link = document.createElement("a");
        link.href = window.location.href;
        link.textContent = page.dataset.show;
        news.replaceChildren(page.dataset.news, " ", link);
      }
      show(news, true);
    }

    poll(() => page.dataset.progress, Number(page.dataset.poll), heard, offline(page));
  }

  /* The dashboard: drawn by the server every few seconds; what somebody is busy with stays. */
  function board(page) {
    const status = page.querySelector("[data-status]");
    show(page.querySelector("[data-unscripted]"), false);
    const needs = (findings) => findings.filter((one) => one.severity === "urgent").map((one) => one.code + one.about).sort().join();
    let known = null;
    poll(() => page.dataset.address, Number(page.dataset.poll), (answer) => {
      const fresh = new DOMParser().parseFromString(answer.html, "text/html");
      page.querySelectorAll("[data-live]").forEach((part) => {
        const other = fresh.querySelector(`[data-live="${CSS.escape(part.dataset.live)}"]`);
        if (!other || other.innerHTML === part.innerHTML || isBusy(part)) return;
        keepOpen(part, other);
        part.replaceWith(document.importNode(other, true));
      });
      const found = needs(answer.findings);
      if (known !== null && found !== known) write(status, answer.sentence);
      known = found;
      return answer.poll_ms;
    }, offline(page));
  }

  function move(row, run) {
    const bar = row.querySelector("progress");
    if (bar && run.percent !== null) bar.value = run.percent;
    write(row.querySelector(".console-tally"), run.tally);
  }

  /* Cells change, rows stay; a row that somebody is in waits. */
  function swapCells(here, there) {
    if (here.contains(document.activeElement)) return;
    [...here.cells].forEach((cell, index) => {
      if (there.cells[index] && cell.innerHTML !== there.cells[index].innerHTML) cell.replaceChildren(...document.importNode(there.cells[index], true).childNodes);
    });
  }

  /* The list of schedules: what is new in it, and what has gone, waits behind a line. */
  function schedules(region) {
    const every = Number(region.dataset.poll);
    const rows = (scope) => new Map([...scope.querySelectorAll("[data-schedule-row]")].map((mark) => [mark.dataset.scheduleRow, mark.closest("tr")]));
    poll(() => window.location.href, every, (fresh) => {
      const shown = rows(region);
      const now = rows(fresh);
      shown.forEach((row, key) => { if (now.has(key)) swapCells(row, now.get(key)); });
      show(region.querySelector("[data-list-news]"), shown.size !== now.size || [...now.keys()].some((key) => !shown.has(key)));
      return every;
    }, offline(region), asPage);
  }

  /* Rows of a list, and bars on other pages */
  function list(region, summary, swaps) {
    const news = region.querySelector("[data-list-news]");
    let newest = Number(region.dataset.newest);
    const rows = () => [...region.querySelectorAll(".console-progress[data-run]")].filter((row) => !row.closest("[data-console-banner]"));
    const address = () => `${summary}?runs=${rows().map((row) => row.dataset.run).join(",")}`;
    async function heard(answer) {
      let changed = false;
      rows().forEach((row) => {
        const run = answer.runs && answer.runs[row.dataset.run];
        if (!run) return;
        move(row, run);
        if (row.dataset.version !== run.version) changed = true;
      });
      if (news && answer.newest > newest) { newest = answer.newest; changed = true; }
      if (changed && swaps) await refresh();
      return answer.poll_ms;
    }
    /* Cells change, rows never move: what is new waits behind a line that counts it. */
    async function refresh() {
      const fresh = await drawn({ "X-Console-Newest": region.dataset.newest || "" });
      if (!fresh) return;
      rows().forEach((row) => {
        const other = fresh.querySelector(`[data-console-list] [data-run="${CSS.escape(row.dataset.run)}"]`);
        const here = row.closest("tr");
        const there = other && other.closest("tr");
        if (here && there) swapCells(here, there);
      });
      const told = fresh.querySelector("[data-list-news]");
      if (!news || !told || news.contains(document.activeElement)) return;
      if (news.innerHTML !== told.innerHTML) news.replaceChildren(...document.importNode(told, true).childNodes);
      show(news, !told.hidden);
    }
    if (rows().length || news) poll(address, 2000, heard, () => {});
  }

  /* The banner of a held object: how far its run is, and when it has ended a sentence and the way on. Nothing reloads. */
  function banner(box) {
    const line = box.querySelector("[data-ending]");
    const told = () => [...box.querySelectorAll(":scope > p")];
    let version = "";
    async function redraw(run) {
      const fresh = box.contains(document.activeElement) ? null : await drawn();
      const other = fresh && fresh.querySelector(`[data-console-banner][data-run="${CSS.escape(box.dataset.run)}"]`);
      if (!other) return;
      const parts = other.querySelectorAll(":scope > p");
      told().forEach((part, index) => { if (parts[index]) part.replaceWith(document.importNode(parts[index], true)); });
      version = run.version;
    }
    poll(() => `${box.dataset.summary}?runs=${box.dataset.run}`, 2000, async (answer) => {
      const run = answer.runs && answer.runs[box.dataset.run];
      if (!run) return 0;
      version = version || box.querySelector(".console-progress").dataset.version;
      box.querySelectorAll(".console-progress").forEach((row) => move(row, run));
      write(box.querySelector("[data-left]"), run.left);
      if (run.active) {
        if (run.version !== version) await redraw(run);
        return answer.poll_ms;
      }
      const ending = box.querySelector(`template[data-ended="${CSS.escape(run.state)}"]`);
      told().forEach((part) => show(part, false));
      if (line && ending) line.replaceChildren(ending.content.cloneNode(true));
      return 0;
    }, () => {});
  }

  /* The column of pending work: percents move, cells change when their run does; rows stay. */
  function pendingWork(summary) {
    const cells = () => [...document.querySelectorAll(".console-pending[data-run]")];
    const runs = () => [...new Set(cells().map((cell) => cell.dataset.run))];
    async function heard(answer) {
      const changed = cells().filter((cell) => {
        const run = answer.runs && answer.runs[cell.dataset.run];
        if (run && run.percent !== null) write(cell.querySelector("[data-percent]"), String(run.percent));
        return run && run.version !== cell.dataset.version && !cell.contains(document.activeElement);
      });
      if (changed.length) await refresh(changed);
      return cells().length ? answer.poll_ms : 0;
    }
    async function refresh(changed) {
      const fresh = await drawn();
      if (!fresh) return;
      changed.forEach((cell) => {
        const other = fresh.querySelector(`.console-pending[data-object="${CSS.escape(cell.dataset.object)}"]`);
        if (other) cell.replaceWith(document.importNode(other, true)); else cell.remove();
      });
    }
    if (runs().length) poll(() => `${summary}?runs=${runs().join(",")}`, 2000, heard, () => {});
  }

  /* The header: numbers change silently; that a run of one's own has ended is told once, wherever one is. */
  function indicator(header) {
    const kept = memory();
    const since = () => kept.since || header.dataset.since;
    const address = () => `${header.dataset.summary}?since=${encodeURIComponent(since())}`;
    const first = kept.active ? 500 : Number(header.dataset.poll);
    const region = document.createElement("div");
    region.setAttribute("aria-live", "polite");
    const main = document.getElementById("content-start") || document.querySelector("main");
    if (main) main.prepend(region);
    const isShown = (id) => document.querySelector(`[data-console-run="${id}"], [data-console-list] [data-run="${id}"], [data-console-banner] [data-run="${id}"]`);

    function tell(run) {
      if (kept.told.includes(run.id)) return;
      kept.told = [...kept.told, run.id].slice(-50);
      if (isShown(run.id)) return;
      const line = document.createElement("li");
      const link = document.createElement("a");
      line.className = run.level;
      link.href = run.address;
      link.textContent = header.dataset.see;
      line.append(run.sentence, " ", link);
      if (!region.firstElementChild) region.append(Object.assign(document.createElement("ul"), { className: "messagelist" }));
      region.firstElementChild.append(line);
    }

    const now = poll(address, first, (answer) => {
      ["active", "attention"].forEach((name) => {
        const part = header.querySelector(`[data-count="${name}"]`);
        if (!part) return;
        write(part.querySelector("[data-number]"), grouped.format(answer[name]));
        show(part, answer[name] > 0);
      });
      header.setAttribute("aria-label", answer.label);
      (answer.ended || []).reverse().forEach(tell);
      Object.assign(kept, { since: answer.server_time, active: answer.active });
      kept.keep();
      return answer.poll_ms;
    }, () => {});
    document.addEventListener("console:changed", now);
  }

  /* What this tab has heard, from page to page; without storage each page begins anew. */
  function memory() {
    const kept = { since: "", active: 0, told: [] };
    try { Object.assign(kept, JSON.parse(window.sessionStorage.getItem("console") || "{}")); } catch { /* begins anew */ }
    kept.keep = () => { try { window.sessionStorage.setItem("console", JSON.stringify(kept)); } catch { /* begins anew */ } };
    return kept;
  }

  /* Dialogs: the same forms as the pages that the links lead to */
  function dialogs(scope) {
    scope.querySelectorAll("[data-dialog]").forEach((link) => {
      const dialog = document.getElementById(link.dataset.dialog);
      if (!dialog || typeof dialog.showModal !== "function" || link.dataset.bound) return;
      link.dataset.bound = "yes";
      link.addEventListener("click", (event) => {
        event.preventDefault();
        dialog.showModal();
        const field = dialog.querySelector("textarea, input[type=text], input[type=radio]:checked, [data-close]");
        if (field) field.focus();
      });
      dialog.addEventListener("close", () => link.focus());
      dialog.addEventListener("click", (event) => {
        if (!event.target.closest("[data-close]")) return;
        event.preventDefault();
        dialog.close();
      });
    });
  }

  document.querySelectorAll("[data-console-run]").forEach((page) => { dialogs(page); runPage(page); });
  document.querySelectorAll("[data-console-board]").forEach(board);
  document.querySelectorAll("[data-console-schedules]").forEach(schedules);
  const regions = [...document.querySelectorAll("[data-console-list]")];
  regions.forEach((region) => list(region, region.dataset.summary, true));
  const header = document.querySelector("[data-console-indicator]");
  const main = document.getElementById("content-start");
  if (header && main && !regions.length) list(main, header.dataset.summary, false);
  document.querySelectorAll("[data-console-indicator]").forEach(indicator);
  document.querySelectorAll("[data-console-banner]").forEach(banner);
  window.setInterval(tick, 1000);
  document.querySelectorAll("[data-console-cells]").forEach((mark) => pendingWork(mark.dataset.summary));
})();
