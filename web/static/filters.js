// Small comforts of the filter panel. Without this script it works as it stands.

const panel = document.querySelector("[data-filters]");

if (panel) {
  const wide = window.matchMedia("(min-width: 60rem)");
  const summary = panel.querySelector("summary");
  const follow = () => {
    panel.open = wide.matches;
    summary.tabIndex = wide.matches ? -1 : 0; // beside the results it always stands open
  };
  follow();
  wide.addEventListener("change", follow);

  // An artist is asked for or left out, not both.
  for (const row of panel.querySelectorAll("[data-either]")) {
    const boxes = [...row.querySelectorAll("input")];
    row.addEventListener("change", ({ target }) => {
      if (!target.checked) return;
      for (const box of boxes) box.checked = box === target;
    });
  }

  // Names are suggested while one is typed.
  const names = panel.querySelector("#artists");
  let asked = 0;
  for (const field of panel.querySelectorAll("[data-suggest]")) {
    field.addEventListener("input", async () => {
      const number = ++asked;
      await new Promise((resolve) => setTimeout(resolve, 150));
      if (number !== asked || field.value.trim().length < 2) return;
      const answer = await fetch(`${field.dataset.suggest}?q=${encodeURIComponent(field.value)}`).catch(() => null);
      if (!answer?.ok || number !== asked) return;
      const options = (await answer.json()).map((name) => Object.assign(document.createElement("option"), { value: name }));
      names.replaceChildren(...options);
    });
  }

  // Fields that are left empty do not make the address longer.
  const form = panel.querySelector("[data-tidy]");
  form.addEventListener("submit", () => {
    for (const field of form.elements) if (field.name && field.value === "") field.disabled = true;
  });
  window.addEventListener("pageshow", () => {
    for (const field of form.elements) field.disabled = false;
  });
}
