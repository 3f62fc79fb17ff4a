// The editor of a schedule: its next times, half a second after the last key. Without this script a button shows them.
(() => {
  "use strict";
  const form = document.querySelector("form[data-schedule]");
  if (!form) return;
  let waiting;
  let asked = 0;
  const show = async () => {
    const mine = ++asked;
    const body = new FormData(form);
    body.set("_next", "1");
    try {
      const answer = await fetch(window.location.href, { method: "POST", body, credentials: "same-origin" });
      if (!answer.ok || mine !== asked) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.querySelector("[data-next]");
      const shown = form.querySelector("[data-next]");
      if (fresh && shown && fresh.textContent !== shown.textContent) shown.replaceChildren(...fresh.childNodes);
    } catch {
      // The button still shows them.
    }
  };
  form.addEventListener("input", () => {
    window.clearTimeout(waiting);
    waiting = window.setTimeout(show, 500);
  });
})();
