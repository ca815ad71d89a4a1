// Sends the input whenever it changes, and shows the answer and its explanation.
import { element } from "./chart.js";
import { showAnswer } from "./answer.js";
import { showExplanation, showWaiting } from "./explanation.js";
import { setUp as image } from "./image.js";
import { setUp as audio } from "./audio.js";
import { setUp as series } from "./series.js";
import { setUp as table } from "./table.js";
import { setUp as text } from "./text.js";

const PAUSE = 250; // milliseconds without a change, after which the input is sent
const form = document.getElementById("input");
const answer = document.getElementById("answer");
const prediction = document.getElementById("prediction");
const problem = document.getElementById("problem");
const why = document.getElementById("why");
let timer, sending;

// An input is {samples, future} for JSON, or a Blob; null while there is none.
const read = { table, image, audio, text, series }[form.dataset.form](form, changed);

function changed() {
  clearTimeout(timer);
  timer = setTimeout(send, PAUSE);
}

async function post(path, input, signal) {
  const isFile = input instanceof Blob;
  try {
    const response = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": isFile ? "application/octet-stream" : "application/json" },
      body: isFile ? input : JSON.stringify(input),
      signal,
    });
    const content = await response.json();
    return response.ok ? content : { problem: content.detail };
  } catch {
    return { problem: "The server cannot be reached." };
  }
}

async function send() {
  sending?.abort();
  sending = new AbortController();
  const { signal } = sending;
  const input = await read();
  if (signal.aborted) return; // a later input is sent
  if (input === null) return showNothing();
  answer.setAttribute("aria-busy", "true");
  const content = await post("/predict", input, signal);
  if (signal.aborted) return;
  answer.setAttribute("aria-busy", "false");
  show(content, input);
  if (content.problem) return;
  const waiting = setTimeout(() => { showWaiting(); why.hidden = false; }, PAUSE);
  const explanation = await post("/explain", input, signal);
  clearTimeout(waiting);
  if (signal.aborted) return;
  showExplanation(explanation);
  why.hidden = false;
}

function show(content, input) {
  problem.hidden = !content.problem;
  problem.textContent = content.problem ?? "";
  if (content.problem) {
    why.hidden = true;
    return clear();
  }
  prediction.className = "";
  showAnswer(form.dataset.answer, content, input);
}

function showNothing() {
  answer.setAttribute("aria-busy", "false");
  problem.hidden = why.hidden = true;
  clear();
  prediction.className = "empty";
  prediction.textContent = "Waiting for an input.";
}

function clear() {
  prediction.replaceChildren();
  document.getElementById("details").replaceChildren();
}

// Dropped files are passed to the input of files of the form.
for (const zone of document.querySelectorAll(".drop")) {
  for (const kind of ["dragover", "dragleave", "drop"]) {
    zone.addEventListener(kind, (event) => {
      event.preventDefault();
      zone.classList.toggle("over", kind === "dragover");
    });
  }
  zone.addEventListener("drop", (event) => {
    const file = document.getElementById("file");
    file.files = event.dataTransfer.files;
    file.dispatchEvent(new Event("change", { bubbles: true }));
  });
}

form.addEventListener("submit", (event) => event.preventDefault());
document.body.append(element("span", { id: "ready", hidden: true }));
changed();
