// The camera: the preview comes first, the reader afterwards. Browsers without one of their
// own load a decoder once it is wanted.
import { config } from "./base.js";

const formats = { own: ["qr_code", "code_128"], lib: ["QRCode", "Code128"] };
let decoder;
const load = () => (decoder ||= (async () => {
  if ("BarcodeDetector" in window) {
    try {
      const have = await BarcodeDetector.getSupportedFormats();
      if (formats.own.every((f) => have.includes(f))) {
        const d = new BarcodeDetector({ formats: formats.own });
        return async (video) => (await d.detect(video)).map((c) => c.rawValue);
      }
    } catch {}
  }
  await new Promise((done, failed) => {
    const s = document.createElement("script");
    Object.assign(s, { src: config.zxing, onload: done, onerror: failed });
    document.head.append(s);
  });
  const zxing = window.ZXingWASM;
  zxing.prepareZXingModule({ overrides: { locateFile: (path, prefix) => (path.endsWith(".wasm") ? config.wasm : prefix + path) }, fireImmediately: true });
  const canvas = document.createElement("canvas"), c = canvas.getContext("2d", { willReadFrequently: true });
  return async (video) => {
    const side = Math.min(video.videoWidth, video.videoHeight), small = Math.min(side, 640);
    if (!side) return [];
    canvas.width = canvas.height = small;
    c.drawImage(video, (video.videoWidth - side) / 2, (video.videoHeight - side) / 2, side, side, 0, 0, small, small);
    const found = await zxing.readBarcodes(c.getImageData(0, 0, small, small), { formats: formats.lib, tryHarder: false, maxNumberOfSymbols: 1 });
    return found.filter((f) => f.isValid).map((f) => f.text);
  };
})().catch((e) => { decoder = null; throw e; }));

// Preload fetches the decoder when nothing else is to be done.
export const preload = () => (window.requestIdleCallback || setTimeout)(() => load().catch(() => {}), { timeout: 8000 });

// Look shows the camera in a video and calls found with each code. It returns how to stop;
// why tells what kept it from starting: "none", "refused" or "broken".
export const look = (video, found, why) => {
  let stream, on = true;
  (async () => {
    if (!navigator.mediaDevices?.getUserMedia) return why("none");
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: { ideal: 1280 } }, audio: false });
    } catch (e) {
      return why(e.name === "NotAllowedError" ? "refused" : "none");
    }
    if (!on) return stop();
    video.srcObject = stream;
    await video.play().catch(() => {});
    let read;
    try {
      read = await load();
    } catch {
      return why("broken");
    }
    while (on) {
      const codes = video.readyState >= 2 ? await read(video).catch(() => []) : [];
      if (on && codes.length) found(codes[0]);
      await new Promise((done) => setTimeout(done, 60));
    }
  })();
  const stop = () => {
    on = false;
    stream?.getTracks().forEach((track) => track.stop());
    video.srcObject = null;
  };
  return stop;
};
