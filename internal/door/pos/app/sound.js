// What is heard: tones that need no voice, and a voice where the device has one. Both speak
// only of what the server has confirmed.
import { config, kept, keep, t } from "./base.js";

let context;
export const voice = { on: () => kept("voice", true), set: (on) => keep("voice", on) };

// Prime is called in a tap: browsers make no sound before one.
export const prime = () => {
  try {
    context ||= new (window.AudioContext || window.webkitAudioContext)();
    if (context.state === "suspended") context.resume();
    if (window.speechSynthesis && !prime.spoke) {
      prime.spoke = true;
      const quiet = new SpeechSynthesisUtterance(" ");
      quiet.volume = 0;
      speechSynthesis.speak(quiet);
    }
  } catch {}
};

// Tones: [frequency in Hz, start and length in seconds] each.
const tones = {
  good: [[880, 0, 0.12], [1318.5, 0.13, 0.28]],
  bad: [[220, 0, 0.22], [196, 0.3, 0.32]],
  tick: [[1400, 0, 0.05]],
  note: [[660, 0, 0.14]],
};
export const heard = []; // what was to be heard, newest last: for people who test
export const tone = (name) => {
  note("tone", name);
  navigator.vibrate?.({ good: [80, 60, 160], bad: [250, 100, 250] }[name] || 30);
  if (!voice.on() || !context) return;
  for (const [hz, at, length] of tones[name]) {
    const o = context.createOscillator(), g = context.createGain(), start = context.currentTime + at;
    o.type = name === "bad" ? "triangle" : "sine";
    o.frequency.value = hz;
    g.gain.setValueAtTime(0.0001, start);
    g.gain.exponentialRampToValueAtTime(0.5, start + 0.015);
    g.gain.exponentialRampToValueAtTime(0.0001, start + length);
    o.connect(g).connect(context.destination);
    o.start(start);
    o.stop(start + length);
  }
};

const note = (kind, what) => {
  heard.push([kind, what]);
  if (heard.length > 20) heard.shift();
  document.documentElement.dataset.heard = what;
};

export const say = (text) => {
  if (!voice.on() || !window.speechSynthesis) return;
  note("said", text);
  speechSynthesis.cancel();
  const u = new SpeechSynthesisUtterance(text);
  u.lang = config.lang;
  u.voice = speechSynthesis.getVoices().find((v) => v.lang.replace("_", "-").toLowerCase().startsWith(config.lang.slice(0, 2).toLowerCase())) || null;
  speechSynthesis.speak(u);
};

// What the self-test found: whether there is a voice of this language.
export const test = () => {
  prime();
  tone("good");
  say(t("voice.sample"));
  return !!window.speechSynthesis && speechSynthesis.getVoices().some((v) => v.lang.toLowerCase().startsWith(config.lang.slice(0, 2).toLowerCase()));
};

// Wake keeps the screen lit while a customer pays.
let lock, wanted = false;
export const wake = async (on) => {
  wanted = on;
  try {
    if (on && !lock && document.visibilityState === "visible" && navigator.wakeLock) {
      lock = await navigator.wakeLock.request("screen");
      lock.addEventListener("release", () => { lock = null; });
    } else if (!on && lock) {
      await lock.release();
    }
  } catch {}
};
document.addEventListener("visibilitychange", () => wanted && wake(true));
