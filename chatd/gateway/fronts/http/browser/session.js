// What the parts of the page share: this tab's session. All that has to outlive a reload is in the tab's
// sessionStorage, the token too, and ends with the tab.

import { call, Refused } from "./calls.js";

const SOON = 250; // milliseconds

export const $ = (id) => document.getElementById(id);
export const keep = (key, value) => sessionStorage.setItem(`chatd.${key}`, JSON.stringify(value));
export const kept = (key, otherwise = null) => JSON.parse(sessionStorage.getItem(`chatd.${key}`)) ?? otherwise;
export const forgetKept = (key) => sessionStorage.removeItem(`chatd.${key}`);

export const session = {
  me: kept("profile", ""),
  stream: null, // null: nobody has logged in
  rooms: new Map(), // id → Room
  open: null, // the Room that is shown
};

export const ask = (method, fields, requestId) => call(session.stream.token, method, fields, requestId);

// A call that may fail: null. What it would have told comes by the stream, or when it is asked again.
export async function tried(method, fields) {
  try {
    return await ask(method, fields);
  } catch (error) {
    if (!(error instanceof Refused)) console.warn(`${method}: ${error.message}`);
    return null;
  }
}

// Does it once, a little later, however often it is wanted until then.
export function soon(action) {
  let timer = 0;
  return () => {
    timer ||= setTimeout(() => {
      timer = 0;
      if (session.stream) action();
    }, SOON);
  };
}

// A name of a stranger inside a sentence: in isolates, so that it cannot turn the text around it.
export const isolated = (name) => `\u2068${name}\u2069`;

export function make(tag, { text, ...properties } = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  if (text !== undefined) element.textContent = text;
  element.append(...children);
  return element;
}
