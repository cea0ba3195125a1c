// Calls over HTTP (proto/HTTP.md), and texts that wait to be sent.

const FIRST_PAUSE = 200; // milliseconds
const LONGEST_PAUSE = 5_000;
const DEADLINE = 15_000;

// chatd has said no.
export class Refused extends Error {
  constructor({ code, name, message, retry, retry_after_ms }) {
    super(message);
    Object.assign(this, { code, name, retry, retryAfter: retry_after_ms });
  }
}

// 128 random bits: an id for one thing that is to be done once, however often it is asked for.
export function newId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (octet) => octet.toString(16).padStart(2, "0")).join("");
}

// A method of ChatService. Rejects with Refused, or another error if nobody knows whether it was done.
export async function call(token, method, fields, requestId = "") {
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
  if (requestId) headers["Idempotency-Key"] = requestId;
  const response = await fetch(`chat.v1.ChatService/${method}`, {
    method: "POST",
    headers,
    body: JSON.stringify(fields),
    signal: AbortSignal.timeout(DEADLINE),
  });
  const said = await response.json();
  if (!response.ok) throw new Refused(said);
  return said;
}

// Texts in the order in which they were written, one under way at a time. Each has its event id until
// it is known to be stored: sent again with the same id, also after a reload, it is stored once.
export class Outbox {
  #busy = false;
  #send;
  #changed;

  // ``texts`` are those kept; ``send(event)`` sends, and resolves with its place. ``changed(texts)``
  // keeps and shows them.
  constructor(texts, send, changed) {
    this.texts = texts; // { event_id, room_id, text, refused? }
    this.#send = send;
    this.#changed = changed;
    this.run();
  }

  add(room_id, text) {
    this.texts.push({ event_id: newId(), room_id, text });
    this.#changed(this.texts);
    this.run();
  }

  remove(event_id) {
    const at = this.texts.findIndex((one) => one.event_id === event_id);
    if (at < 0) return;
    this.texts.splice(at, 1);
    this.#changed(this.texts);
  }

  // What is kept stays kept.
  stop() {
    this.texts = [];
    this.#changed = () => {};
  }

  tryAgain(one) {
    delete one.refused;
    this.#changed(this.texts);
    this.run();
  }

  async run() {
    if (this.#busy) return;
    this.#busy = true;
    let pause = FIRST_PAUSE;
    for (let one; (one = this.texts.find((text) => !text.refused && !text.seq)); ) {
      const { event_id, room_id, text } = one;
      try {
        const ack = await this.#send({ event_id, room_id, type: "EVENT_TYPE_MESSAGE", payload: { text } });
        one.seq = Number(ack.seq); // stored; it goes from here when the stream brings it
        pause = FIRST_PAUSE;
        this.#changed(this.texts);
      } catch (error) {
        if (error instanceof Refused && !error.retry) {
          one.refused = error.message;
          this.#changed(this.texts);
        } else {
          await new Promise((wake) => setTimeout(wake, Math.max(error.retryAfter ?? 0, pause)));
          pause = Math.min(2 * pause, LONGEST_PAUSE);
        }
      }
    }
    this.#busy = false;
  }
}
