// A picture that is drawn, or a file.
export function setUp(form, changed) {
  const canvas = form.querySelector("#canvas");
  const chooser = form.querySelector("#file");
  const pen = canvas.getContext("2d");
  let file = null, isEmpty = true;

  function clear() {
    file = null;
    isEmpty = true;
    chooser.value = "";
    pen.fillStyle = canvas.dataset.paper;
    pen.fillRect(0, 0, canvas.width, canvas.height);
  }

  function at(event) {
    const box = canvas.getBoundingClientRect();
    return [
      ((event.clientX - box.left) / box.width) * canvas.width,
      ((event.clientY - box.top) / box.height) * canvas.height,
    ];
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (file) clear();
    canvas.setPointerCapture(event.pointerId);
    pen.strokeStyle = canvas.dataset.ink;
    pen.lineWidth = Math.max(canvas.width, canvas.height) / 14;
    pen.lineCap = pen.lineJoin = "round";
    pen.beginPath();
    pen.moveTo(...at(event));
    draw(event);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (event.buttons) draw(event);
  });

  function draw(event) {
    pen.lineTo(...at(event));
    pen.stroke();
    isEmpty = false;
    changed();
  }

  chooser.addEventListener("change", async () => {
    const [chosen] = chooser.files;
    if (!chosen) return;
    clear();
    file = chosen;
    changed();
    try {
      const picture = await createImageBitmap(chosen);
      // In the proportions in which the network gets it.
      pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
    } catch {
      // The server may read formats that the browser does not show.
    }
  });
  form.querySelector("#clear").addEventListener("click", () => {
    clear();
    changed();
  });
  clear();

  return () => {
    if (file) return file;
    return isEmpty ? null : drawn(canvas);
  };
}

// The drawing, reduced to the size of the pictures that the network was fitted on.
function drawn(canvas) {
  const small = document.createElement("canvas");
  small.width = canvas.dataset.width;
  small.height = canvas.dataset.height;
  const pen = small.getContext("2d");
  pen.imageSmoothingQuality = "high";
  pen.drawImage(canvas, 0, 0, small.width, small.height);
  return new Promise((resolve) => small.toBlob(resolve, "image/png"));
}
