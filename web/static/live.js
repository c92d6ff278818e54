// Keeps what is counted up to date, as long as something moves. Without this script a link counts again.

const live = document.querySelector("[data-live]");
const note = document.querySelector("[data-live-note]");

if (live) {
  const every = 2000;
  const longest = 30000;
  let wait = every;
  let timer = null;

  const say = (words) => {
    note.textContent = words;
  };

  const moving = () => live.querySelector("[data-busy]") !== null;

  const next = () => {
    clearTimeout(timer);
    if (!moving()) {
      say(live.dataset.liveStill);
      return;
    }
    if (!document.hidden) timer = setTimeout(look, wait);
  };

  const look = async () => {
    try {
      const answer = await fetch(live.dataset.live, { headers: { Accept: "text/html" } });
      if (answer.status === 401 || answer.status === 403) {
        say(live.dataset.liveOut);
        return;
      }
      if (!answer.ok) throw new Error(answer.statusText);
      const words = await answer.text();
      // Nobody's place on the page or in a table is lost by an answer that brings nothing new.
      if (live.innerHTML.trim() !== words.trim() && !live.contains(document.activeElement)) live.innerHTML = words;
      wait = every;
      say(live.dataset.liveOften);
    } catch {
      wait = Math.min(wait * 2, longest);
      say(live.dataset.liveAway);
    }
    next();
  };

  document.addEventListener("visibilitychange", next);
  if (moving()) say(live.dataset.liveOften);
  next();
}
