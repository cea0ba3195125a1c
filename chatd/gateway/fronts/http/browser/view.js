// The room that is shown: the one that the address names behind its #.

import { drawn, isSaid, statusText } from "./room.js";
import { listRooms, refresh } from "./rooms.js";
import { $, isolated, session, soon, tried } from "./session.js";
import { draftOf, showWaiting } from "./writing.js";

const PAGE = 50; // events
const DRAWN = 3_000; // lines at most, unless the user has asked for more
const NARROW = matchMedia("(max-width: 40rem)");
const TYPING_LASTS = 5_000; // milliseconds

const log = $("log");
const scroller = $("scroller");
const isAtBottom = () => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 40;

// ``anew``: what was drawn is no longer true.
export async function show(anew = false) {
  const room = session.rooms.get(named()) ?? null;
  const isSame = room === session.open && !anew;
  session.open = room;
  $("chat").classList.toggle("in-room", Boolean(room));
  listRooms();
  if (!room || isSame) return;
  $("title").textContent = room.title;
  $("text").value = draftOf(room);
  draw();
  showTyping();
  if (!NARROW.matches) $("text").focus();
  if (room.more && room.lines.length < PAGE) await older();
}

function named() {
  try {
    return decodeURIComponent(location.hash.slice(1));
  } catch {
    return ""; // this page has not made it
  }
}

function draw() {
  const { open } = session;
  log.replaceChildren(...open.lines.map(element));
  $("older").hidden = !open.more;
  showWaiting();
  toBottom();
}

const element = (line) => drawn(line, session.me, onStatus);

function onStatus(line, button) {
  button.isInFull = true; // with names, from now on
  showStatus(line, button);
}

function toBottom() {
  scroller.scrollTop = scroller.scrollHeight;
  soonRead();
  soonStatus();
}

// A new line of it.
export function append(line) {
  const { open, me } = session;
  const follow = isAtBottom() || line.event.sender_id === me;
  if (follow && open.lines.length > DRAWN) {
    open.trim();
    draw();
    return;
  }
  log.append(element(line));
  if (follow) toBottom();
}

async function older() {
  const room = session.open;
  if (room.isLoading) return;
  room.isLoading = true;
  const page = await tried("GetHistory", { room_id: room.id, before_seq: room.first, limit: PAGE });
  room.isLoading = false;
  if (!page) return;
  const wasAtBottom = isAtBottom();
  const fromBottom = scroller.scrollHeight - scroller.scrollTop;
  room.addOlder(page);
  if (room !== session.open) return;
  log.replaceChildren(...room.lines.map(element));
  $("older").hidden = !room.more;
  if (wasAtBottom) toBottom();
  else scroller.scrollTop = scroller.scrollHeight - fromBottom; // what was seen stays where it was
}

$("older").onclick = older;
let follows = true; // the newest line stays in sight
scroller.onscroll = () => {
  follows = isAtBottom();
  if (follows) soonRead();
  else if (scroller.scrollTop < 80 && session.open?.more) older();
};
new ResizeObserver(() => follows && session.open && toBottom()).observe(scroller); // a phone's keyboard
document.addEventListener("visibilitychange", () => soonRead());

// What somebody can see is read.
const soonRead = soon(async () => {
  const { open: room, stream } = session;
  if (!room || document.hidden || !isAtBottom() || room.last <= room.readSeq) return;
  const marker = { room_id: room.id, seq: room.last, device_id: stream.device };
  if (await tried("SetReadMarker", marker)) await refresh([room.id]);
});

// How far the newest message of one's own has come.
export const soonStatus = soon(() => {
  const item = [...log.children].findLast((one) => one.className === "mine");
  const line = session.open?.lines.find((one) => isSaid(one) && one.seq === Number(item?.dataset.seq));
  if (line) showStatus(line, item.querySelector(".status"));
});

async function showStatus(line, button) {
  const answer = await tried("GetDeliveryStatus", { room_id: line.event.room_id, seq: line.seq });
  if (answer) button.textContent = statusText(answer, button.isInFull);
}

// A signal of somebody who writes, or has stopped.
export function heardTyping({ room_id, profile_id, typing }) {
  const room = session.rooms.get(room_id);
  if (typing) room?.typing.set(profile_id, performance.now() + TYPING_LASTS);
  else room?.typing.delete(profile_id);
  showTyping();
  setTimeout(showTyping, TYPING_LASTS + 100);
}

export function showTyping() {
  const now = performance.now();
  const writing = [...(session.open?.typing ?? [])].filter(([, until]) => until > now);
  const names = writing.map(([name]) => isolated(name));
  $("typing").textContent = names.length ? `${names.join(", ")} ${names.length > 1 ? "are" : "is"} writing …` : "";
}
