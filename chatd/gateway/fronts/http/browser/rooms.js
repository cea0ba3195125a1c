// The list of rooms.

import { Refused, newId } from "./calls.js";
import { Room } from "./room.js";
import { $, ask, make, session, soon, tried } from "./session.js";

const AGAIN_AFTER = 2_000; // milliseconds
export const MOST = 1_000; // in a call

// Asks for the rooms named, or for all: their names, and what is unread.
export async function refresh(ids = []) {
  let found = null;
  while (!(found = await unreadOf(ids))) {
    await new Promise((wake) => setTimeout(wake, AGAIN_AFTER));
    if (!session.stream) return;
  }
  const { rooms, open } = session;
  const now = new Set(found.map((one) => one.room_id));
  for (const id of ids.length ? ids : [...rooms.keys()]) {
    if (!now.has(id)) rooms.delete(id); // the profile has left
  }
  for (const one of found) {
    if (!rooms.has(one.room_id)) rooms.set(one.room_id, new Room(one.room_id));
    rooms.get(one.room_id).know(one);
  }
  listRooms();
  if (open && !rooms.has(open.id)) location.hash = "";
  if (open) $("title").textContent = open.title;
}

async function unreadOf(ids) {
  const found = [];
  for (let more = true; more; ) {
    const asked = ids.length ? { room_ids: ids } : { after_room_id: found.at(-1)?.room_id ?? "" };
    const page = await tried("ListUnread", { ...asked, limit: MOST });
    if (!page) return null;
    found.push(...page.rooms);
    more = page.more && !ids.length;
  }
  return found;
}

const stale = new Set();
const refreshStale = soon(() => {
  const ids = [...stale].slice(0, MOST);
  for (const id of ids) stale.delete(id);
  refresh(ids);
  if (stale.size) refreshStale();
});

export function soonRefresh(id) {
  stale.add(id);
  refreshStale();
}

export function listRooms() {
  const { rooms, open, me } = session;
  const sorted = [...rooms.values()].sort((one, other) => one.title.localeCompare(other.title));
  const list = $("rooms");
  const items = new Map([...list.children].map((item) => [item.room, item]));
  let all = 0;
  for (const [at, room] of sorted.entries()) {
    const item = items.get(room) ?? newItem(room);
    items.delete(room);
    const unread = room.unread(me);
    all += unread;
    const [link] = item.children;
    const [title, badge] = link.children;
    title.textContent = room.title;
    badge.textContent = unread;
    badge.ariaLabel = `${unread} unread`;
    badge.hidden = !unread;
    link.ariaCurrent = room === open ? "true" : null;
    if (list.children[at] !== item) list.insertBefore(item, list.children[at] ?? null);
  }
  for (const item of items.values()) item.remove();
  document.title = all ? `(${all}) chatd` : "chatd";
}

export const soonList = soon(listRooms);

function newItem(room) {
  const badge = make("span", { className: "unread" });
  const link = make("a", { href: `#${encodeURIComponent(room.id)}` }, make("bdi"), badge);
  return make("li", { room }, link);
}

let requestId = null; // of the room that is being made: for the next attempt too

$("create").onsubmit = async (event) => {
  event.preventDefault();
  requestId ??= newId();
  const profile_ids = $("members").value.split(/[\s,]+/).filter(Boolean);
  try {
    const { room } = await ask("CreateRoom", { name: $("name").value, profile_ids }, requestId);
    $("create").reset();
    $("create").parentElement.open = false;
    $("trouble").textContent = "";
    await refresh([room.room_id]);
    location.hash = encodeURIComponent(room.room_id);
  } catch (error) {
    $("trouble").textContent = error.message;
    if (!(error instanceof Refused) || error.retry) return; // perhaps it was made
  }
  requestId = null;
};

$("create").oninput = () => (requestId = null); // another room
