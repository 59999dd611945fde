// All that a page needs to have its people known in the room, and what it may do besides.
const chat = document.querySelector("quart-chat");
const log = document.getElementById("log");

async function token() {
  const answer = await fetch("/chat-token");
  return answer.status === 200 ? answer.text() : null; // null: nobody is signed in
}

if (chat) {
  customElements.whenDefined("quart-chat").then(() => chat.identify(token));
  chat.addEventListener("unread", ({ detail }) => {
    document.title = detail.count ? `(${detail.count}) The Daily Loaf` : "The Daily Loaf";
  });
  chat.addEventListener("message", ({ detail }) => { log.textContent = `Last said in the room: ${detail.author}`; });
  chat.addEventListener("error", ({ detail }) => { log.textContent = `The room says: ${detail.message}`; });
}
