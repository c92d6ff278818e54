// Choosing a query image: by file dialog, by dropping, by pasting. Without this script the form works as it stands.

const form = document.querySelector("[data-upload]");

if (form) {
  const input = form.querySelector("input[type=file]");
  const zone = form.querySelector("[data-zone]");
  const preview = form.querySelector("[data-preview]");
  const picture = form.querySelector("[data-picture]");
  const status = form.querySelector("[data-status]");
  const button = form.querySelector("button[type=submit]");
  let shown = null;

  const say = (text, wrong = false) => {
    status.textContent = text;
    status.classList.toggle("wrong", wrong);
  };

  const hidePreview = () => {
    preview.hidden = true;
    picture.removeAttribute("src");
    if (shown) URL.revokeObjectURL(shown);
    shown = null;
  };

  const showPreview = (file) => {
    hidePreview();
    shown = URL.createObjectURL(file);
    picture.onerror = hidePreview; // a format that the archive reads and this browser does not
    picture.src = shown;
    preview.hidden = false;
  };

  const search = () => {
    const file = input.files[0];
    if (!file) return;
    if (file.size > Number(form.dataset.most)) {
      hidePreview();
      input.value = "";
      say(form.dataset.tooLarge, true);
      return;
    }
    showPreview(file);
    form.requestSubmit();
  };

  const take = (files) => {
    if (!files.length) return;
    const one = new DataTransfer();
    one.items.add(files[0]);
    input.files = one.files;
    search();
  };

  input.addEventListener("change", search);

  form.addEventListener("submit", () => {
    say(form.dataset.looking);
    button.disabled = true;
  });

  // Coming back from the results, the form is ready again.
  window.addEventListener("pageshow", () => {
    button.disabled = false;
    say("");
    hidePreview();
    input.value = "";
  });

  let depth = 0;
  const mark = (by) => {
    depth = Math.max(0, depth + by);
    zone.classList.toggle("over", depth > 0);
  };
  const bringsFiles = (event) => event.dataTransfer?.types.includes("Files");

  // The whole page takes the drop, so that a near miss does not open the file instead.
  window.addEventListener("dragenter", (event) => bringsFiles(event) && mark(1));
  window.addEventListener("dragleave", (event) => bringsFiles(event) && mark(-1));
  window.addEventListener("dragover", (event) => bringsFiles(event) && event.preventDefault());
  window.addEventListener("drop", (event) => {
    if (!bringsFiles(event)) return;
    event.preventDefault();
    mark(-depth);
    form.closest("details")?.setAttribute("open", "");
    take(event.dataTransfer.files);
  });

  document.addEventListener("paste", (event) => {
    if (!event.clipboardData?.files.length) return;
    event.preventDefault();
    take(event.clipboardData.files);
  });
}
