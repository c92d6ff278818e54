// A button that copies a text. Where the browser gives no clipboard, it selects the text instead.

for (const button of document.querySelectorAll("[data-copy]")) {
  const text = document.getElementById(button.dataset.copy);
  const status = button.parentElement.querySelector("[data-copied]");
  const label = button.textContent;

  const say = (words) => {
    button.textContent = words;
    status.textContent = words;
    setTimeout(() => {
      button.textContent = label;
      status.textContent = "";
    }, 2500);
  };

  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text.textContent.trim());
      say(button.dataset.copiedWords);
    } catch {
      getSelection().selectAllChildren(text);
      say(button.dataset.selectedWords);
    }
  });
}
