// A room as this page knows it: a stretch of its log without a hole, and what is unread. And how its
// lines look. Names and texts of strangers get into the page by textContent alone.

import { isolated, make } from "./session.js";

const KEPT = 1_000; // lines of a room that nobody looks at

const REASONS = {
  SKIP_REASON_REJECTED: "this device has refused it",
  SKIP_REASON_UNDELIVERABLE: "this device did not take it",
  SKIP_REASON_RETENTION: "it is no longer kept",
  SKIP_REASON_UNREADABLE: "it was damaged",
  SKIP_REASON_OPERATOR: "an operator has skipped it",
};

const CHANGES = ["joined", "left", "banned", "unbanned", "invited"];
const UNCOUNTED_TYPES = 32_768; // those from here on are never unread

export class Room {
  lines = []; // deliveries, ascending by seq
  more = true; // is there anything older?
  typing = new Map(); // profile → the time at which it has stopped
  readSeq = 0;
  #headSeq = 0; // as ListUnread knew it
  #unread = 0; // up to there

  constructor(id) {
    this.id = id;
    this.name = "";
  }

  get title() {
    return this.name || this.id;
  }

  get first() {
    const first = this.lines.reduce((least, line) => Math.min(least, firstSeq(line)), Infinity);
    return Number.isFinite(first) ? first : 0;
  }

  get last() {
    return this.lines.findLast((line) => !line.replay)?.seq ?? 0;
  }

  // Is something newer than all before it?
  add(delivery) {
    const line = { ...delivery, seq: Number(delivery.event.seq) };
    if (!line.replay && line.seq <= this.last) return null; // the history had it before the stream
    this.lines.push(line);
    return line;
  }

  // A page of history goes before what is known; the lines that are new.
  addOlder({ events, more }) {
    const known = new Set(this.lines.filter((line) => !line.replay).map((line) => line.seq));
    const older = events.map((event) => ({ ...event, seq: Number(event.event.seq) }));
    const lines = older.filter((line) => !known.has(line.seq));
    this.lines = [...lines, ...this.lines].sort((one, other) => one.seq - other.seq);
    this.more = more;
    return lines;
  }

  // Nobody looks: older lines come again from the history.
  trim() {
    if (this.lines.length > KEPT) {
      this.lines = this.lines.slice(-KEPT);
      this.more = true;
    }
  }

  forget() {
    this.lines = [];
    this.more = true;
  }

  // An Unread of ListUnread.
  know({ name, read_seq, head_seq, unread }) {
    this.name = name;
    this.readSeq = Math.max(this.readSeq, Number(read_seq));
    this.#headSeq = Number(head_seq);
    this.#unread = Number(unread);
  }

  // What ListUnread did not know yet is counted here.
  unread(me) {
    const since = Math.max(this.#headSeq, this.readSeq);
    const isUnread = (line) => line.seq > since && line.event.sender_id !== me && !line.replay && counts(line);
    return (this.readSeq >= this.#headSeq ? 0 : this.#unread) + this.lines.filter(isUnread).length;
  }
}

// A message, or an application's own event.
export function isSaid({ event, skipped }) {
  return !skipped && (event.type === "EVENT_TYPE_MESSAGE" || typeof event.type === "number");
}

function counts(line) {
  return isSaid(line) && !(line.event.type >= UNCOUNTED_TYPES);
}

function firstSeq(line) {
  return line.replay ? Infinity : Number(line.skipped?.first_seq ?? line.seq);
}

// ``onStatus(line, button)`` is called when the user asks how far a message has come.
export function drawn(line, me, onStatus) {
  const element = make("li");
  element.dataset.seq = line.seq;
  if (!isSaid(line)) {
    element.className = "note";
    element.textContent = noteOf(line);
    return element;
  }
  const { event } = line;
  const isMine = event.sender_id === me;
  const sent = new Date(Number(event.sent_at_us ?? 0) / 1000);
  element.className = isMine ? "mine" : "theirs";
  const time = make("time", { text: timeOf(sent), dateTime: sent.toISOString(), title: sent.toLocaleString() });
  const about = make("div", { className: "about" }, make("bdi", { text: event.sender_id }), time);
  if (line.replay) about.append(make("span", { text: "sent again by an operator" }));
  if (isMine) {
    const button = make("button", { className: "status", type: "button", text: "stored" });
    button.onclick = () => onStatus(line, button);
    about.append(button);
  }
  element.append(about, make("div", { className: "text", dir: "auto", text: textOf(line) }));
  return element;
}

function textOf({ event, payload = {} }) {
  return typeof payload.text === "string" ? payload.text : `(${event.type}) ${JSON.stringify(payload)}`;
}

function timeOf(sent) {
  const isToday = sent.toDateString() === new Date().toDateString();
  const short = { hour: "2-digit", minute: "2-digit" };
  return sent.toLocaleString([], isToday ? short : { ...short, day: "numeric", month: "short" });
}

// What is no message.
function noteOf({ event, payload = {}, skipped, seq }) {
  if (skipped) {
    const from = Number(skipped.first_seq);
    const what = from === seq ? `Event ${seq} is missing` : `Events ${from} to ${seq} are missing`;
    return `${what}: ${REASONS[skipped.reason] ?? "it does not come"}`;
  }
  const names = (list) => list.map(isolated).join(", ");
  if (event.type === "EVENT_TYPE_MEMBERSHIP") {
    const said = CHANGES.filter((change) => payload[change]).map((change) => `${names(payload[change])} ${change}`);
    if (payload.uninvited) said.push(`${names(payload.uninvited)} no longer invited`);
    if (payload.changed) said.push(`${names(payload.changed)} now ${payload.role}`);
    if (payload.owner && !payload.joined) said.push(`${names([payload.owner])} now owner`);
    return said.join("; ");
  }
  if (event.type === "EVENT_TYPE_ROOM") {
    if (payload.deleted) return "The room was deleted";
    return "name" in payload ? `The room is now called ${names([payload.name])}` : "The room’s settings have changed";
  }
  return event.type === "EVENT_TYPE_ERASED" ? "This message was erased" : "";
}

// GetDeliveryStatus in words.
export function statusText({ recipients, delivered, read, profiles }, inFull) {
  const counts = recipients ? `delivered to ${delivered} of ${recipients}, read by ${read}` : "stored";
  if (!inFull || !profiles.length) return counts;
  const words = profiles.map(({ profile_id, read: hasRead, state }) => {
    const how = hasRead ? "read" : state.replace("DELIVERY_STATE_", "").toLowerCase();
    return `${isolated(profile_id)} ${how === "unspecified" ? "unknown" : how}`;
  });
  return `${counts}: ${words.join(", ")}`;
}
