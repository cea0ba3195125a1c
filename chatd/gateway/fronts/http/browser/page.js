// The page begins here: login, and what the stream brings.

import { newId } from "./calls.js";
import { Room } from "./room.js";
import { MOST, refresh, soonList, soonRefresh } from "./rooms.js";
import { $, forgetKept, isolated, keep, kept, session, tried } from "./session.js";
import { Stream } from "./stream.js";
import { append, heardTyping, show, showTyping, soonStatus } from "./view.js";
import { beginWriting, cameBack, endWriting, forgetWriting, hasUnsent } from "./writing.js";

function logIn(token) {
  const device = kept("device") ?? `web-${newId()}`; // another tab is another device
  keep("token", token);
  keep("device", device);
  const [log, shown, newest] = kept("state", ["", [], null]);
  const state = { log, shown: new Map(shown), newest };
  session.stream = new Stream(token, device, state, {
    keep: () => keep("state", [state.log, [...state.shown], state.newest]),
    welcome,
    delivery,
    signal,
    caughtUp: () => say("connected"),
    expires: (ms) => ms && say(`the token expires in ${Math.round(ms / 1000)} s`),
    lost: () => say("no connection, trying again …"),
    stopped,
  });
  say("connecting …");
  session.stream.start();
}

async function welcome({ profile_id }, earlier) {
  const { me, rooms, stream } = session;
  if (me && me !== profile_id) {
    forgetWriting();
    rooms.clear();
    stream.state.shown.clear();
    stream.state.newest = null;
  }
  session.me = profile_id;
  keep("profile", profile_id);
  beginWriting();
  $("me").textContent = profile_id;
  $("login").hidden = true;
  $("chat").hidden = false;
  say("catching up …");
  if (earlier) for (const room of rooms.values()) room.forget();
  await refresh();
  if (session.stream) await show(Boolean(earlier));
  if (session.stream && earlier) await tellLost(earlier);
}

// Says in which rooms messages are gone that were shown before the log went back.
async function tellLost(earlier) {
  const marks = earlier.map(([room_id, [seq, event_id]]) => ({ room_id, seq, event_id }));
  for (let at = 0; at < marks.length; at += MOST) {
    const found = await tried("FindRewound", { marks: marks.slice(at, at + MOST) });
    for (const { room_id } of found?.rooms ?? []) {
      const name = isolated(session.rooms.get(room_id)?.title ?? room_id);
      $("lost").textContent ||= "chatd went back to an earlier state. Messages were lost in";
      $("lost").textContent += ` ${name}`;
    }
  }
}

function delivery(delivery) {
  const { rooms, open, me } = session;
  const { event, payload } = delivery;
  const room = rooms.get(event.room_id) ?? new Room(event.room_id);
  if (!rooms.has(room.id)) {
    rooms.set(room.id, room);
    soonRefresh(room.id); // for its name
  }
  const line = room.add(delivery);
  if (line && room === open) append(line);
  if (room !== open) room.trim();
  if (event.sender_id === me) cameBack(event);
  if (room.typing.delete(event.sender_id)) showTyping();
  const moved = event.type === "EVENT_TYPE_MEMBERSHIP" && [payload?.joined, payload?.left].flat().includes(me);
  if (moved || event.type === "EVENT_TYPE_ROOM") soonRefresh(room.id);
  soonList();
}

function signal({ typing, delivered, read }) {
  if (typing) heardTyping(typing);
  const { room_id, profile_id } = read ?? delivered ?? {};
  if (read && profile_id === session.me) soonRefresh(room_id); // on another device
  else if (room_id && room_id === session.open?.id) soonStatus();
}

// Only the user can help.
function stopped({ code, message }) {
  if (code === 600) {
    say("This device is used in another tab.");
    $("resume").hidden = false;
    return;
  }
  forgetKept("token");
  endWriting();
  session.stream = null;
  $("chat").hidden = true;
  askForToken(message);
}

function askForToken(reason = "") {
  $("login").hidden = false;
  $("reason").textContent = reason;
  $("token").focus();
}

function say(text) {
  if ($("state").textContent !== text) $("state").textContent = text;
}

$("login").onsubmit = (event) => {
  event.preventDefault();
  const token = $("token").value.trim();
  $("token").value = $("reason").textContent = "";
  logIn(token);
};

$("logout").onclick = () => {
  if (hasUnsent() && !confirm("Some messages are not sent yet. Forget them?")) return;
  session.stream.stop();
  sessionStorage.clear();
  location.replace(location.pathname);
};

$("resume").onclick = () => location.reload(); // what the other tab has acknowledged is in the history
addEventListener("hashchange", () => show());
addEventListener("pagehide", () => session.stream?.stop());
addEventListener("pageshow", (event) => event.persisted && location.reload());

const token = kept("token");
if (token) logIn(token);
else askForToken();
