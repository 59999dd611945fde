// What the page says of itself.

export const room = document.querySelector("[data-room]").dataset.room;
