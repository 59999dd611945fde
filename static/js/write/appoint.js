// Whether whoever wrote a message is to look after the room, or not any more: asked on a page of its own, which knows what
// they are. Messages do not say.
import { embedded } from "../lib/credential.js";
import { room } from "../lib/page.js";
import { mayAppointAuthor } from "../list/may.js";
import { offer } from "../list/message-toolbar.js";
import { confirmElsewhere } from "./elsewhere.js";

function ask(message) {
  const address = `/rooms/${room}/members/${message.dataset.author}/rank`;
  if (embedded) confirmElsewhere(`${address}/confirmation`);
  else location.assign(address);
}

offer("appoint", mayAppointAuthor, ask);
