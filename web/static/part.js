// Choosing a part of a picture: by dragging, or by the arrow keys. Without this script, the numbers below it are typed.

const root = document.querySelector("[data-part]");

if (root) {
  const frame = root.querySelector("[data-frame]");
  const picture = frame.querySelector("img");
  const whole = { width: Number(root.dataset.width), height: Number(root.dataset.height) };
  const fields = Object.fromEntries(
    ["left", "top", "width", "height"].map((name) => [name, root.querySelector(`input[name=${name}]`)]),
  );
  const box = document.createElement("button");
  box.type = "button";
  box.className = "part-box";
  frame.append(box);

  const read = () => Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, Number(field.value)]));

  const clamp = (value, least, most) => Math.min(Math.max(Math.round(value), least), most);

  const show = () => {
    const part = read();
    box.style.left = `${(100 * part.left) / whole.width}%`;
    box.style.top = `${(100 * part.top) / whole.height}%`;
    box.style.width = `${(100 * part.width) / whole.width}%`;
    box.style.height = `${(100 * part.height) / whole.height}%`;
    box.setAttribute(
      "aria-label",
      root.dataset.words.replace(/\{(\w+)\}/g, (_, name) => String(part[name])),
    );
  };

  const write = (part) => {
    const width = clamp(part.width, 1, whole.width);
    const height = clamp(part.height, 1, whole.height);
    fields.left.value = clamp(part.left, 0, whole.width - width);
    fields.top.value = clamp(part.top, 0, whole.height - height);
    fields.width.value = width;
    fields.height.value = height;
    show();
  };

  for (const field of Object.values(fields)) field.addEventListener("input", show);

  box.addEventListener("keydown", (event) => {
    const along = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!along) return;
    event.preventDefault();
    const step = Math.max(1, Math.round(Math.max(whole.width, whole.height) / 100));
    const part = read();
    const [across, down] = [along[0] * step, along[1] * step];
    if (event.shiftKey) write({ ...part, width: part.width + across, height: part.height + down });
    else write({ ...part, left: part.left + across, top: part.top + down });
  });

  // In pixels of the picture, wherever the pointer is.
  const at = (event) => {
    const rect = picture.getBoundingClientRect();
    return [
      clamp(((event.clientX - rect.left) / rect.width) * whole.width, 0, whole.width),
      clamp(((event.clientY - rect.top) / rect.height) * whole.height, 0, whole.height),
    ];
  };

  let from = null;
  frame.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    event.preventDefault();
    frame.setPointerCapture(event.pointerId);
    from = at(event);
    box.focus({ preventScroll: true });
  });
  frame.addEventListener("pointermove", (event) => {
    if (!from) return;
    const to = at(event);
    const [width, height] = [Math.abs(to[0] - from[0]), Math.abs(to[1] - from[1])];
    if (width && height) write({ left: Math.min(from[0], to[0]), top: Math.min(from[1], to[1]), width, height });
  });
  for (const end of ["pointerup", "pointercancel"]) frame.addEventListener(end, () => (from = null));
  show();
}
