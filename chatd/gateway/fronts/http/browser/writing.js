// Writing: drafts, what waits to be sent, and telling others that one writes.

import { Outbox } from "./calls.js";
import { $, ask, forgetKept, keep, kept, make, session, tried } from "./session.js";

const TYPING_EVERY = 3_000; // milliseconds

const text = $("text");
let drafts = new Map(kept("drafts", [])); // room's id → text
let outbox = null;
let typedAt = 0;

// Begins to send what was kept.
export function beginWriting() {
  outbox ??= new Outbox(kept("outbox", []), send, changed);
}

// What was kept stays so.
export function endWriting() {
  outbox?.stop();
  outbox = null;
}

// It was another profile's.
export function forgetWriting() {
  forgetKept("outbox");
  forgetKept("drafts");
  drafts = new Map();
}

export const draftOf = (room) => drafts.get(room.id) ?? "";
export const hasUnsent = () => Boolean(outbox?.texts.some((one) => !one.seq));

// The stream has brought an event of one's own.
export const cameBack = ({ event_id }) => outbox.remove(event_id);

async function send(event) {
  const { acks } = await ask("SendEvents", { events: [event] });
  return acks[0];
}

function changed(texts) {
  keep("outbox", texts.filter((one) => !one.seq));
  showWaiting();
}

export function showWaiting() {
  const { open, stream } = session;
  const hasCome = ({ room_id, seq }) => seq <= (stream.state.shown.get(room_id)?.[0] ?? 0);
  const waiting = outbox.texts.filter((one) => one.room_id === open?.id && !hasCome(one));
  $("waiting").replaceChildren(...waiting.map(element));
  $("scroller").scrollTop = $("scroller").scrollHeight;
}

function element(one) {
  const about = make("div", { className: "about" });
  if (one.refused) {
    about.append(
      make("span", { className: "refused", text: `Refused: ${one.refused}` }),
      make("button", { type: "button", text: "Try again", onclick: () => outbox.tryAgain(one) }),
      make("button", { type: "button", text: "Forget", onclick: () => outbox.remove(one.event_id) }),
    );
  } else {
    about.append(make("span", { text: one.seq ? "stored" : "sending …" }));
  }
  return make("li", {}, about, make("div", { className: "text", dir: "auto", text: one.text }));
}

$("send").onsubmit = (event) => {
  event.preventDefault();
  if (!session.open || !text.value.trim()) return;
  outbox.add(session.open.id, text.value);
  text.value = "";
  keepDraft();
  sayTyping(false);
};

text.onkeydown = (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  $("send").requestSubmit();
};

text.oninput = () => {
  keepDraft();
  sayTyping(Boolean(text.value));
};

function keepDraft() {
  if (text.value) drafts.set(session.open.id, text.value);
  else drafts.delete(session.open.id);
  keep("drafts", [...drafts]);
}

function sayTyping(typing) {
  const now = performance.now();
  if (typing ? typedAt && now - typedAt < TYPING_EVERY : !typedAt) return;
  typedAt = typing ? now : 0;
  tried("SetTyping", { room_id: session.open.id, typing });
}
