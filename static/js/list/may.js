// What whoever looks at the page may do with a message, as far as the page knows: the server decides. Fragments are the same
// for every viewer, so it is asked here of the message and of who is there.
import { channel } from "../lib/channel.js";

const [MODERATOR, OWNER] = [3, 4]; // as in models.py, `Rank`

const viewer = () => document.getElementById("identity")?.dataset ?? {};

export const me = () => viewer().user;
export const isOwn = (message) => me() !== undefined && message.dataset.author === me();

export const mayEdit = isOwn;
const has = (rank) => Number(viewer().rank ?? 0) >= rank;
export const mayModerate = () => has(MODERATOR);
export const mayDelete = (message) => isOwn(message) || mayModerate();
export const mayRemoveAuthor = (message) => !isOwn(message) && mayModerate();
export const mayAppointAuthor = (message) => !isOwn(message) && has(OWNER);

// Calls `listener(before)` when the page has learnt who is there, with the number of who was there before: the first message
// makes the reader a guest, and they may have become somebody in another tab.
const [onViewer, tell] = channel();
export { onViewer };

let known = me();

new MutationObserver(() => {
  const before = known;
  known = me();
  tell(before);
}).observe(document.getElementById("composer"), { childList: true });
