// A sound that is recorded, or a file.
import { line } from "./chart.js";

const MAX_SECONDS = 30;
const READ_BY_SERVER = /\.(wav|flac|ogg|mp3|aiff?|au)$/i;
const BITS = 16;

export function setUp(form, changed) {
  const rate = Number(form.querySelector(".drop").dataset.rate);
  const button = form.querySelector("#record");
  const chooser = form.querySelector("#file");
  const status = form.querySelector("#recording");
  const player = form.querySelector("#player");
  let sound = null, recorder = null;

  async function take(blob, isRead) {
    let decoded = null;
    try {
      decoded = await resampled(await blob.arrayBuffer(), rate);
    } catch {
      status.textContent = "The browser cannot play this sound.";
    }
    sound = isRead || !decoded ? blob : wav(decoded, rate);
    if (decoded) show(form.querySelector("#wave"), decoded);
    URL.revokeObjectURL(player.src);
    player.src = URL.createObjectURL(sound);
    player.hidden = false;
    changed();
  }

  async function record() {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    const parts = [];
    recorder = new MediaRecorder(stream);
    recorder.addEventListener("dataavailable", ({ data }) => parts.push(data));
    recorder.addEventListener("stop", () => {
      stream.getTracks().forEach((track) => track.stop());
      mark(false);
      take(new Blob(parts), false);
    });
    recorder.start();
    mark(true);
    setTimeout(() => recorder?.state === "recording" && recorder.stop(), 1000 * MAX_SECONDS);
  }

  function mark(isRecording) {
    button.setAttribute("aria-pressed", isRecording);
    button.textContent = isRecording ? "Stop" : "Record";
    status.textContent = isRecording ? `Recording, for at most ${MAX_SECONDS} seconds.` : "";
  }

  button.addEventListener("click", async () => {
    if (recorder?.state === "recording") return recorder.stop();
    try {
      await record();
    } catch (error) {
      status.textContent = `There is no microphone: ${error.message}.`;
    }
  });
  chooser.addEventListener("change", () => {
    const [file] = chooser.files;
    if (file) take(file, READ_BY_SERVER.test(file.name));
  });
  if (!navigator.mediaDevices) {
    button.disabled = true;
    status.textContent = "Browsers record on https or localhost only.";
  }
  return () => sound;
}

// One channel at another rate.
async function resampled(contents, rate) {
  const context = new OfflineAudioContext(1, 1, rate);
  const buffer = await context.decodeAudioData(contents);
  const mix = new Float32Array(buffer.length);
  for (let k = 0; k < buffer.numberOfChannels; k += 1) {
    buffer.getChannelData(k).forEach((value, i) => (mix[i] += value / buffer.numberOfChannels));
  }
  return mix;
}

// A WAV file of 16 bits.
function wav(samples, rate) {
  const bytes = new DataView(new ArrayBuffer(44 + 2 * samples.length));
  const write = (start, text) => [...text].forEach((c, i) => bytes.setUint8(start + i, c.charCodeAt(0)));
  write(0, "RIFF");
  bytes.setUint32(4, bytes.byteLength - 8, true);
  write(8, "WAVEfmt ");
  bytes.setUint32(16, 16, true);
  bytes.setUint16(20, 1, true);
  bytes.setUint16(22, 1, true);
  bytes.setUint32(24, rate, true);
  bytes.setUint32(28, (rate * BITS) / 8, true);
  bytes.setUint16(32, BITS / 8, true);
  bytes.setUint16(34, BITS, true);
  write(36, "data");
  bytes.setUint32(40, 2 * samples.length, true);
  samples.forEach((value, i) => {
    bytes.setInt16(44 + 2 * i, Math.max(-1, Math.min(1, value)) * 32767, true);
  });
  return new Blob([bytes.buffer], { type: "audio/wav" });
}

// The largest and the smallest value of each part of the waveform.
function show(chart, samples, nParts = 300) {
  const size = Math.max(1, Math.floor(samples.length / nParts));
  const points = [];
  for (let start = 0; start < samples.length; start += size) {
    const part = samples.subarray(start, start + size);
    points.push(Math.max(...part), Math.min(...part));
  }
  const peak = Math.max(...points.map(Math.abs), 1e-6);
  chart.replaceChildren();
  line(chart, points, { low: -peak, high: peak, n: points.length });
}
