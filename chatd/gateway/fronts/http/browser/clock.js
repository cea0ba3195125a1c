// Ticks. A worker's timers go on in a tab that is hidden; those of the page slow down to one a minute.
let timer = 0;
onmessage = ({ data: milliseconds }) => {
  clearInterval(timer);
  timer = setInterval(() => postMessage(null), milliseconds);
};
