// A device's stream over a WebSocket, in JSON (proto/PROTOCOL.md, "Write a client" and section 3).
// It connects again by itself, drops repeats, and acknowledges what was shown and kept.

const FIRST_PAUSE = 100; // milliseconds, as all times here
const LONGEST_PAUSE = 5_000;
const PATIENCE = 5_000; // for the Welcome; and a stream that lasted so long was a good one
const ACK_AFTER = 50;
const WINDOW = 256;
const OVERTAKEN = 609;
const AGAIN = new Set([104, 500]); // their ``retry`` is false, but a Hello is worth another try

const policy = globalThis.trustedTypes?.createPolicy("clock", { createScriptURL: (url) => url });
const CLOCK = "page/clock.js";

export class Stream {
  #socket = null; // of the connection that counts; what others still say is passed over
  #stopped = true;
  #pause = FIRST_PAUSE;
  #retry = 0;
  #patience = 0;
  #ackTimer = 0;
  #clock = new Worker(policy ? policy.createScriptURL(CLOCK) : CLOCK);
  #ordinal = 0; // of the last Hello
  #overtaken = false; // a Hello was refused for its ordinal, and none has opened the stream since
  #replays = new Map(); // room and seq of replays that are not acknowledged → their count

  // ``state`` is { log, shown: Map of room → [seq, event_id], newest }, kept by ``on.keep()``. ``on``
  // is also told by welcome(welcome, earlier), delivery(delivery), signal(signal), caughtUp(),
  // expires(ms), lost() and, when only the user can help, stopped(error). ``earlier`` are the entries
  // of ``shown`` that belong to an earlier log; null: it is the same.
  constructor(token, device, state, on) {
    this.token = token;
    this.device = device;
    this.state = state;
    this.on = on;
    this.#clock.onmessage = () => this.#tick();
    addEventListener("online", () => this.#hurry());
    document.addEventListener("visibilitychange", () => document.hidden || this.#hurry());
  }

  start() {
    this.#stopped = false;
    this.#connect();
  }

  // Says Bye: what is in flight has not failed.
  stop() {
    this.#stopped = true;
    if (this.welcome) {
      this.#acknowledge();
      this.#say({ bye: {} });
    }
    this.#hangUp();
  }

  #connect() {
    const url = new URL("v1/stream", document.baseURI);
    url.protocol = url.protocol.replace("http", "ws");
    url.hash = "";
    const socket = new WebSocket(url, "chatd.v1.json");
    this.#socket = socket;
    this.welcome = null;
    this.count = this.acked = 0; // deliveries since the Welcome
    this.#patience = setTimeout(() => this.#lost(), PATIENCE);
    socket.onopen = () => this.#hello();
    socket.onclose = () => this.#socket === socket && this.#lost();
    socket.onmessage = ({ data }) => {
      if (this.#socket !== socket) return;
      this.heardAt = performance.now();
      try {
        this.#hear(JSON.parse(data));
      } catch (error) {
        this.#lost(); // what could not be shown is not acknowledged: it comes again
        throw error;
      }
    };
  }

  #hello() {
    const { newest } = this.state;
    this.#ordinal = Math.max(this.#ordinal + 1, Date.now());
    const hello = {
      token: this.token,
      device_id: this.device,
      version: 1,
      ordinal: this.#overtaken ? 0 : this.#ordinal,
      hello_id: 1,
      client: "chatd page",
      window_messages: WINDOW,
      want_signals: true,
      start: { point: "START_POINT_HEAD" }, // what was said before is in the history
    };
    if (newest) {
      const { log, room_id, seq, event_id } = newest;
      hello.shown = { log, room_id, seq, event_id };
    }
    this.#say({ hello });
  }

  #say(frame) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(frame));
  }

  #hear(frame) {
    if (frame.welcome) this.#welcomed(frame.welcome);
    if (frame.deliveries) this.#take(frame.deliveries);
    for (const signal of frame.signals ?? []) this.on.signal(signal);
    if (frame.caught_up) this.on.caughtUp();
    if (frame.token_expires) this.on.expires(Number(frame.token_expires.in_ms ?? 0));
    if (frame.closed) this.#closed(frame.closed.error ?? {});
    if (frame.error?.hello_id) this.#closed(frame.error);
    if (frame.error?.refused === "ack") this.acked = 0; // it is said again at the next tick
  }

  #welcomed(welcome) {
    const { state } = this;
    clearTimeout(this.#patience);
    this.welcome = welcome;
    this.#overtaken = false;
    this.welcomedAt = performance.now();
    this.#clock.postMessage(welcome.heartbeat_interval_ms / 2);
    const isNewDevice = welcome.new_device && state.newest; // it was forgotten: some events may be missing
    const isAnotherLog = Boolean((state.log && state.log !== welcome.log) || welcome.rewound || isNewDevice);
    const earlier = isAnotherLog ? [...state.shown] : null;
    if (isAnotherLog) {
      state.shown.clear();
      state.newest = null;
      this.#replays.clear();
    }
    state.log = welcome.log;
    this.on.welcome(welcome, earlier);
    this.on.keep();
  }

  #take(deliveries) {
    for (const delivery of deliveries) {
      this.count += 1;
      if (delivery.replay) this.#replay(delivery);
      else this.#show(delivery);
    }
    this.on.keep(); // before the Ack, which says that they need not come again
    if (this.count - this.acked >= this.welcome.window_messages / 4) this.#acknowledge();
    else this.#ackTimer ||= setTimeout(() => this.#acknowledge(), ACK_AFTER);
  }

  #show(delivery) {
    const { state } = this;
    const { room_id, event_id, sent_at_us = 0 } = delivery.event;
    const seq = Number(delivery.event.seq);
    if (seq <= (state.shown.get(room_id)?.[0] ?? 0)) return; // a repeat
    this.on.delivery(delivery);
    state.shown.set(room_id, [seq, event_id]);
    const { newest } = state;
    const isNewer = !newest || newest.room_id === room_id || Number(sent_at_us) > newest.sent_at_us;
    if (!delivery.skipped && isNewer) {
      state.newest = { log: state.log, room_id, seq, event_id, sent_at_us: Number(sent_at_us) };
    }
  }

  // An operator has it sent once more: it is no repeat, unless it comes twice.
  #replay(delivery) {
    const key = JSON.stringify([delivery.event.room_id, delivery.event.seq]);
    if (!this.#replays.has(key)) this.on.delivery(delivery);
    this.#replays.set(key, this.count);
  }

  #acknowledge() {
    clearTimeout(this.#ackTimer);
    this.#ackTimer = 0;
    if (this.count === this.acked) return;
    this.acked = this.count;
    this.#say({ ack: { up_to: this.acked } });
    for (const [key, count] of this.#replays) if (count <= this.acked) this.#replays.delete(key);
  }

  // Every half heartbeat interval.
  #tick() {
    if (!this.welcome) return;
    this.#acknowledge();
    this.#say({ heartbeat: {} });
    if (performance.now() - this.heardAt > 3 * this.welcome.heartbeat_interval_ms) this.#lost();
  }

  #closed(error) {
    if (error.code === OVERTAKEN) this.#overtaken = true;
    if (error.retry || AGAIN.has(error.code)) {
      this.#lost(error.retry_after_ms);
    } else {
      this.#stopped = true;
      this.#hangUp();
      this.on.stopped(error);
    }
  }

  #hangUp() {
    const socket = this.#socket;
    this.#socket = this.welcome = null;
    clearTimeout(this.#patience);
    clearTimeout(this.#retry);
    clearTimeout(this.#ackTimer);
    this.#ackTimer = 0;
    socket?.close();
  }

  #lost(atLeast = 0) {
    const wasGood = this.welcome && (this.count || performance.now() - this.welcomedAt > PATIENCE);
    if (wasGood) this.#pause = FIRST_PAUSE;
    this.#hangUp();
    this.on.lost();
    const pause = Math.max(atLeast, this.#pause * (0.5 + Math.random() / 2));
    this.#pause = Math.min(2 * this.#pause, LONGEST_PAUSE);
    this.#retry = setTimeout(() => this.#connect(), pause);
  }

  // The network is back, or the user: do not wait any longer.
  #hurry() {
    if (this.#stopped || this.#socket) return;
    clearTimeout(this.#retry);
    this.#connect();
  }
}
